// Drawers at the side of the page: a call as code, and the last call as it went over the wire.
import { base } from "./api.js";
import { button, copier, h, set } from "./dom.js";
import { last } from "./answer.js";
import { snippet, kinds } from "./snippets.js";
import { T } from "./texts.js";

// drawer opens a modal drawer. Escape and its button close it, and the focus goes back.
export function drawer(title, ...content) {
  const box = h("dialog", { class: "drawer", "aria-label": title, onclose: () => box.remove(), onclick: (e) => { if (e.target === box) box.close(); } },
    h("div", { class: "drawer-body" }, h("div", { class: "row" }, h("h2", {}, title), h("span", { class: "grow" }),
      button(new T("close"), () => box.close(), { kind: "quiet", icon: "close", only: true })), content));
  document.body.append(box);
  box.showModal();
  return box;
}

// block is text in a box of its own, with a button to copy it.
function block(label, text) {
  return h("div", { class: "code" }, h("div", { class: "codebar" }, h("span", {}, label), copier(() => text)), h("pre", { tabindex: 0 }, text));
}

// codeDrawer shows the calls that a message would make.
export function codeDrawer(state, bodies) {
  const shown = h("div", { class: "stack" });
  const tabs = h("div", { class: "tabs", role: "group", "aria-label": new T("chat.code.title") });
  const choose = (kind) => {
    set(tabs, Object.entries(kinds).map(([k, name]) => h("button", { type: "button", class: "tab", "aria-pressed": String(k === kind), onclick: () => { choose(k); tabs.querySelector("[aria-pressed=true]").focus(); } }, name)));
    set(shown, bodies.map((body) => block(body.model, snippet(kind, state.api, body, location.origin + base))));
  };
  choose("python");
  drawer(new T("chat.code.title"), h("p", { class: "hint" }, new T("chat.code.lead")), tabs, shown);
}

// rawDrawer shows the last call of each lane.
export function rawDrawer(lanes) {
  const calls = lanes.map((l) => last[l]).filter(Boolean);
  drawer(new T("chat.raw.title"), calls.length ? calls.map((c) => h("div", { class: "stack" },
    block(new T("chat.raw.request"), "POST " + base + c.path + "\n\n" + JSON.stringify(c.body, null, 2)),
    c.headers && block(new T("chat.raw.headers"), c.headers),
    c.chunks.length > 0 && block(new T("chat.raw.stream"), c.chunks.join("")))) : h("p", {}, new T("chat.raw.none")));
}
