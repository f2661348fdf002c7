// One answer of a model: how it comes in, and how it is shown.
import { stream } from "./api.js";
import { announce, button, copier, h, set } from "./dom.js";
import { Growing } from "./markdown.js";
import { costOf, modelOf } from "./models.js";
import { factsOf, filterRow, problemBox } from "./problem.js";
import { newStep, take } from "./request.js";
import { T, usd } from "./texts.js";

// The last request of each lane, for the drawer; older ones are let go.
export const last = {};

// An answer as it is kept: {model, steps, status, problem, first, seconds}. A step is what one request brought.
export const newAnswer = (model) => ({ model, steps: [], status: "waiting", problem: null, first: 0, seconds: 0 });

// ask sends a request and adds a step to an answer. changed is called when there is more to show.
export async function ask(answer, api, lane, body, signal, changed) {
  const step = newStep();
  answer.steps.push(step);
  Object.assign(answer, { status: "waiting", problem: null, first: 0 });
  const raw = (last[lane] = { path: api === "responses" ? "/responses" : "/chat/completions", body, headers: "", chunks: [] });
  const start = performance.now();
  let end = start;
  try {
    await stream(raw.path, body, {
      signal,
      onHead: (r) => { raw.headers = [...r.headers].map(([n, v]) => n + ": " + v).join("\n"); },
      onRaw: (text) => { raw.chunks.push(text); },
      onEvent: (event) => {
        if (!take(step, event)) return;
        end = performance.now();
        answer.first ||= end - start;
        answer.status = "streaming";
        changed();
      },
    });
    answer.status = "done";
  } catch (e) {
    answer.status = signal.aborted ? "stopped" : "failed";
    if (!signal.aborted) answer.problem = factsOf(e);
  }
  answer.seconds = (end - start - answer.first) / 1000;
  if (!step.text && !step.calls.length) answer.steps.pop(); // an error has no words to go on from
  changed();
}

// answerView returns an answer's element, and a function that brings it up to date, as often as it costs little.
export function answerView(answer, actions) {
  const body = h("div", { class: "answer-body" });
  const foot = h("div", { class: "answer-foot" });
  const node = h("article", { class: "answer", "aria-label": new T("chat.answer", { model: answer.model }) },
    h("h3", { class: "answer-model" }, answer.model), body, foot);
  let steps = [];
  let timer = 0;
  let cost = 0; // of the last update, in ms

  function update() {
    timer = 0;
    const start = performance.now();
    const ended = ["done", "failed", "stopped"].includes(answer.status);
    const shown = answer.steps.length ? answer.steps : [newStep()];
    while (steps.length < shown.length) {
      const view = stepView();
      steps.push(view);
      body.append(view.node);
    }
    for (let i = shown.length - 1; i >= Math.max(0, shown.length - 2); i--) steps[i].update(shown[i], ended || i < shown.length - 1);
    node.classList.toggle("busy", !ended);
    node.setAttribute("aria-busy", String(!ended));
    if (ended) {
      set(foot, ...footOf(answer, actions));
      if (answer.status === "done") announce(new T("chat.done", { model: answer.model }));
    } else if (answer.status === "waiting") {
      set(foot, h("p", { class: "waiting" }, new T("chat.waiting")));
    } else {
      foot.replaceChildren();
    }
    cost = performance.now() - start;
    actions.shown();
  }

  // An update waits for ten times as long as the last one took, so that streams never fill a processor.
  function changed() {
    if (["done", "failed", "stopped"].includes(answer.status)) {
      clearTimeout(timer);
      update();
    } else {
      timer ||= setTimeout(update, Math.max(60, 10 * cost));
    }
  }

  function stepView() {
    const thinking = h("div", { class: "thought" });
    const details = h("details", { class: "thinking", hidden: true }, h("summary", {}, new T("chat.thinking")), thinking);
    const text = h("div", { class: "md" });
    const calls = h("div", { class: "calls" });
    const growing = new Growing(text);
    let done = false;
    return {
      node: h("div", { class: "step" }, details, text, calls),
      update(step, complete) {
        if (done) return;
        done = complete;
        details.hidden = !step.thinking;
        if (step.thinking) thinking.textContent = step.thinking;
        complete ? growing.finish(step.text) : growing.update(step.text);
        set(calls, step.calls.map((c) => callView(c, complete, actions.changed)));
        if (complete && step.calls.length && actions.results) calls.append(button(new T("chat.results"), actions.results, { kind: "primary", icon: "send" }));
      },
    };
  }

  update();
  return { node, changed };
}

// callView is a call of a tool, with room for its result.
function callView(call, complete, changed) {
  const result = complete && h("textarea", {
    rows: 2, class: "mono", "aria-label": new T("chat.result", { name: call.name }), placeholder: new T("chat.result", { name: call.name }),
    value: call.result ?? "", oninput: (e) => { call.result = e.target.value; changed(); },
  });
  return h("div", { class: "call" }, h("p", { class: "call-name" }, new T("chat.call", { name: call.name })), h("pre", { class: "mono", tabindex: 0 }, pretty(call.arguments)), result);
}

function pretty(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function footOf(answer, actions) {
  const step = answer.steps.at(-1);
  const u = answer.status === "done" ? step?.usage : null;
  const cost = u && costOf(modelOf(answer.model), u, step.tier);
  const facts = [
    answer.first > 0 && new T("chat.first", { n: Math.round(answer.first) }),
    u && answer.seconds > 0.02 && new T("chat.rate", { n: Math.round(u.out / answer.seconds) }),
    u && new T("chat.usage", { in: u.in, out: u.out }),
    u?.cached > 0 && new T("chat.cached", { n: u.cached }),
    u?.reasoning > 0 && new T("chat.reasoned", { n: u.reasoning }),
    cost !== null && cost !== undefined && usd(cost),
  ].filter(Boolean);
  const note = answer.status === "stopped" ? "chat.stopped" : { length: "chat.length", max_output_tokens: "chat.length", content_filter: "chat.filtered" }[step?.finish];
  return [
    note && h("p", { class: "note" }, new T(note)),
    answer.problem && problemBox(answer.problem, actions.again),
    step && filterRow(step.filter),
    h("div", { class: "row answer-actions" },
      facts.length > 0 && h("p", { class: "facts" }, facts.map((f) => h("span", {}, f))),
      h("span", { class: "grow" }),
      step?.text && copier(() => step.text, new T("copy"), { kind: "quiet", icon: "copy", only: true }),
      !answer.problem && actions.again && button(new T("chat.resend"), actions.again, { kind: "quiet", icon: "retry", only: true })),
  ];
}
