// Elements, icons and announcements. A text of the table that stands in an element changes with the language, in its
// place: nothing is drawn again, so nothing that was typed or is streaming is lost.
import { T, say } from "./texts.js";

const SVG = "http://www.w3.org/2000/svg";
const properties = new Set(["value", "checked", "disabled", "hidden", "open", "indeterminate", "selected", "className", "tabIndex"]);

// h makes an element: h("p", {class: "note", onclick: f}, "text", node). A child that is null or false is left out.
export function h(tag, props, ...children) {
  return fill(document.createElement(tag), props, children);
}

export function svg(tag, props, ...children) {
  return fill(document.createElementNS(SVG, tag), props, children);
}

function fill(node, props, children) {
  for (const [name, value] of Object.entries(props ?? {})) {
    if (value === undefined || value === null || value === false && !properties.has(name)) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value instanceof T) live(node, name, value);
    else if (properties.has(name)) node[name] = value;
    else if (name === "style") for (const [rule, v] of Object.entries(value)) node.style.setProperty(rule, v);
    else node.setAttribute(name, value === true ? "" : value);
  }
  put(node, ...children);
  return node;
}

// put appends children as h does.
export function put(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    if (child instanceof T) node.append(live(document.createTextNode(""), null, child));
    else node.append(child);
  }
  return node;
}

// set replaces what is in an element.
export function set(node, ...children) {
  node.replaceChildren();
  return put(node, ...children);
}

let lives = [];
let prune = 500;

function live(node, name, text) {
  show(node, name, text);
  lives.push({ node: new WeakRef(node), name, text });
  if (lives.length > prune) {
    lives = lives.filter((l) => l.node.deref());
    prune = 2 * lives.length + 500;
  }
  return node;
}

function show(node, name, text) {
  if (name) node.setAttribute(name, say(text));
  else node.data = say(text);
}

// retell says every text again, once the language has changed.
export function retell() {
  for (const { node, name, text } of lives) {
    const n = node.deref();
    if (n) show(n, name, text);
  }
}

const paths = {
  chat: "M4 5h16v11H10l-4 4v-4H4z",
  tokens: "M4 6h6v5H4zM14 6h6v5h-6zM4 14h10v5H4zM17.5 14H20v5h-2.5z",
  batches: "M4 7l8-4 8 4-8 4zM4 12l8 4 8-4M4 17l8 4 8-4",
  search: "M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L20 20",
  key: "M15 4a5 5 0 00-4.7 6.7L4 17v3h3v-2h2v-2h2l1.3-1.3A5 5 0 1015 4zM16.5 7.5h.01",
  send: "M12 19V5M6 11l6-6 6 6",
  stop: "M7 7h10v10H7z",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  edit: "M4 20h4L19 9l-4-4L4 16z",
  retry: "M19 12a7 7 0 11-2-5l2 2M19 4v5h-5",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9h.01",
  code: "M9 7l-5 5 5 5M15 7l5 5-5 5",
  compare: "M4 5h7v14H4zM13 5h7v14h-7z",
  down: "M12 4v11M7 11l5 5 5-5M5 20h14",
  up: "M12 16V5M7 10l5-5 5 5M5 20h14",
  close: "M6 6l12 12M18 6L6 18",
  sliders: "M4 7h9M17 7h3M4 17h3M11 17h9M13 4.5v5M7 14.5v5",
  theme: "M12 4a8 8 0 100 16zM12 4a8 8 0 010 16",
  text: "M5 6h14M12 6v13M9 19h6",
  raw: "M8 4H6v6l-2 2 2 2v6h2M16 4h2v6l2 2-2 2v6h-2",
};

export function icon(name) {
  return svg("svg", { class: "icon", viewBox: "0 0 24 24", "aria-hidden": "true" }, svg("path", { d: paths[name] }));
}

// button makes a button. With an icon alone its text is its name.
export function button(text, onclick, { icon: name, kind = "", only = false, ...props } = {}) {
  return h("button", { type: "button", class: `button ${kind} ${only ? "only" : ""}`, onclick, "aria-label": only ? text : null, title: only ? text : null, ...props },
    name && icon(name), !only && h("span", {}, text));
}

// field labels an input.
export function field(label, input, hint) {
  const id = input.id || (input.id = "f" + ++fields);
  if (hint) input.setAttribute("aria-describedby", id + "h");
  return h("div", { class: "field" }, h("label", { for: id }, label), input, hint && h("p", { class: "hint", id: id + "h" }, hint));
}
let fields = 0;

// figure is a number and what it counts.
export function figure(value, label) {
  return h("div", { class: "figure" }, h("span", { class: "figure-value" }, value), h("span", { class: "faint" }, label));
}

// select makes a list of [value, text] to choose from.
export function select(options, value, onchange, props) {
  const list = h("select", { onchange: () => onchange(list.value), ...props }, options.map(([v, text]) => h("option", { value: v, selected: v === value }, text)));
  return list;
}

const spoken = h("p", { class: "unseen", role: "status", "aria-live": "polite" });
document.body.append(spoken);

// announce tells a screen reader.
export function announce(text) {
  spoken.textContent = say(text);
}

// onDrop takes files that are dropped on an element.
export function onDrop(node, take) {
  let depth = 0;
  const mark = (by) => node.classList.toggle("over", (depth += by) > 0);
  node.addEventListener("dragenter", (e) => { e.preventDefault(); mark(1); });
  node.addEventListener("dragleave", () => mark(-1));
  node.addEventListener("dragover", (e) => e.preventDefault());
  node.addEventListener("drop", (e) => {
    e.preventDefault();
    depth = 0;
    mark(0);
    if (e.dataTransfer.files.length) take([...e.dataTransfer.files]);
  });
}

// picker makes a button that asks for files.
export function picker(text, accept, take, options = {}) {
  const input = h("input", { type: "file", accept, hidden: true, multiple: options.multiple, onchange: () => { take([...input.files]); input.value = ""; } });
  return h("span", { class: "picker" }, button(text, () => input.click(), options), input);
}

// copier makes a button that copies what text() returns.
export function copier(text, label = new T("copy"), options = { kind: "quiet", icon: "copy" }) {
  const b = button(label, async () => {
    await navigator.clipboard.writeText(text());
    b.classList.add("done");
    announce(new T("copied"));
    setTimeout(() => b.classList.remove("done"), 1500);
  }, options);
  return b;
}

// save has the browser store a blob.
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
