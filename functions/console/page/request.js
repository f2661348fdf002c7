// The requests that the Chat view sends: bodies of chat completions and responses, and what their streams say.

const reasons = (model) => /^(o\d|gpt-[5-9])/.test(model) && !/chat/.test(model);

// settingsOf says which settings a model takes. Of a deployment by another name nothing is known, so it is offered all.
export function settingsOf(model) {
  const known = /^(gpt|o\d|chatgpt)/.test(model);
  return { sampling: !known || !reasons(model), effort: !known || reasons(model) };
}

export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh"];

// parsed reads a field of JSON. Empty is undefined.
export const parsed = (text) => text.trim() ? JSON.parse(text) : undefined;

function number(text) {
  return text === "" || text === null || isNaN(Number(text)) ? undefined : Number(text);
}

// bodyOf is the request for what a lane is to answer. Settings that are empty are not sent.
export function bodyOf(state, lane, model, turns) {
  const takes = settingsOf(model);
  const schema = parsed(state.schema);
  const tools = parsed(state.tools);
  const shared = {
    temperature: takes.sampling ? number(state.temperature) : undefined,
    top_p: takes.sampling ? number(state.top_p) : undefined,
  };
  const effort = takes.effort && state.effort ? state.effort : undefined;
  const format = schema && { type: "json_schema", ...namedSchema(schema) };
  if (state.api === "responses") {
    return {
      model, instructions: state.system || undefined, input: turns.flatMap((t) => inputOf(t, lane)), stream: true, store: false, ...shared,
      max_output_tokens: number(state.max), reasoning: effort && { effort }, tools: tools && toolsOf(tools).map((f) => ({ type: "function", ...f })),
      text: format && { format },
    };
  }
  return {
    model, messages: [...(state.system ? [{ role: "system", content: state.system }] : []), ...turns.flatMap((t) => messagesOf(t, lane))],
    stream: true, stream_options: { include_usage: true }, ...shared,
    max_completion_tokens: number(state.max), reasoning_effort: effort, tools: tools && toolsOf(tools).map((f) => ({ type: "function", function: f })),
    response_format: format && { type: "json_schema", json_schema: namedSchema(schema) },
  };
}

// toolsOf are functions of either API's form, or bare ones, without what surrounds them.
function toolsOf(tools) {
  return [tools].flat().map((tool) => {
    const { type, ...f } = tool.function ?? tool;
    return f;
  });
}

// namedSchema is a schema with the name that it needs. It is strict where it is closed, as Azure demands of strict ones.
function namedSchema(schema) {
  if (schema.schema) return schema;
  return { name: "answer", schema, strict: schema.additionalProperties === false };
}

function messagesOf(turn, lane) {
  const content = turn.images.length
    ? [...(turn.text ? [{ type: "text", text: turn.text }] : []), ...turn.images.map((url) => ({ type: "image_url", image_url: { url } }))]
    : turn.text;
  const steps = turn.answers[lane]?.steps ?? [];
  return [{ role: "user", content }, ...steps.filter(said).flatMap((step) => [
    { role: "assistant", content: step.text || null, tool_calls: step.calls.length ? step.calls.map((c) => ({ id: c.id, type: "function", function: { name: c.name, arguments: c.arguments } })) : undefined },
    ...step.calls.map((c) => ({ role: "tool", tool_call_id: c.id, content: c.result ?? "" })),
  ])];
}

function inputOf(turn, lane) {
  const content = turn.images.length
    ? [...(turn.text ? [{ type: "input_text", text: turn.text }] : []), ...turn.images.map((url) => ({ type: "input_image", image_url: url }))]
    : turn.text;
  const steps = turn.answers[lane]?.steps ?? [];
  return [{ role: "user", content }, ...steps.filter(said).flatMap((step) => [
    ...(step.text ? [{ role: "assistant", content: step.text }] : []),
    ...step.calls.map((c) => ({ type: "function_call", call_id: c.id, name: c.name, arguments: c.arguments })),
    ...step.calls.map((c) => ({ type: "function_call_output", call_id: c.id, output: c.result ?? "" })),
  ])];
}

const said = (step) => step.text || step.calls.length;

// newStep is what one request brought: text, and calls of tools.
export const newStep = () => ({ text: "", thinking: "", calls: [], usage: null, finish: "", filter: {}, tier: "" });

// take adds an event of either API's stream to a step, and returns whether the step shows more than before.
export function take(step, event) {
  return event.type ? takeResponse(step, event) : takeChat(step, event);
}

function takeChat(step, chunk) {
  if (chunk.usage) {
    const u = chunk.usage;
    step.usage = { in: u.prompt_tokens, out: u.completion_tokens, cached: u.prompt_tokens_details?.cached_tokens ?? 0, reasoning: u.completion_tokens_details?.reasoning_tokens ?? 0 };
  }
  step.tier = chunk.service_tier ?? step.tier;
  for (const p of chunk.prompt_filter_results ?? []) note(step, p.content_filter_results);
  const choice = chunk.choices?.[0];
  if (!choice) return false;
  note(step, choice.content_filter_results);
  step.finish = choice.finish_reason ?? step.finish;
  const delta = choice.delta ?? {};
  for (const c of delta.tool_calls ?? []) {
    const call = (step.calls[c.index] ??= { id: "", name: "", arguments: "" });
    call.id ||= c.id ?? "";
    call.name += c.function?.name ?? "";
    call.arguments += c.function?.arguments ?? "";
  }
  step.thinking += delta.reasoning_content ?? "";
  step.text += plain(delta.content ?? delta.refusal ?? "");
  return Boolean(delta.content || delta.refusal || delta.tool_calls || delta.reasoning_content);
}

function takeResponse(step, event) {
  switch (event.type) {
    case "response.output_text.delta":
    case "response.refusal.delta":
      step.text += plain(event.delta);
      return true;
    case "response.reasoning_summary_text.delta":
      step.thinking += plain(event.delta);
      return true;
    case "response.output_item.done":
      if (event.item?.type !== "function_call") return false;
      step.calls.push({ id: event.item.call_id, name: event.item.name, arguments: event.item.arguments });
      return true;
    case "response.completed":
    case "response.incomplete": {
      const u = event.response?.usage;
      if (u) step.usage = { in: u.input_tokens, out: u.output_tokens, cached: u.input_tokens_details?.cached_tokens ?? 0, reasoning: u.output_tokens_details?.reasoning_tokens ?? 0 };
      step.tier = event.response?.service_tier ?? "";
      const why = event.response?.incomplete_details?.reason;
      step.finish = why === "max_output_tokens" ? "length" : why ?? "stop";
      for (const f of event.response?.content_filters ?? []) note(step, f.content_filter_results);
    }
  }
  return false;
}

const plain = (text) => text.replaceAll("\r", "");

// note keeps what the content filter found: categories above "safe", and what was detected.
function note(step, results) {
  Object.assign(step.filter, findings(results));
}

export function findings(results) {
  const found = {};
  for (const [name, r] of Object.entries(results ?? {})) {
    if (r?.filtered || r?.detected || r?.severity && r.severity !== "safe") found[name] = (r.severity ?? "detected") + (r.filtered ? ", filtered" : "");
  }
  return found;
}
