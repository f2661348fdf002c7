// The console's shell: the key, the views, the language and the theme.
import { Problem, hasKey, useKey } from "./api.js";
import { button, field, h, icon, retell, select, set } from "./dom.js";
import { count, forget, loadModels } from "./models.js";
import { factsOf, problemBox } from "./problem.js";
import { preference, prefer } from "./store.js";
import { T, language, say, speak } from "./texts.js";
import { batchesView } from "./batches.js";
import { chatView } from "./chat.js";
import { searchView } from "./search.js";
import { tokensView } from "./tokens.js";

const makers = { chat: chatView, tokens: tokensView, batches: batchesView, search: searchView };
const made = {};

const shell = document.getElementById("shell");
const main = document.getElementById("main");
const here = () => (location.hash.slice(2) in makers ? location.hash.slice(2) : "chat");

const links = Object.keys(makers).map((name) => h("a", { href: "#/" + name, class: "nav-link", "data-view": name }, icon(name), h("span", {}, new T("nav." + name))));
const status = h("div", { class: "key-status" });
const rail = h("header", { class: "rail" },
  h("a", { class: "skip", href: "#main", onclick: (e) => { e.preventDefault(); main.focus(); } }, new T("skip")),
  h("p", { class: "brand" }, h("img", { src: "console/icon.svg", alt: "", width: 22, height: 22 }), h("span", {}, "aoai-bridge")),
  h("nav", { "aria-label": new T("nav") }, links),
  h("div", { class: "rail-foot" }, status,
    h("div", { class: "row" },
      select([["en", "English"], ["ja", "日本語"]], language(), (v) => { speak(v); document.documentElement.lang = v; document.title = say(new T("title")); retell(); }, { "aria-label": new T("language") }),
      select(["auto", "light", "dark"].map((v) => [v, new T("theme." + v)]), preference("theme") ?? "auto", (v) => { prefer("theme", v); applyTheme(v); }, { "aria-label": new T("theme") }))));

function applyTheme(theme) {
  document.documentElement.style.colorScheme = { light: "light", dark: "dark" }[theme] ?? "light dark";
}

// show puts the view that the address names in place, or asks for a key first. Views stay as they are while others show.
function show() {
  const name = here();
  for (const link of links) link.dataset.view === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  if (!hasKey() || !count()) return set(main, keyView());
  made[name] ??= makers[name]();
  set(main, made[name].node);
  made[name].shown?.();
  return made[name].focus ? made[name].focus() : main.focus();
}

// keyView asks for a key and tries it.
function keyView() {
  const input = h("input", { type: "password", id: "key", autocomplete: "off", spellcheck: "false", required: true });
  const keep = h("input", { type: "checkbox", id: "keep" });
  const problem = h("div", {});
  const connect = h("button", { class: "button primary", type: "submit" }, new T("key.connect"));
  return h("form", {
    class: "key-card", onsubmit: async (e) => {
      e.preventDefault();
      set(problem);
      connect.disabled = true;
      useKey(input.value.trim(), keep.checked);
      await connected((box) => set(problem, box));
      connect.disabled = false;
    },
  }, h("h1", {}, new T("key.title")), h("p", {}, new T("key.lead")), field(new T("key.label"), input, new T("key.hint")),
  h("label", { class: "check" }, keep, h("span", {}, new T("key.keep"))), problem, h("div", { class: "row" }, connect));
}

// connected loads the models, which tries the key. A key that is not accepted is forgotten.
async function connected(failed) {
  try {
    await loadModels();
    if (!count()) throw new Problem("key.none");
    for (const name of Object.keys(made)) delete made[name]; // they show another key's models
    set(status, h("span", { class: "key-ok" }, new T("key.models", { n: count() })), button(new T("key.forget"), disconnect, { kind: "quiet", icon: "key" }));
    show();
  } catch (e) {
    const facts = factsOf(e);
    if (facts.status === 401) useKey("", false);
    failed(problemBox(facts, facts.status === 401 ? null : () => connected(failed)));
  }
}

function disconnect() {
  useKey("", false);
  forget();
  set(status);
  show();
  main.querySelector("input")?.focus();
}

document.documentElement.lang = language();
document.title = say(new T("title"));
applyTheme(preference("theme"));
shell.querySelector(".rail").replaceWith(rail);
addEventListener("hashchange", show);
if (hasKey()) await connected((box) => { set(main, keyView()); main.querySelector(".key-card").append(box); });
else show();
