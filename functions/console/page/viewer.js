// The answers of a batch beside their requests, a page at a time. The files are read as far as the page that is looked at.
import { call } from "./api.js";
import { button, h, set } from "./dom.js";
import { drawer } from "./drawers.js";
import { lines } from "./files.js";
import { factsOf, problemBox } from "./problem.js";
import { T } from "./texts.js";

const perPage = 10;

export function viewer(batch, name) {
  const stop = new AbortController();
  const shown = h("div", { class: "stack", role: "region", "aria-live": "polite", "aria-label": name });
  const foot = h("div", { class: "row" });
  const read = pairs(batch, stop.signal);
  const found = [];
  let page = 0;
  let ended = false;
  const box = drawer(name, shown, foot);
  box.classList.add("wide");
  box.addEventListener("close", () => stop.abort());

  async function show(wanted) {
    try {
      while (!ended && found.length <= (wanted + 1) * perPage) { // and one more, to know whether there is a next page
        const next = await read.next();
        ended = next.done;
        if (!ended) found.push(next.value);
      }
    } catch (e) {
      return stop.signal.aborted ? null : set(shown, problemBox(factsOf(e), () => show(wanted)));
    }
    page = wanted;
    const rows = found.slice(page * perPage, (page + 1) * perPage);
    set(shown, rows.map((r) => h("article", { class: "pair-row" },
      h("p", { class: "hint" }, new T("batch.line", { n: r.line }), " ", h("span", { class: "mono" }, r.id ?? "")),
      h("div", { class: "pair-cells" }, h("div", {}, h("h3", {}, new T("viewer.request")), h("p", { class: "pre" }, r.request)),
        h("div", {}, h("h3", {}, new T(r.failed ? "viewer.failed" : "viewer.answer")), h("p", { class: r.failed ? "pre bad" : "pre" }, r.answer ?? new T("viewer.none")))))));
    set(foot, button(new T("viewer.back"), () => show(page - 1), { disabled: page === 0 }),
      button(new T("viewer.next"), () => show(page + 1), { disabled: found.length <= (page + 1) * perPage }),
      h("span", { class: "faint" }, new T("viewer.page", { from: page * perPage + 1, to: page * perPage + rows.length })));
    box.scrollTop = 0;
    return null;
  }
  show(0);
}

// pairs yields the lines of the input with what became of them. All files are in the order of the input.
async function* pairs(batch, signal) {
  const open = async (id) => (id ? new Head(lines((await call(`/files/${id}/content`, { signal })).body)) : null);
  const [input, output, errors] = await Promise.all([open(batch.input_file_id), open(batch.output_file_id), open(batch.error_file_id)]);
  for (let taken; (taken = await input.take());) {
    const [number, line] = taken;
    const request = parse(line);
    const id = request?.custom_id ?? null;
    const [good, bad] = [await output?.peek(), await errors?.peek()];
    let result = null;
    if (bad && (bad.error?.line ? bad.error.line === number : bad.custom_id === id)) result = parse((await errors.take())[1]);
    else if (good && good.custom_id === id) result = parse((await output.take())[1]);
    const body = result?.response?.body;
    const failure = result?.error ?? (result && result.response?.status_code >= 400 ? body?.error : null);
    yield { line: number, id, request: requestText(request?.body) ?? line, answer: failure ? failure.message ?? failure.code : result && answerText(body), failed: Boolean(failure) };
  }
}

// A Head looks at the next of some lines before it is taken.
class Head {
  constructor(all) {
    Object.assign(this, { all, next: undefined });
  }

  async peek() {
    this.next ??= (await this.all.next()).value;
    return this.next === undefined ? undefined : parse(this.next[1]);
  }

  async take() {
    const line = this.next ?? (await this.all.next()).value;
    this.next = undefined;
    return line;
  }
}

function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

const textOf = (content) => (typeof content === "string" ? content : Array.isArray(content) ? content.map((c) => c.text ?? `[${c.type}]`).join("\n") : null);

function requestText(body) {
  if (!body) return null;
  const said = body.messages?.findLast((m) => m.role === "user") ?? (Array.isArray(body.input) ? body.input.findLast((i) => i.role === "user") : null);
  return textOf(said?.content) ?? textOf(body.input) ?? JSON.stringify(body);
}

function answerText(body) {
  const text = body?.choices?.[0]?.message?.content ?? body?.output?.flatMap((o) => o.content ?? []).map((c) => c.text ?? "").join("");
  return text || JSON.stringify(body).slice(0, 2000);
}
