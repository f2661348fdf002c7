// The Chat view: a conversation with one model, or with two side by side.
import { announce, button, field, h, onDrop, picker, put, select, set } from "./dom.js";
import { answerView, ask, newAnswer } from "./answer.js";
import { chatModels, facts, modelOf } from "./models.js";
import { codeDrawer, rawDrawer } from "./drawers.js";
import { imagesOf } from "./images.js";
import { bodyOf, efforts, parsed, settingsOf } from "./request.js";
import { persisted } from "./store.js";
import { samples } from "./samples.js";
import { T } from "./texts.js";

const fresh = { draft: "", images: [], turns: [] };
const [state, keep] = persisted("chat", {
  api: "chat", models: ["", ""], compare: false, settings: null, system: "", temperature: "", top_p: "", max: "", effort: "", tools: "", schema: "", ...fresh,
});
for (const answer of state.turns.flatMap((t) => t.answers)) { // of before a reload, which stopped it
  if (answer && ["waiting", "streaming"].includes(answer.status)) answer.status = "stopped";
}

const running = new Set(); // of AbortControllers
const lanes = () => (state.compare ? [0, 1] : [0]);

export function chatView() {
  const talk = h("div", { class: "talk", role: "log", "aria-live": "off", tabindex: 0, "aria-label": new T("nav.chat") });
  const message = h("textarea", {
    id: "message", rows: 1, placeholder: new T("chat.placeholder"), "aria-label": new T("chat.message"), value: state.draft,
    oninput: () => { state.draft = message.value; keep(); ready(); },
    onkeydown: (e) => { if (sends(e)) { e.preventDefault(); send(); } },
    onkeypress: (e) => { if (sends(e)) e.preventDefault(); },
    onpaste: (e) => { if (e.clipboardData.files.length) { e.preventDefault(); addImages([...e.clipboardData.files]); } },
  });
  const sends = (e) => e.key === "Enter" && !e.shiftKey && !e.isComposing;
  const thumbs = h("div", { class: "thumbs" });
  const complaint = h("div", { role: "alert" });
  const sendButton = button(new T("chat.send"), () => send(), { kind: "primary", icon: "send", only: true });
  const stopButton = button(new T("chat.stop"), stop, { kind: "stop", icon: "stop", only: true, hidden: true });
  const composer = h("form", { class: "composer", onsubmit: (e) => { e.preventDefault(); send(); } },
    thumbs, complaint, message,
    h("div", { class: "row" }, picker(new T("chat.image"), "image/*", addImages, { kind: "quiet", icon: "image", only: true, multiple: true }),
      h("span", { class: "grow" }), stopButton, sendButton));
  onDrop(composer, addImages);

  const settings = h("aside", { class: "settings", id: "settings", "aria-label": new T("chat.settings") });
  const settingsButton = button(new T("chat.settings"), () => { state.settings = settings.hidden; keep(); showSettings(); }, { icon: "sliders", "aria-controls": "settings" });
  const compare = button(new T("chat.compare"), () => { state.compare = !state.compare; keep(); drawSettings(); draw(); }, { icon: "compare" });
  const bar = h("div", { class: "bar" },
    h("h1", {}, new T("nav.chat")), h("span", { class: "grow" }),
    button(new T("chat.new"), clear, { icon: "edit" }), compare,
    button(new T("chat.code"), () => guarded(() => codeDrawer(state, lanes().map(body))), { icon: "code" }),
    button(new T("chat.raw"), () => rawDrawer(lanes()), { icon: "raw" }), settingsButton);
  const node = h("section", { class: "chat" }, bar, h("div", { class: "chat-columns" }, h("div", { class: "chat-main" }, talk, composer), settings));
  const narrow = matchMedia("(max-width: 1000px)");

  function showSettings() {
    settings.hidden = !(state.settings ?? !narrow.matches);
    settingsButton.setAttribute("aria-expanded", String(!settings.hidden));
  }

  // body is the request of the message that is being written or, if there is none, of the last one.
  function body(lane) {
    const written = state.draft.trim() || state.images.length || !state.turns.length;
    const next = written ? { text: state.draft.trim(), images: state.images, answers: [] } : { ...state.turns.at(-1), answers: [] };
    return bodyOf(state, lane, state.models[lane], [...(written ? state.turns : state.turns.slice(0, -1)), next]);
  }

  // guarded does what reads the fields of JSON, and shows what is wrong with them.
  function guarded(action) {
    try {
      set(complaint);
      parsed(state.tools);
      parsed(state.schema);
      return action();
    } catch (e) {
      set(complaint, h("p", { class: "note bad" }, new T("chat.badjson", { message: e.message })));
      return undefined;
    }
  }

  function ready() {
    stopButton.hidden = running.size === 0;
    sendButton.hidden = running.size > 0;
    sendButton.disabled = !state.draft.trim() && !state.images.length;
  }

  function send() {
    if (running.size || !state.draft.trim() && !state.images.length) return;
    guarded(() => {
      const turn = { text: state.draft.trim(), images: state.images, answers: [] };
      state.turns.push(turn);
      Object.assign(state, { draft: "", images: [] });
      message.value = "";
      drawThumbs();
      if (state.turns.length === 1) talk.replaceChildren();
      talk.append(turnView(turn));
      for (const lane of lanes()) answerTo(turn, lane);
    });
  }

  // answerTo has a lane answer a turn, from the beginning or from the results of the tools that it called.
  async function answerTo(turn, lane, goOn = false) {
    const answer = goOn ? turn.answers[lane] : (turn.answers[lane] = newAnswer(state.models[lane]));
    const turns = state.turns.slice(0, state.turns.indexOf(turn) + 1);
    const request = bodyOf(state, lane, answer.model, turns);
    drawAnswer(turn, lane);
    const stopper = new AbortController();
    running.add(stopper);
    ready();
    talk.scrollTop = talk.scrollHeight;
    await ask(answer, state.api, lane, request, stopper.signal, () => changes.get(answer)?.());
    running.delete(stopper);
    keep();
    ready();
  }

  function stop() {
    if (running.size) announce(new T("chat.stopped"));
    for (const stopper of running) stopper.abort();
    message.focus();
  }

  function sendOnceStopped() {
    if (running.size) setTimeout(sendOnceStopped, 20);
    else send();
  }

  function clear() {
    stop();
    Object.assign(state, fresh, { images: [], turns: [] });
    message.value = "";
    keep();
    draw();
    message.focus();
  }

  function turnView(turn) {
    const text = h("div", { class: "said" }, turn.images.map((url, i) => h("img", { src: url, alt: new T("chat.image.n", { n: i + 1 }) })), h("p", {}, turn.text));
    const mine = h("div", { class: "mine", "aria-label": new T("chat.you"), role: "group" }, text,
      h("div", { class: "row mine-actions" }, button(new T("chat.edit"), edit, { kind: "quiet", icon: "edit", only: true })));
    const answers = h("div", { class: "answers" });
    const node = h("div", { class: "turn" }, mine, answers);
    nodes.set(turn, answers);
    for (const lane of lanes()) if (turn.answers[lane]) drawAnswer(turn, lane);
    return node;

    function edit() {
      const again = h("textarea", { rows: 3, "aria-label": new T("chat.message"), value: turn.text });
      const back = () => set(mine, ...before);
      const before = [...mine.childNodes];
      set(mine, again, h("div", { class: "row" }, button(new T("chat.send"), () => {
        stop();
        const at = state.turns.indexOf(turn);
        state.turns.splice(at);
        while (node.nextSibling) node.nextSibling.remove();
        node.remove();
        Object.assign(state, { draft: again.value, images: turn.images });
        sendOnceStopped();
      }, { kind: "primary" }), button(new T("cancel"), back)));
      again.focus();
    }
  }

  function drawAnswer(turn, lane) {
    const view = answerView(turn.answers[lane], {
      changed: keep,
      shown: follow,
      again: () => { if (!running.size && turn === state.turns.at(-1)) guarded(() => answerTo(turn, lane)); },
      results: () => { if (!running.size && turn === state.turns.at(-1)) guarded(() => answerTo(turn, lane, true)); },
    });
    view.node.dataset.lane = lane;
    const answers = nodes.get(turn);
    const old = answers.querySelector(`[data-lane="${lane}"]`);
    old ? old.replaceWith(view.node) : answers.append(view.node);
    changes.set(turn.answers[lane], view.changed);
  }

  // follow keeps the end in sight for a reader who is there.
  let atEnd = true;
  talk.addEventListener("scroll", () => { atEnd = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 80; }, { passive: true });
  function follow() {
    if (atEnd) talk.scrollTop = talk.scrollHeight;
  }

  async function addImages(files) {
    set(complaint);
    const { images, complaints } = await imagesOf(files, state.images);
    state.images.push(...images);
    put(complaint, complaints.map((c) => h("p", { class: "note bad" }, c)));
    keep();
    drawThumbs();
  }

  function drawThumbs() {
    set(thumbs, state.images.map((url, i) => h("span", { class: "thumb" }, h("img", { src: url, alt: new T("chat.image.n", { n: i + 1 }) }),
      button(new T("chat.image.remove", { n: i + 1 }), () => { state.images.splice(i, 1); keep(); drawThumbs(); }, { kind: "quiet", icon: "close", only: true }))));
    ready();
  }

  function draw() {
    compare.setAttribute("aria-pressed", String(state.compare));
    node.classList.toggle("two", state.compare);
    talk.replaceChildren();
    if (state.turns.length) put(talk, state.turns.map(turnView));
    else put(talk, emptyView());
    drawThumbs();
    talk.scrollTop = talk.scrollHeight;
  }

  function emptyView() {
    return h("div", { class: "empty" }, h("h2", {}, new T("chat.empty")), h("p", {}, new T("chat.empty.lead")),
      h("div", { class: "cards" }, samples.map((s) => h("button", {
        type: "button", class: "card", onclick: () => {
          Object.assign(state, { system: s.system ?? "", draft: s.text, images: [...s.images ?? []] });
          message.value = s.text;
          keep();
          drawSettings();
          drawThumbs();
          message.focus();
        },
      }, h("span", { class: "card-title" }, new T("sample." + s.name)), h("span", { class: "card-text" }, s.text)))));
  }

  // drawSettings offers what the models take.
  function drawSettings() {
    const models = chatModels();
    state.models = [0, 1].map((lane) => (models.some((m) => m.id === state.models[lane]) ? state.models[lane] : (models[lane] ?? models[0])?.id ?? ""));
    const takes = lanes().map((lane) => settingsOf(state.models[lane]));
    const input = (name, props) => h("input", { value: state[name], oninput: (e) => { state[name] = e.target.value; keep(); }, ...props });
    const area = (name, props) => h("textarea", { value: state[name], oninput: (e) => { state[name] = e.target.value; keep(); }, ...props });
    const range = { type: "number", min: 0, max: 2, step: 0.1, inputmode: "decimal", placeholder: new T("chat.default") };
    set(settings,
      lanes().map((lane) => {
        const note = h("p", { class: "hint facts" });
        const tell = () => set(note, facts(modelOf(state.models[lane])).map((f) => h("span", {}, f)));
        tell();
        return [field(new T(lane ? "chat.model.b" : "chat.model"), select(models.map((m) => [m.id, m.id]), state.models[lane], (v) => {
          state.models[lane] = v;
          keep();
          drawSettings();
          document.getElementById("model" + lane)?.focus();
        }, { id: "model" + lane })), note];
      }),
      field(new T("chat.system"), area("system", { rows: 4, placeholder: new T("chat.system.hint") })),
      field(new T("chat.api"), select([["chat", new T("chat.api.chat")], ["responses", new T("chat.api.responses")]], state.api, (v) => { state.api = v; keep(); })),
      takes.some((t) => t.sampling) && h("div", { class: "pair" },
        field(new T("chat.temperature"), input("temperature", range)), field(new T("chat.top_p"), input("top_p", { ...range, max: 1 }))),
      takes.some((t) => t.effort) && field(new T("chat.effort"), select([["", new T("chat.default")], ...efforts.map((e) => [e, e])], state.effort, (v) => { state.effort = v; keep(); })),
      field(new T("chat.max"), input("max", { type: "number", min: 1, step: 1, inputmode: "numeric", placeholder: new T("chat.default") })),
      h("details", { open: Boolean(state.tools) }, h("summary", {}, new T("chat.tools")),
        area("tools", { rows: 6, class: "mono", spellcheck: "false", "aria-label": new T("chat.tools") }), h("p", { class: "hint" }, new T("chat.tools.hint"))),
      h("details", { open: Boolean(state.schema) }, h("summary", {}, new T("chat.schema")),
        area("schema", { rows: 6, class: "mono", spellcheck: "false", "aria-label": new T("chat.schema") }), h("p", { class: "hint" }, new T("chat.schema.hint"))));
  }

  const nodes = new WeakMap(); // of turns: where their answers are
  const changes = new WeakMap(); // of answers: what brings the element up to date that shows them
  narrow.addEventListener("change", showSettings);
  showSettings();
  drawSettings();
  draw();
  addEventListener("keydown", (e) => { if (e.key === "Escape" && running.size && !document.querySelector("dialog[open]")) stop(); });
  return { node, focus: () => message.focus() };
}
