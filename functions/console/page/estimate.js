// What a request costs, by the estimate of the API: tokens by part, the context, costs, and provisioned throughput.
import { h, svg } from "./dom.js";
import { T, number, usd } from "./texts.js";

export function estimateView(r, perMinute, ptuHour) {
  const window = r.context?.window;
  const output = r.output?.bound ?? 0;
  return h("div", { class: "stack" },
    h("div", { class: "panel stack" },
      h("h2", {}, new T("estimate.input", { n: r.input_tokens, model: r.model })),
      window && h("div", { class: "stack tight" }, h("div", { class: "context", role: "img", "aria-label": new T("estimate.context", { in: r.input_tokens, out: output, n: window }) },
        slice("c0", r.input_tokens / window), slice("c1 pale", output / window)),
      h("p", { class: r.context.fits === false ? "note bad" : "hint" }, new T("estimate.context", { in: r.input_tokens, out: output, n: window }), r.context.fits === false && [" ", new T("estimate.toolong")])),
      h("div", { class: "scroll" }, h("table", {}, h("thead", {}, h("tr", {}, head("estimate.part"), head("tokens.tokens", "num"), head("estimate.basis"))),
        h("tbody", {}, (r.parts ?? []).map((p) => h("tr", {}, h("td", {}, p.part, p.count > 1 && ` × ${number(p.count)}`, (p.notes ?? []).map((n) => h("p", { class: "hint" }, n))), h("td", { class: "num" }, number(p.tokens)), h("td", { class: "faint" }, p.basis))))))),
    h("div", { class: "panel stack" }, h("h2", {}, new T("estimate.cost")), costTable(r.cost ?? [], perMinute)),
    r.provisioned?.length > 0 && h("div", { class: "panel stack" }, h("h2", {}, new T("estimate.ptu", { n: perMinute })), r.provisioned.map((p) => provisioned(p, perMinute, ptuHour))));
}

const slice = (kind, share) => h("span", { class: kind, style: { width: Math.min(100, share * 100) + "%" } });
const head = (key, kind) => h("th", { class: kind, scope: "col" }, new T(key));

// costTable shows the cost by deployment type of a call, and of a month at a rate of them.
function costTable(cost, perMinute) {
  return h("div", { class: "scroll" }, h("table", {},
    h("thead", {}, h("tr", {}, head("estimate.type"), head("estimate.percall", "num"), head("estimate.atmost", "num"), perMinute && head("estimate.permonth", "num"))),
    h("tbody", {}, cost.map((c) => h("tr", {},
      h("td", {}, c.type, c.zones?.length > 0 && ` (${c.zones.join(", ")})`, c.reason && h("p", { class: "hint" }, c.reason)),
      h("td", { class: "num" }, usd(c.usd)), h("td", { class: "num" }, usd(c.at_most)),
      perMinute && h("td", { class: "num" }, usd(c.usd === null ? null : c.usd * perMinute * 60 * 730)))))));
}

// provisioned shows the PTUs for a rate, and where they become cheaper than tokens. A price that the secret does not have
// is the one that was typed.
function provisioned(p, perMinute, ptuHour) {
  const hourly = p.usd_per_hour !== null && p.ptus ? p.usd_per_hour / p.ptus : ptuHour;
  const tokens = p.tokens_usd_per_month;
  const priced = hourly && tokens;
  return h("div", { class: "stack tight" },
    h("h3", {}, p.type), h("p", {}, new T("estimate.ptus", { n: p.ptus, raw: number(p.raw_ptus, { maximumFractionDigits: 1 }), min: p.minimum, step: p.increment })),
    !hourly && h("p", { class: "hint" }, new T("estimate.noptu")),
    priced && breakEven(p, perMinute, hourly, tokens / perMinute));
}

// breakEven draws what a month costs by tokens and by PTUs, for rates up to twice the one that is asked for.
function breakEven(p, perMinute, hourly, tokensPerCall) {
  const ptus = (rate) => Math.max(p.minimum, Math.ceil(p.raw_ptus * rate / perMinute / p.increment) * p.increment);
  const month = (rate) => ptus(rate) * hourly * 730;
  let even = null;
  let most = 2 * perMinute;
  for (let i = 1; i <= 4000 && even === null; i++) { // the steps of PTUs have no formula
    const rate = perMinute * i / 100;
    if (month(rate) <= rate * tokensPerCall) even = rate;
  }
  if (even !== null && even > most) most = even * 1.25;
  const top = Math.max(month(most), most * tokensPerCall) * 1.08;
  const [w, ht, left, base] = [560, 220, 64, 190];
  const x = (rate) => left + (w - left - 12) * rate / most;
  const y = (amount) => base - (base - 12) * amount / top;
  const steps = Array.from({ length: 241 }, (_, i) => most * i / 240);
  const title = even === null ? new T("estimate.noeven") : new T("estimate.even", { n: Math.round(even) });
  const money = (n) => "$" + number(n, { notation: "compact", maximumFractionDigits: 1 });
  return h("figure", {}, svg("svg", { viewBox: `0 0 ${w} ${ht}`, class: "chart", role: "img", "aria-label": title },
    [0, 0.5, 1].map((f) => [svg("line", { class: "grid", x1: left, x2: w - 12, y1: y(top * f), y2: y(top * f) }), svg("text", { x: left - 8, y: y(top * f) + 4, "text-anchor": "end" }, money(top * f))]),
    [0, 0.5, 1].map((f) => svg("text", { x: x(most * f), y: ht - 10, "text-anchor": f === 1 ? "end" : "middle" }, number(Math.round(most * f)))),
    svg("path", { class: "line-a", d: `M${x(0)} ${y(0)}L${x(most)} ${y(most * tokensPerCall)}` }),
    svg("path", { class: "line-b", d: `M${x(0)} ${y(month(0))}` + steps.map((rate) => `H${x(rate).toFixed(1)}V${y(month(rate)).toFixed(1)}`).join("") }),
    even !== null && [svg("line", { class: "mark", x1: x(even), x2: x(even), y1: 12, y2: base }), svg("circle", { class: "dot", cx: x(even), cy: y(month(even)), r: 5 })]),
  h("figcaption", { class: "row hint" }, h("span", { class: "a" }, new T("estimate.tokensmonth")), h("span", { class: "b" }, new T("estimate.ptumonth")), h("strong", {}, title)));
}
