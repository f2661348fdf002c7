// The Search view: lines of text become vectors, a question finds the nearest, and a map shows which are alike.
import { post } from "./api.js";
import { announce, button, field, h, onDrop, picker, select, set, svg } from "./dom.js";
import { embeddingModels, priceOf } from "./models.js";
import { factsOf, problemBox } from "./problem.js";
import { persisted } from "./store.js";
import { T, number, usd } from "./texts.js";

const [state, keep] = persisted("search", { model: "", lines: "", question: "" });

// most is how many lines the page takes, and atOnce how many go into a request; Azure takes 2,048.
const most = 5000;
const atOnce = 200;

const example = ["Returns: damaged goods can be returned within 30 days, and we pay the postage.", "Delivery takes two to four working days within the country.",
  "The kettle holds 1.7 litres and switches itself off when the water boils.", "Faulty kettles are repaired free of charge for two years.", "The toaster browns four slices at once.",
  "Parcels abroad take a week.", "Invoices come by mail.", "You can pay by card or on account.", "The shop is open from nine to six."].join("\n");

export function searchView() {
  let vectors = null; // {lines, model, all, tokens}: what is embedded
  let working = new AbortController();
  const models = embeddingModels();
  if (!models.some((m) => m.id === state.model)) state.model = models.find((m) => /small/.test(m.id))?.id ?? models[0]?.id ?? "";
  const text = h("textarea", { rows: 8, value: state.lines, oninput: () => { state.lines = text.value; keep(); } });
  const told = h("div", { role: "status" });
  const found = h("div", { class: "stack" });
  const question = h("input", { type: "text", value: state.question, "aria-label": new T("search.question"), placeholder: new T("search.question"), oninput: () => { state.question = question.value; keep(); } });
  const ask = h("form", { class: "row ask", onsubmit: (e) => { e.preventDefault(); find(); } }, question, h("button", { class: "button primary", type: "submit" }, new T("search.find")));
  const node = h("section", { class: "page" }, h("div", { class: "bar" }, h("h1", {}, new T("nav.search"))),
    h("div", { class: "page-body" }, models.length === 0 ? h("p", { class: "note" }, new T("search.nomodel")) : [
      h("div", { class: "row" }, h("label", { class: "inline" }, new T("chat.model"), select(models.map((m) => [m.id, m.id]), state.model, (v) => { state.model = v; keep(); })),
        h("span", { class: "grow" }), picker(new T("tokens.file"), ".txt,.csv,.md,.jsonl", ([f]) => take(f), { icon: "up" }),
        button(new T("search.example"), () => { text.value = state.lines = example; question.value = state.question = "How can I return a kettle that arrived damaged?"; keep(); })),
      field(new T("search.lines"), text, new T("search.lines.hint", { n: most })), ask, told, found]));
  onDrop(node, ([f]) => take(f));

  async function take(file) {
    if (file.size > 5e6) return set(told, h("p", { class: "note bad", role: "alert" }, new T("search.toolarge", { n: most })));
    text.value = state.lines = (await file.text()).slice(0, 5e6);
    keep();
    return set(told);
  }

  // find embeds the lines, unless they are already, and ranks them by a question.
  async function find() {
    working.abort();
    const { signal } = (working = new AbortController());
    const lines = state.lines.split("\n").map((l) => l.trim()).filter(Boolean);
    set(found);
    if (!lines.length || !state.question.trim()) return set(told, h("p", { class: "note", role: "alert" }, new T("search.missing")));
    if (lines.length > most) return set(told, h("p", { class: "note bad", role: "alert" }, new T("search.toomany", { n: lines.length, most })));
    try {
      const key = state.model + "\n" + state.lines;
      if (vectors?.key !== key) vectors = { key, lines, model: state.model, ...await embed(lines, signal) };
      const asked = await embed([state.question.trim()], signal, false);
      const scores = vectors.all.map((v) => dot(v, asked.all[0]));
      const order = scores.keys().toArray().sort((a, b) => scores[b] - scores[a]);
      const points = await flatten([...vectors.all, asked.all[0]], signal);
      const p = priceOf(models.find((m) => m.id === state.model));
      const tokens = vectors.tokens + asked.tokens;
      set(told, h("p", { class: "facts" }, h("span", {}, new T("search.done", { n: lines.length, tokens })), p && h("span", {}, usd(tokens * p.usd_per_million_input / 1e6))));
      show(order, scores, points);
      announce(new T("search.best", { line: lines[order[0]] }));
    } catch (e) {
      if (!signal.aborted) set(told, problemBox(factsOf(e), find));
    }
    return null;
  }

  async function embed(lines, signal, tell = true) {
    const all = [];
    let tokens = 0;
    const bar = h("progress", { max: lines.length, value: 0, "aria-label": new T("search.embedding") });
    if (tell) set(told, h("div", { class: "stack tight" }, h("p", { class: "hint" }, new T("search.embedding")), bar, h("div", { class: "row" }, button(new T("cancel"), () => { working.abort(); set(told); }))));
    for (let i = 0; i < lines.length; i += atOnce) {
      const answer = await post("/embeddings", { model: state.model, input: lines.slice(i, i + atOnce), encoding_format: "base64" }, signal);
      for (const d of answer.data) all.push(normal(typeof d.embedding === "string" ? decode(d.embedding) : Float32Array.from(d.embedding)));
      tokens += answer.usage?.prompt_tokens ?? 0;
      bar.value = all.length;
    }
    return { all, tokens };
  }

  function show(order, scores, points) {
    const { lines } = vectors;
    const best = order.slice(0, 20);
    const [low, high] = [Math.min(0, scores[order.at(-1)]), Math.max(scores[order[0]], 0.01)];
    const marks = new Map();
    const point = (i, kind) => {
      const [x, y] = points[i];
      const mark = svg(kind === "asked" ? "rect" : "circle", kind === "asked" ? { x: x - 6, y: y - 6, width: 12, height: 12, transform: `rotate(45 ${x} ${y})`, class: "asked" } : { cx: x, cy: y, r: 5, class: kind },
        svg("title", {}, i < lines.length ? lines[i] : state.question));
      marks.set(i, mark);
      return mark;
    };
    const over = (i, on) => marks.get(i).classList.toggle("on", on);
    const map = svg("svg", { viewBox: "0 0 420 320", class: "map", role: "img", "aria-label": new T("search.map", { n: lines.length }) },
      order.slice(20).map((i) => point(i, "far")), best.toReversed().map((i) => point(i, "near")), point(lines.length, "asked"));
    set(found, h("div", { class: "found" },
      h("ol", { class: "ranked" }, best.map((i) => h("li", { tabindex: 0, onmouseenter: () => over(i, true), onmouseleave: () => over(i, false), onfocus: () => over(i, true), onblur: () => over(i, false) },
        h("p", {}, lines[i]), h("div", { class: "score" }, h("span", { class: "score-bar" }, h("span", { style: { width: Math.max(0, (scores[i] - low) / (high - low)) * 100 + "%" } })), h("span", { class: "faint" }, number(scores[i], { minimumFractionDigits: 3, maximumFractionDigits: 3, signDisplay: "negative" })))))),
      h("figure", {}, map, h("figcaption", { class: "row hint" }, h("span", { class: "q" }, new T("search.question")), h("span", { class: "n" }, new T("search.near")), h("span", { class: "f" }, new T("search.far"))))));
  }

  return { node };
}

function decode(base64) {
  return new Float32Array(Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer);
}

function dot(a, b) {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function normal(v) {
  const length = Math.sqrt(dot(v, v)) || 1;
  return v.map((x) => x / length);
}

// flatten projects vectors on the two directions in which they differ most (principal components, by power iteration), and
// fits them into the map. It pauses between passes, so that the page stays usable.
async function flatten(all, signal) {
  const size = all[0].length;
  const mean = new Float32Array(size);
  for (const v of all) for (let i = 0; i < size; i++) mean[i] += v[i] / all.length;
  const axes = [];
  for (let a = 0; a < 2; a++) {
    let axis = normal(Float32Array.from({ length: size }, (_, i) => Math.sin(i * (a + 1) + 1)));
    for (let round = 0; round < 12; round++) {
      const next = new Float32Array(size);
      for (let n = 0; n < all.length; n++) {
        const along = dot(all[n], axis) - dot(mean, axis);
        for (let i = 0; i < size; i++) next[i] += along * (all[n][i] - mean[i]);
        if (n % 500 === 499) await pause(signal);
      }
      for (const other of axes) {
        const along = dot(next, other);
        for (let i = 0; i < size; i++) next[i] -= along * other[i];
      }
      axis = normal(next);
    }
    axes.push(axis);
  }
  const flat = all.map((v) => axes.map((axis) => dot(v, axis)));
  const range = [0, 1].map((a) => [Math.min(...flat.map((p) => p[a])), Math.max(...flat.map((p) => p[a]))]);
  return flat.map((p) => [0, 1].map((a) => 16 + (a ? 288 : 388) * (p[a] - range[a][0]) / (range[a][1] - range[a][0] || 1)));
}

async function pause(signal) {
  await new Promise((resolve) => setTimeout(resolve));
  signal.throwIfAborted();
}
