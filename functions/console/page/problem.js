// A failure as the page shows it: what is wrong, what the server said, what to do.
import { Problem } from "./api.js";
import { button, h } from "./dom.js";
import { T } from "./texts.js";
import { findings } from "./request.js";

// factsOf are what is shown of an error. One that is no Problem is the page's own fault.
export function factsOf(e) {
  return e instanceof Problem ? e.facts : { title: "problem.page", message: String(e?.message ?? e), remedy: "remedy.500" };
}

// problemBox shows the facts of an error, with a button to try again if there is something to try.
export function problemBox(facts, again) {
  return h("div", { class: "problem", role: "alert" },
    h("p", { class: "problem-title" }, new T(facts.title)),
    facts.message && h("p", { class: "problem-message" }, facts.message),
    facts.remedy && h("p", {}, new T(facts.remedy, { n: facts.after ?? 0 })),
    facts.filter && filterRow(findings(facts.filter)),
    h("div", { class: "row" },
      again && button(new T("retry"), again, { icon: "retry" }),
      facts.id && h("span", { class: "faint mono" }, new T("problem.id", { id: facts.id }))));
}

// filterRow shows what a content filter found, null if that is nothing.
export function filterRow(found) {
  const names = Object.keys(found);
  if (!names.length) return null;
  return h("p", { class: "row filter" }, h("span", { class: "faint" }, new T("filter.found")),
    names.map((n) => h("span", { class: "tag warn" }, n.replaceAll("_", " ") + ": " + found[n])));
}
