// Files on their way to the API: uploads in parts, the survey of what came, and downloads.
import { Problem, call, getJSON, post } from "./api.js";

// partSize leaves room in the 6 MB of a request, of which a form's base64 takes a quarter.
const partSize = 4 * 2 ** 20;
const atOnce = 3;

export const largest = 8 * 2 ** 30; // a file that the API takes
export const partsOf = (size) => Math.ceil(size / partSize);

// An Upload sends a file in parts. One that has failed goes on with what is missing when it is run again.
export class Upload {
  constructor(file) {
    Object.assign(this, { file, id: "", parts: Array(partsOf(file.size)).fill("") });
  }

  get sent() {
    const done = this.parts.filter(Boolean).length;
    return Math.min(this.file.size, done * partSize);
  }

  // run returns the file object.
  async run(signal, progress) {
    const { file, parts } = this;
    this.id ||= (await post("/uploads", { purpose: "batch", filename: file.name, bytes: file.size, mime_type: "application/jsonl" }, signal)).id;
    const open = parts.keys().filter((i) => !parts[i]).toArray();
    await Promise.all(Array.from({ length: atOnce }, async () => {
      for (let i; (i = open.shift()) !== undefined;) {
        const form = new FormData();
        form.append("data", file.slice(i * partSize, (i + 1) * partSize), file.name);
        parts[i] = (await patiently(() => getJSON(`/uploads/${this.id}/parts`, { method: "POST", body: form, signal }), signal)).id;
        progress(this.sent);
      }
    }));
    return (await post(`/uploads/${this.id}/complete`, { part_ids: parts }, signal)).file;
  }

  cancel() {
    if (this.id) post(`/uploads/${this.id}/cancel`, {}).catch(() => {}); // its parts expire by themselves
  }
}

// patiently tries what may succeed later three times.
async function patiently(send, signal) {
  for (let wait = 500; ; wait *= 3) {
    try {
      return await send();
    } catch (e) {
      const { status, code } = e.facts ?? {};
      if (wait > 5000 || signal.aborted || code !== "network" && status !== 429 && !(status >= 500)) throw e;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

// survey asks what a job would make of a file, as often as it takes to read it to its end.
export async function survey(id, signal, progress) {
  let whole = null;
  for (let file = id; file;) {
    const part = await post("/tokens/estimate", { file }, signal);
    whole = whole ? merge(whole, part) : part;
    file = part.complete ? null : part.next;
    progress(whole.lines);
  }
  return whole;
}

function merge(a, b) {
  a.lines += b.lines;
  a.refused += b.refused;
  a.refusals = [...a.refusals ?? [], ...b.refusals ?? []].slice(0, 100);
  for (const row of b.models) {
    const same = a.models.find((m) => m.model === row.model && m.mode === row.mode && m.endpoint === row.endpoint);
    if (!same) {
      a.models.push(row);
      continue;
    }
    for (const name of ["lines", "input_tokens", "output_tokens", "parts"]) same[name] += row[name];
    same.cost?.forEach((c, i) => {
      const more = row.cost?.[i]?.usd;
      c.usd = c.usd === null || more === undefined || more === null ? null : c.usd + more;
    });
  }
  return a;
}

// expected is what the lines of a survey cost the way they go, and what they would cost online; null where a price is not known.
export function expected(models) {
  const price = (m, type) => m.cost?.find((c) => c.type === type)?.usd ?? null;
  const sum = (of) => models.reduce((n, m) => (n === null || of(m) === null ? null : n + of(m)), 0);
  return {
    usd: sum((m) => price(m, m.type ?? (m.mode === "batch" ? "GlobalBatch" : "GlobalStandard")) ?? price(m, m.mode === "batch" ? "GlobalBatch" : "GlobalStandard")),
    online: sum((m) => price(m, "GlobalStandard")),
  };
}

// download returns a file's content. progress is called with the bytes that have come.
export async function download(id, signal, progress) {
  const response = await call(`/files/${id}/content`, { signal });
  const reader = response.body.getReader();
  const chunks = [];
  for (let n = 0; ;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    progress(n += value.length);
  }
  return new Blob(chunks, { type: "application/jsonl" });
}

// awsCommand is how to get a file that is too large for a browser; its address stands in the API's refusal.
export function awsCommand(e) {
  const address = e instanceof Problem && e.facts.code === "file_too_large" && /s3:\/\/[^\s,]+/.exec(e.facts.message);
  return address ? `aws s3 cp '${address[0]}' .` : "";
}
