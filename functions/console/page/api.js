// The API of this origin: requests with the caller's key, streams, and errors in words.
// The page is at /console or /console/ below a stage or a base path, and the API at /v1 beside it.
export const base = location.pathname.replace(/\/console\/?$/, "") + "/v1";

let key = sessionStorage.getItem("key") ?? "";

export const hasKey = () => key !== "";

// useKey takes a key. It is in this tab's memory, and in its session storage only if asked.
export function useKey(value, keep) {
  key = value;
  if (keep && key) sessionStorage.setItem("key", key);
  else sessionStorage.removeItem("key");
}

// A Problem is a failure in words: what is wrong and what to do, as keys of the table of texts, and the server's message.
export class Problem extends Error {
  constructor(title, { message = "", remedy = "", status = 0, code = "", after = 0, id = "", filter = null } = {}) {
    super(message);
    this.facts = { title, remedy, message, status, code, after, id, filter };
  }
}

const words = {
  400: ["problem.400", "remedy.400"], 401: ["problem.401", "remedy.401"], 403: ["problem.403", "remedy.403"], 404: ["problem.404", "remedy.404"],
  408: ["problem.504", "remedy.504"], 413: ["problem.413", "remedy.413"], 429: ["problem.429", "remedy.429"], 500: ["problem.500", "remedy.500"],
  502: ["problem.502", "remedy.502"], 503: ["problem.502", "remedy.502"], 504: ["problem.504", "remedy.504"],
};

// problemOf reads an error in OpenAI's shape.
function problemOf(response, text) {
  let error = null;
  try {
    error = JSON.parse(text).error;
  } catch { /* a proxy's words, which are shown as they are */ }
  const { status } = response;
  const code = String(error?.code ?? "");
  let [title, remedy] = words[status] ?? (status >= 500 ? words[500] : words[400]);
  if (code === "content_filter") [title, remedy] = ["problem.filter", "remedy.filter"];
  const after = Number(response.headers.get("retry-after")) || 0;
  if (status === 429 && after > 0) remedy = "remedy.after";
  return new Problem(title, {
    message: error?.message ?? text.slice(0, 2000), remedy, status, code, after,
    id: response.headers.get("x-request-id") ?? "", filter: error?.innererror?.content_filter_result ?? error?.innererror?.content_filter_results,
  });
}

// call sends a request and returns the response, or throws a Problem. A body that is no form is sent as JSON.
export async function call(path, { method = "GET", body, signal } = {}) {
  if (/[^\x21-\x7e]/.test(key)) throw new Problem("problem.401", { remedy: "remedy.401", status: 401 }); // no header takes it
  const headers = { "api-key": key };
  if (body !== undefined && !(body instanceof FormData)) {
    headers["content-type"] = "application/json";
    if (typeof body !== "string") body = JSON.stringify(body);
  }
  let response;
  try {
    response = await fetch(base + path, { method, headers, body, signal, credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer" });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Problem("problem.network", { remedy: "remedy.network", code: "network" });
  }
  if (!response.ok) throw problemOf(response, await response.text().catch(() => ""));
  return response;
}

export const getJSON = async (path, options) => (await call(path, options)).json();
export const post = (path, body, signal) => getJSON(path, { method: "POST", body, signal });

// stream sends a request for a stream and calls onEvent with each event's data, parsed. It throws a Problem if the
// stream ends before its last event. onRaw gets the text as it comes.
export async function stream(path, body, { signal, onEvent, onRaw, onHead }) {
  const response = await call(path, { method: "POST", body, signal });
  onHead?.(response);
  const reader = response.body.getReader(); // not through a TextDecoderStream, which drops what came just before an error
  const decoder = new TextDecoder();
  let rest = "";
  let ended = false;
  for (;;) {
    const { done, value } = await reader.read().catch((e) => {
      if (signal?.aborted) throw e;
      return { done: true }; // the connection is lost
    });
    if (done) break;
    const text = decoder.decode(value, { stream: true });
    onRaw?.(text);
    const events = (rest + text).split(/\r?\n\r?\n/);
    rest = events.pop();
    for (const event of events) ended = take(event, onEvent) || ended;
  }
  if (!ended) throw new Problem("problem.cut", { remedy: "remedy.cut", code: "cut" });
}

// take reads one event and returns whether it is a stream's last.
function take(event, onEvent) {
  const data = event.split(/\r?\n/).filter((l) => l.startsWith("data:")).map((l) => l.slice(5).trimStart()).join("\n");
  if (data === "[DONE]") return true;
  if (!data) return false; // a comment
  let value;
  try {
    value = JSON.parse(data);
  } catch {
    throw new Problem("problem.cut", { remedy: "remedy.cut", message: data.slice(0, 500), code: "cut" });
  }
  const error = value.error ?? (value.type === "error" ? value : null) ?? (value.type === "response.failed" ? value.response?.error : null);
  if (error) throw new Problem("problem.midway", { message: error.message ?? "", remedy: "remedy.cut", code: String(error.code ?? "") });
  onEvent(value);
  return value.type === "response.completed" || value.type === "response.incomplete";
}
