// A request as code to copy. No key is in it.
export const kinds = { python: "Python", node: "Node", curl: "curl", sfn: "Step Functions" };

// snippet writes a request for one of the kinds. Direct calls of a workflow have no stream.
export function snippet(kind, api, body, url) {
  const { stream, stream_options, ...whole } = JSON.parse(JSON.stringify(body)); // without what is undefined
  const responses = api === "responses";
  switch (kind) {
    case "python":
      return `from openai import OpenAI

client = OpenAI(base_url=${JSON.stringify(url)})  # and OPENAI_API_KEY
stream = client.${responses ? "responses" : "chat.completions"}.create(
${Object.entries(body).filter(([, v]) => v !== undefined).map(([k, v]) => `    ${k}=${python(v, 1)},`).join("\n")}
)
${responses ? `for event in stream:
    if event.type == "response.output_text.delta":
        print(event.delta, end="", flush=True)` : `for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)`}
`;
    case "node":
      return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: ${JSON.stringify(url)} }); // and OPENAI_API_KEY
const stream = await client.${responses ? "responses" : "chat.completions"}.create(${JSON.stringify(body, null, 2)});
for await (const ${responses ? "event" : "chunk"} of stream) {
  ${responses ? `if (event.type === "response.output_text.delta") process.stdout.write(event.delta);` : `process.stdout.write(chunk.choices[0]?.delta?.content ?? "");`}
}
`;
    case "curl":
      return `curl -N ${url}/${responses ? "responses" : "chat/completions"} \\
  -H "Authorization: Bearer $OPENAI_API_KEY" -H 'Content-Type: application/json' -d @- <<'JSON'
${JSON.stringify(body, null, 2)}
JSON
`;
    default:
      return JSON.stringify({
        AskModel: {
          Type: "Task", Resource: "arn:aws:states:::lambda:invoke",
          Parameters: { FunctionName: "${ChatFunctionArn}", Payload: whole },
          OutputPath: responses ? "$.Payload" : "$.Payload.choices[0].message.content",
          Retry: [{ ErrorEquals: ["RateLimited", "UpstreamUnavailable"], IntervalSeconds: 5, BackoffRate: 2, MaxAttempts: 5 }],
          End: true,
        },
      }, null, 2) + "\n";
  }
}

// python writes a value as Python has it.
function python(v, depth) {
  const pad = "    ".repeat(depth + 1);
  const end = "\n" + "    ".repeat(depth);
  if (v === null) return "None";
  if (v === true) return "True";
  if (v === false) return "False";
  if (Array.isArray(v)) return v.length ? `[\n${v.map((x) => pad + python(x, depth + 1)).join(",\n")},${end}]` : "[]";
  if (typeof v === "object") {
    const members = Object.entries(v).filter(([, x]) => x !== undefined);
    return members.length ? `{\n${members.map(([k, x]) => `${pad}${JSON.stringify(k)}: ${python(x, depth + 1)}`).join(",\n")},${end}}` : "{}";
  }
  return JSON.stringify(v);
}
