// The models that the key may use, as GET /v1/models lists them, and what they cost.
import { getJSON } from "./api.js";
import { T, usd } from "./texts.js";

let rows = [];

export async function loadModels() {
  rows = (await getJSON("/models")).data;
  return rows;
}

export const forget = () => { rows = []; };
export const modelOf = (id) => rows.find((m) => m.id === id);

const embeds = (m) => /embed/.test(m.id) || m.prices?.length > 0 && m.prices.every((p) => p.usd_per_million_output === 0);
const online = (m) => !m.deployment_types?.length || m.deployment_types.some((t) => !t.endsWith("Batch"));

export const count = () => rows.length;
export const allModels = () => rows;
export const chatModels = () => rows.filter((m) => online(m) && !embeds(m));
export const embeddingModels = () => rows.filter((m) => online(m) && embeds(m));

// priceOf is the price per million tokens of a model's first deployment type that answers online, for a service tier.
export function priceOf(m, tier) {
  const types = (m?.deployment_types ?? []).filter((t) => !t.endsWith("Batch"));
  const of = (p) => (!types.length || p.type === types[0]) && p.usd_per_million_input !== null;
  const wanted = tier && tier !== "default" && tier !== "auto" ? tier : undefined;
  return m?.prices?.find((p) => of(p) && p.service_tier === wanted) ?? null;
}

// costOf is what usage costs at list prices, null where no price is known.
export function costOf(m, usage, tier) {
  const p = priceOf(m, tier);
  if (!p || !usage) return null;
  const cached = p.usd_per_million_cached_input ?? p.usd_per_million_input;
  return ((usage.in - usage.cached) * p.usd_per_million_input + usage.cached * cached + usage.out * (p.usd_per_million_output ?? 0)) / 1e6;
}

// facts are what is known of a model, as texts.
export function facts(m) {
  const p = priceOf(m);
  return [
    m?.context_window && new T("chat.context", { n: m.context_window }),
    p && new T("chat.price", { in: usd(p.usd_per_million_input), out: usd(p.usd_per_million_output ?? 0) }),
    m?.retirement?.date && new T(m.retirement.passed ? "chat.retired" : "chat.retires", { date: m.retirement.date }),
  ].filter(Boolean);
}
