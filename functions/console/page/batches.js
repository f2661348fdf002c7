// The Batches view: a file of requests on its way in, and the batches there are.
import { getJSON, post } from "./api.js";
import { announce, button, copier, figure, h, icon, onDrop, picker, save, select, set } from "./dom.js";
import { Upload, awsCommand, download, expected, largest, partsOf, survey } from "./upload.js";
import { factsOf, problemBox } from "./problem.js";
import { viewer } from "./viewer.js";
import { T, bytes, duration, number, usd, when } from "./texts.js";

const active = (b) => ["validating", "in_progress", "finalizing", "cancelling"].includes(b.status);
const example = Array.from({ length: 6 }, (_, i) => JSON.stringify({
  custom_id: `line-${i + 1}`, method: "POST", url: "/v1/chat/completions",
  body: { model: "gpt-4o-mini", messages: [{ role: "user", content: `Summarise: ${["The pump stopped at two.", "The train was late.", "The shop sold out of bread.", "The bridge opened.", "The meeting was moved.", "The parcel came back."][i]}` }], max_tokens: 60 },
})).join("\n");

export function batchesView() {
  const task = h("div", { class: "stack" });
  const list = h("div", { class: "stack" });
  const more = h("div", { class: "row" });
  const node = h("section", { class: "page" }, h("div", { class: "bar" }, h("h1", {}, new T("nav.batches")), h("span", { class: "grow" }), button(new T("batch.reload"), () => load(), { icon: "retry" })),
    h("div", { class: "page-body" }, task, h("h2", {}, new T("batch.list")), list, more));
  const batches = new Map(); // by id, in the list's order
  const rows = new Map();
  const names = new Map(); // of files
  let timer = 0;
  let sending = new AbortController();

  function drop() {
    const zone = h("div", { class: "drop" }, icon("up"), h("p", {}, h("strong", {}, new T("batch.drop"))), h("p", { class: "hint" }, new T("batch.drop.hint")),
      h("div", { class: "row" }, picker(new T("batch.choose"), ".jsonl,.ndjson,.json,.txt", ([f]) => look(f), { kind: "primary" }), button(new T("batch.example"), () => look(new File([example], "example.jsonl")))));
    onDrop(zone, ([f]) => look(f));
    set(task, zone);
  }

  // look says what is known of a file before anything is sent.
  async function look(file) {
    const start = await file.slice(0, 20_000).text();
    const complaint = file.size === 0 ? new T("batch.emptyfile") : file.size > largest ? new T("batch.toolarge", { size: bytes(file.size) })
      : /^\s*\{/.test(start.replace(/^\ufeff/, "")) ? null : new T("batch.nojsonl");
    set(task, panel(file.name, h("p", {}, new T("batch.size", { size: bytes(file.size), n: partsOf(file.size) })),
      complaint && h("p", { class: "note bad", role: "alert" }, complaint),
      h("div", { class: "row" }, !(file.size === 0 || file.size > largest) && button(new T("batch.upload"), () => send(new Upload(file)), { kind: "primary", icon: "up" }), button(new T("cancel"), drop))));
    task.querySelector(".primary")?.focus();
  }

  const panel = (title, ...content) => h("div", { class: "panel stack" }, h("h2", {}, title), content);

  async function send(upload) {
    const { signal } = (sending = new AbortController());
    const { file } = upload;
    const bar = h("progress", { max: file.size, value: upload.sent, "aria-label": file.name });
    const told = h("p", { class: "hint", role: "status" });
    const tell = (sent) => { bar.value = sent; set(told, new T("batch.sent", { sent: bytes(sent), size: bytes(file.size) })); };
    set(task, panel(file.name, bar, told, h("div", { class: "row" }, button(new T("cancel"), () => { sending.abort(); upload.cancel(); drop(); }))));
    tell(upload.sent);
    try {
      const sent = await upload.run(signal, tell);
      names.set(sent.id, sent.filename);
      bar.removeAttribute("value");
      set(told, new T("batch.reading", { n: 0 }));
      showSurvey(sent, await survey(sent.id, signal, (n) => set(told, new T("batch.reading", { n }))));
    } catch (e) {
      if (!signal.aborted) set(task, panel(file.name, problemBox(factsOf(e), () => send(upload)), h("div", { class: "row" }, button(new T("cancel"), drop))));
    }
  }

  // showSurvey shows what a job would make of a file, for one of the endpoints that its lines are for.
  function showSurvey(file, s) {
    const count = {};
    for (const m of s.models) count[m.endpoint] = (count[m.endpoint] ?? 0) + m.lines;
    const endpoints = Object.keys(count).sort((a, b) => count[b] - count[a]);
    const content = h("div", { class: "stack" });
    const begin = button(new T("batch.start"), start, { kind: "primary" });
    let endpoint = endpoints[0];
    const draw = () => {
      const models = s.models.filter((m) => m.endpoint === endpoint);
      const cost = expected(models);
      const others = s.lines - s.refused - models.reduce((n, m) => n + m.lines, 0);
      begin.disabled = models.length === 0;
      set(content,
        h("div", { class: "figures" }, figure(number(s.lines), new T("batch.lines")), figure(number(s.refused), new T("batch.refused")),
          figure(usd(cost.usd), new T("batch.cost")), cost.usd !== null && cost.online > cost.usd && figure(usd(cost.online - cost.usd), new T("batch.saving")),
          figure(number(models.reduce((n, m) => n + m.parts, 0)), new T("batch.parts"))),
        endpoints.length > 1 && h("label", { class: "inline" }, new T("batch.endpoint"), select(endpoints.map((e) => [e, e]), endpoint, (v) => { endpoint = v; draw(); })),
        others > 0 && h("p", { class: "note" }, new T("batch.others", { n: others })),
        models.length > 0 && h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, ["chat.model", "batch.mode", "batch.lines", "batch.in", "batch.out", "batch.cost"].map((k, i) => h("th", { scope: "col", class: i > 1 && "num" }, new T(k))))),
          h("tbody", {}, models.map((m) => h("tr", {}, h("td", {}, m.model), h("td", {}, m.mode), [m.lines, m.input_tokens, m.output_tokens].map((n) => h("td", { class: "num" }, number(n))), h("td", { class: "num" }, usd(expected([m]).usd))))))),
        s.refused > 0 && h("details", { open: s.refused === s.lines }, h("summary", {}, new T("batch.refusals", { n: s.refused })), h("div", { class: "scroll" }, h("table", {}, h("tbody", {},
          (s.refusals ?? []).map((r) => h("tr", {}, h("td", { class: "num" }, new T("batch.line", { n: r.line })), h("td", { class: "mono" }, r.code), h("td", {}, r.message))))))),
        h("div", { class: "row" }, begin, button(new T("cancel"), drop)));
    };
    draw();
    set(task, panel(file.filename, content));
    announce(new T("batch.surveyed", { n: s.lines, refused: s.refused }));
    begin.focus();

    async function start() {
      begin.disabled = true;
      try {
        await post("/batches", { input_file_id: file.id, endpoint: "/v1/" + endpoint, completion_window: "24h" });
        drop();
        await load();
      } catch (e) {
        begin.disabled = false;
        content.append(problemBox(factsOf(e)));
      }
    }
  }

  // load reads the list, and goes on for as long as a batch of it is under way and the view is seen.
  async function load(after) {
    clearTimeout(timer);
    try {
      const page = await getJSON("/batches?limit=20" + (after ? "&after=" + after : ""));
      if (page.data.some((b) => !names.has(b.input_file_id))) {
        for (const f of (await getJSON("/files?purpose=batch&limit=1000")).data) names.set(f.id, f.filename);
      }
      if (!after && page.data[0]?.id !== [...batches.keys()][0]) {
        batches.clear();
        rows.clear();
        list.replaceChildren();
      }
      for (const b of page.data) show(b);
      if (!batches.size) set(list, h("p", { class: "faint" }, new T("batch.none")));
      if (after || batches.size <= 20) set(more, page.has_more && button(new T("batch.more"), () => load(page.last_id)));
    } catch (e) {
      set(more, problemBox(factsOf(e), () => load(after)));
    }
    schedule();
  }

  function schedule() {
    clearTimeout(timer);
    if ([...batches.values()].some(active)) timer = setTimeout(poll, document.hidden ? 15_000 : 2000);
  }

  async function poll() {
    if (!node.isConnected) return; // shown() begins again
    for (const b of [...batches.values()].filter(active)) {
      await getJSON("/batches/" + b.id).then(show, () => {}); // the next round asks again
    }
    schedule();
  }

  function show(b) {
    const before = batches.get(b.id);
    batches.set(b.id, b);
    if (before && active(before) && !active(b)) announce(new T("batch.ended", { name: names.get(b.input_file_id) ?? b.id, status: new T("status." + b.status) }));
    if (!rows.has(b.id)) {
      if (!rows.size) list.replaceChildren();
      const row = h("article", { class: "panel batch" });
      rows.set(b.id, row);
      list.append(row);
    }
    if (JSON.stringify(before) !== JSON.stringify(b) || active(b)) drawRow(rows.get(b.id), b);
  }

  function drawRow(row, b) {
    const { total, completed, failed } = b.request_counts;
    const left = total - completed - failed;
    const seconds = Date.now() / 1000 - b.in_progress_at;
    const rate = b.status === "in_progress" && b.in_progress_at && completed + failed > 0 ? (completed + failed) / seconds : 0;
    const held = row.contains(document.activeElement) ? document.activeElement.dataset.act : null;
    const act = (name, key, does, options) => button(new T(key), does, { ...options, "data-act": name });
    set(row, h("div", { class: "row" }, h("h3", { class: "grow" }, names.get(b.input_file_id) ?? b.id), h("span", { class: "tag " + b.status }, new T("status." + b.status))),
      h("p", { class: "hint facts" }, h("span", {}, when(b.created_at)), h("span", {}, b.endpoint), h("span", { class: "mono" }, b.id)),
      h("div", { class: "meter", role: "img", "aria-label": new T("batch.counts", { completed, failed, total }) }, total > 0 && [h("span", { class: "ok", style: { width: completed / total * 100 + "%" } }), h("span", { class: "failed", style: { width: failed / total * 100 + "%" } })]),
      h("p", { class: "facts" }, h("span", {}, new T("batch.counts", { completed, failed, total })), rate > 0 && left > 0 && h("span", {}, new T("batch.left", { time: duration(left / rate) })),
        b.usage && h("span", {}, new T("chat.usage", { in: b.usage.input_tokens, out: b.usage.output_tokens }))),
      (b.errors?.data ?? []).slice(0, 5).map((e) => h("p", { class: "note bad" }, e.line ? [new T("batch.line", { n: e.line }), ": "] : null, e.message)),
      h("div", { class: "row batch-actions" },
        active(b) && b.status !== "cancelling" && act("cancel", "batch.cancel", () => cancel(row, b), { kind: "danger" }),
        b.output_file_id && act("results", "batch.results", (e) => fetchFile(row, e.currentTarget, b.output_file_id, b.id + "_output.jsonl"), { icon: "down" }),
        b.error_file_id && act("failed", "batch.failed", (e) => fetchFile(row, e.currentTarget, b.error_file_id, b.id + "_error.jsonl"), { icon: "down" }),
        (b.output_file_id || b.error_file_id) && act("view", "batch.view", () => viewer(b, names.get(b.input_file_id) ?? b.id), { icon: "text" })));
    if (held) row.querySelector(`[data-act="${held}"]`)?.focus();
  }

  async function cancel(row, b) {
    try {
      show(await post(`/batches/${b.id}/cancel`, {}));
    } catch (e) {
      row.append(problemBox(factsOf(e)));
    }
    schedule();
  }

  async function fetchFile(row, pressed, id, name) {
    pressed.disabled = true;
    const told = h("p", { class: "hint", role: "status" });
    row.append(told);
    try {
      save(await download(id, undefined, (n) => set(told, new T("batch.received", { size: bytes(n) }))), name);
    } catch (e) {
      const command = awsCommand(e);
      row.append(command ? h("div", { class: "stack tight" }, h("p", {}, new T("batch.aws")), h("div", { class: "code" }, h("div", { class: "codebar" }, h("span", {}, "aws"), copier(() => command)), h("pre", { tabindex: 0 }, command))) : problemBox(factsOf(e)));
    }
    pressed.disabled = false;
  }

  drop();
  return { node, shown: () => load() };
}
