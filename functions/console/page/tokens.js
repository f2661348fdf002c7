// The Tokens view: a text's tokens as one types, a file's count, and what a request costs.
import { post } from "./api.js";
import { announce, button, field, figure, h, onDrop, picker, select, set } from "./dom.js";
import { pieces } from "./files.js";
import { allModels, modelOf, priceOf } from "./models.js";
import { factsOf, problemBox } from "./problem.js";
import { estimateView } from "./estimate.js";
import { persisted } from "./store.js";
import { T, bytes, number, usd } from "./texts.js";

const [state, keep] = persisted("tokens", {
  mode: "text", model: "", text: "", ids: false, perMinute: "", output: "", ptuHour: "",
  request: JSON.stringify({ model: "gpt-4o", messages: [{ role: "system", content: "You are brief." }, { role: "user", content: "What is a token?" }], max_completion_tokens: 500 }, null, 2),
});

// shownTokens is how many are drawn, which takes a few milliseconds. typed is how much text goes into the field, in bytes.
const shownTokens = 5000;
const typed = 200_000;

export function tokensView() {
  const area = h("div", {});
  const result = h("div", { class: "stack", "aria-live": "polite" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": new T("nav.tokens") });
  const node = h("section", { class: "page" }, h("div", { class: "bar" }, h("h1", {}, new T("nav.tokens")), tabs), h("div", { class: "page-body" }, area, result));
  let counting = new AbortController();
  let timer = 0;

  function draw() {
    counting.abort();
    set(tabs, ["text", "request"].map((m) => h("button", { type: "button", class: "tab", "aria-pressed": String(m === state.mode), onclick: () => { state.mode = m; keep(); draw(); } }, new T("tokens." + m))));
    set(result);
    set(area, state.mode === "text" ? textForm() : requestForm());
    soon(0);
  }

  // soon counts once no key was pressed for a moment.
  function soon(wait = 200) {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      counting.abort();
      counting = new AbortController();
      const { signal } = counting;
      try {
        await (state.mode === "text" ? countText(signal) : estimate(signal));
      } catch (e) {
        if (!signal.aborted) set(result, problemBox(factsOf(e)));
      }
    }, wait);
  }

  function textForm() {
    const models = allModels();
    if (!models.some((m) => m.id === state.model)) state.model = models[0].id;
    const text = h("textarea", { id: "text", rows: 8, value: state.text, "aria-label": new T("tokens.placeholder"), placeholder: new T("tokens.placeholder"), oninput: () => { state.text = text.value; keep(); soon(); },
      onpaste: (e) => {
        const pasted = e.clipboardData.getData("text/plain");
        if (pasted.length <= typed) return;
        e.preventDefault();
        countFile(new File([pasted], "clipboard.txt"));
      } });
    const form = h("div", { class: "stack" }, h("div", { class: "row" },
      h("label", { class: "inline" }, new T("chat.model"), select(models.map((m) => [m.id, m.id]), state.model, (v) => { state.model = v; keep(); soon(0); })),
      h("label", { class: "check" }, h("input", { type: "checkbox", checked: state.ids, onchange: (e) => { state.ids = e.target.checked; keep(); soon(0); } }), new T("tokens.ids")),
      h("span", { class: "grow" }), picker(new T("tokens.file"), "", ([f]) => take(f), { icon: "up" })), text);
    onDrop(form, ([f]) => take(f));
    return form;

    async function take(file) {
      if (file.size > typed) return countFile(file);
      text.value = state.text = await file.text();
      keep();
      return soon(0);
    }
  }

  async function countText(signal) {
    if (!state.text) return set(result, h("p", { class: "faint" }, new T("tokens.empty")));
    const report = await post("/tokens/estimate", { text: state.text, model: state.model, estimate: { tokens: true } }, signal);
    const list = report.tokens?.[0]?.tokens ?? [];
    return set(result, totals(report.input_tokens, new Blob([state.text]).size),
      list.length > shownTokens && h("p", { class: "note" }, new T("tokens.first", { n: shownTokens })),
      h("div", { class: "tokens mono", tabindex: 0, role: "group", "aria-label": new T("tokens.colours") }, list.slice(0, shownTokens).map((t, i) =>
        h("span", { class: "token c" + (i % 5), title: "#" + t.id }, t.text, state.ids && h("sub", {}, String(t.id))))));
  }

  function totals(tokens, size) {
    const m = modelOf(state.model);
    const p = priceOf(m);
    return h("div", { class: "figures" },
      figure(number(tokens), new T("tokens.tokens")), figure(bytes(size), new T("tokens.size")),
      p && figure(usd(tokens * p.usd_per_million_input / 1e6), new T("tokens.cost")),
      m?.context_window && figure(number(tokens / m.context_window, { style: "percent", maximumSignificantDigits: 2 }), new T("tokens.ofcontext")));
  }

  // countFile counts a file that is too large for the field, piece by piece, once its limits have been read.
  function countFile(file) {
    counting.abort();
    const parts = Math.ceil(file.size / 1e6);
    set(result, h("div", { class: "panel stack" }, h("h2", {}, file.name), h("p", {}, new T("tokens.large", { size: bytes(file.size), n: parts })),
      h("div", { class: "row" }, button(new T("tokens.count"), start, { kind: "primary" }), button(new T("cancel"), () => soon(0)))));

    async function start() {
      const { signal } = (counting = new AbortController());
      const bar = h("progress", { max: file.size, value: 0, "aria-label": file.name });
      const sum = h("div", {});
      set(result, h("div", { class: "panel stack" }, h("h2", {}, file.name), bar, sum, h("div", { class: "row" }, button(new T("cancel"), () => { counting.abort(); soon(0); }))));
      let tokens = 0;
      try {
        for await (const piece of pieces(file, 1e6)) {
          tokens += (await post("/tokens/estimate", { text: piece.text, model: state.model }, signal)).input_tokens;
          bar.value = piece.end;
          set(sum, totals(tokens, piece.end));
        }
        set(result, h("div", { class: "panel stack" }, h("h2", {}, file.name), totals(tokens, file.size), h("p", { class: "hint" }, new T("tokens.pieces", { n: parts }))));
        announce(new T("tokens.counted", { n: tokens }));
      } catch (e) {
        if (!signal.aborted) set(result, problemBox(factsOf(e), start));
      }
    }
  }

  function requestForm() {
    const small = (name, label, hint) => field(label, h("input", { type: "number", min: 0, step: "any", value: state[name], oninput: (e) => { state[name] = e.target.value; keep(); soon(); } }), hint);
    return h("div", { class: "stack" },
      field(new T("tokens.request.label"), h("textarea", { rows: 10, class: "mono", spellcheck: "false", value: state.request, oninput: (e) => { state.request = e.target.value; keep(); soon(400); } })),
      h("div", { class: "thirds" }, small("output", new T("tokens.output")), small("perMinute", new T("tokens.perminute")), small("ptuHour", new T("tokens.ptuhour"))));
  }

  async function estimate(signal) {
    let body;
    try {
      body = JSON.parse(state.request);
    } catch (e) {
      return set(result, h("p", { class: "note bad", role: "alert" }, new T("chat.badjson", { message: e.message })));
    }
    const positive = (text) => (Number(text) > 0 ? Number(text) : undefined);
    const perMinute = positive(state.perMinute);
    delete body.stream;
    delete body.stream_options;
    const report = await post("/tokens/estimate", { ...body, estimate: { calls_per_minute: perMinute, output_tokens: positive(state.output) } }, signal);
    return set(result, estimateView(report, perMinute, positive(state.ptuHour)));
  }

  draw();
  return { node };
}
