// OpenAI's Node library against a running stack: BASE_URL, AZURE_ENDPOINT and API_KEY say where it is.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import OpenAI, { AzureOpenAI, toFile } from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const { BASE_URL, AZURE_ENDPOINT, API_KEY } = process.env;
const clients = {
  OpenAI: (apiKey = API_KEY) => new OpenAI({ baseURL: BASE_URL, apiKey, maxRetries: 0 }),
  AzureOpenAI: (apiKey = API_KEY) =>
    new AzureOpenAI({ endpoint: AZURE_ENDPOINT, apiVersion: "2025-04-01-preview", apiKey, maxRetries: 0 }),
};
const model = "gpt-5.4-mini";
const embeddingModel = "text-embedding-3-small";
const user = (content) => [{ role: "user", content }];
const weather = {
  type: "function",
  function: {
    name: "get_weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};

const batchLine = (custom_id, word, model_ = model) =>
  JSON.stringify({ custom_id, method: "POST", url: "/v1/chat/completions", body: { model: model_, messages: user(`Say ${word}`) } }) + "\n";

for (const [name, make] of Object.entries(clients)) {
  describe(name, () => {
    const client = make();

    test("chat", async () => {
      const answer = await client.chat.completions.create({ model, messages: user("Say grüß Gott") });
      assert.equal(answer.choices[0].message.content, "grüß Gott");
    });

    for (const include_usage of [false, true]) {
      test(`stream, usage ${include_usage}`, async () => {
        const options = include_usage ? { stream_options: { include_usage } } : {};
        const stream = await client.chat.completions.create({ model, messages: user("Say one two three"), stream: true, ...options });
        let text = "";
        let usage = false;
        for await (const chunk of stream) {
          text += chunk.choices[0]?.delta?.content ?? "";
          usage ||= Boolean(chunk.usage);
        }
        assert.equal(text, "one two three");
        assert.equal(usage, include_usage);
      });
    }

    test("tools", async () => {
      const messages = user("What is the weather in Paris?");
      const { message } = (await client.chat.completions.create({ model, messages, tools: [weather] })).choices[0];
      assert.equal(message.tool_calls[0].function.arguments, '{"city":"Paris"}');
      messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: '{"sky":"clear"}' });
      const answer = await client.chat.completions.create({ model, messages, tools: [weather] });
      assert.match(answer.choices[0].message.content, /sky clear/);
    });

    test("parse", async () => {
      const Event = z.object({ day: z.string(), participants: z.array(z.string()) });
      const answer = await client.chat.completions.parse({
        model, messages: user("Alice meets Bob on Friday."), response_format: zodResponseFormat(Event, "event"),
      });
      assert.equal(answer.choices[0].message.parsed.day, "Friday");
    });

    test("embeddings", async () => {
      const request = { model: embeddingModel, input: ["a", "b"], dimensions: 8 };
      const base64 = await client.embeddings.create(request); // the library's default on the wire
      const floats = await client.embeddings.create({ ...request, encoding_format: "float" });
      assert.equal(base64.data[1].embedding.length, 8);
      base64.data[1].embedding.forEach((x, i) => assert.ok(Math.abs(x - floats.data[1].embedding[i]) < 1e-6));
    });

    test("responses", async () => {
      const answer = await client.responses.create({ model, input: "Say hello there" });
      assert.equal(answer.output_text, "hello there");
      assert.equal((await client.responses.retrieve(answer.id)).output_text, "hello there");
      await client.responses.delete(answer.id);
      const stream = client.responses.stream({ model, input: "Say hello there" });
      assert.equal((await stream.finalResponse()).output_text, "hello there");
    });

    test("models", async () => {
      const ids = [];
      for await (const m of client.models.list()) ids.push(m.id);
      assert.ok(ids.includes(model));
      assert.equal((await client.models.retrieve(model)).id, model);
    });

    test("errors", async () => {
      const chat = (content, model_ = model) => client.chat.completions.create({ model: model_, messages: user(content) });
      await assert.rejects(chat("x", "nobody"), (e) => e instanceof OpenAI.NotFoundError && e.code === "model_not_found" && e.param === "model");
      await assert.rejects(chat("trigger-hate"), (e) => e instanceof OpenAI.BadRequestError && e.code === "content_filter" && e.error.innererror !== undefined);
      await assert.rejects(chat("[[fault: 429;retry-after=60]]"), (e) => e instanceof OpenAI.RateLimitError && e.headers.get("retry-after") === "60");
      await assert.rejects(make("sk-wrong").models.list(), (e) => e instanceof OpenAI.AuthenticationError && e.code === "invalid_api_key");
    });

    test("cut stream", async () => {
      const stream = await client.chat.completions.create({ model, messages: user("Say a b c d e [[fault: cut;after=3]]"), stream: true });
      await assert.rejects(async () => { for await (const _ of stream); });
    });

    test("raw headers", async () => {
      const { data, response } = await client.chat.completions.create({ model, messages: user("Say hello") }).withResponse();
      for (const header of ["x-request-id", "apim-request-id", "x-ratelimit-remaining-tokens", "x-ms-region"]) assert.ok(response.headers.get(header), header);
      assert.equal(data.choices[0].message.content, "hello");
    });

    test("abort", async () => {
      const stream = await client.chat.completions.create({ model, messages: user("[[words: 100000]] [[fault: interval=1ms]]"), stream: true });
      for await (const _ of stream) break; // closes the connection
      assert.ok(stream.controller.signal.aborted);
    });

    const createBatch = (file) =>
      client.batches.create({ input_file_id: file.id, endpoint: "/v1/chat/completions", completion_window: "24h" });
    const ended = async (batch) => {
      for (let i = 0; i < 600 && !["completed", "failed", "cancelled"].includes(batch.status); i++) {
        await sleep(100);
        batch = await client.batches.retrieve(batch.id);
      }
      return batch;
    };
    const newFile = async (text) => client.files.create({ purpose: "batch", file: await toFile(Buffer.from(text), "ä b.jsonl") });

    test("batch", async () => {
      const text = batchLine("a", "grüß") + batchLine("b", "no", "nobody");
      const file = await newFile(text);
      assert.equal(file.filename, "ä b.jsonl");
      assert.equal(await (await client.files.content(file.id)).text(), text);
      const batch = await ended(await createBatch(file));
      assert.equal(batch.status, "completed");
      assert.deepEqual(batch.request_counts, { total: 2, completed: 1, failed: 1 });
      const answer = JSON.parse(await (await client.files.content(batch.output_file_id)).text());
      assert.equal(answer.response.body.choices[0].message.content, "grüß");
      assert.equal(JSON.parse(await (await client.files.content(batch.error_file_id)).text()).error.code, "model_not_found");
      const batches = [];
      for await (const b of client.batches.list({ limit: 1 })) batches.push(b.id);
      assert.ok(batches.includes(batch.id));
      const files = [];
      for await (const f of client.files.list({ purpose: "batch_output", limit: 1 })) files.push(f.id);
      assert.ok(files.includes(batch.output_file_id) && !files.includes(file.id));
      assert.ok((await client.files.delete(file.id)).deleted);
      await assert.rejects(client.files.retrieve(file.id), (e) => e instanceof OpenAI.NotFoundError);
    });

    test("cancelled batch", async () => {
      const batch = await createBatch(await newFile(batchLine("a", "one")));
      assert.equal((await client.batches.cancel(batch.id)).status, "cancelling");
      assert.equal((await ended(batch)).status, "cancelled");
    });

    test("upload in parts", async () => {
      const content = Buffer.from(batchLine("a", "x".repeat(5000)).repeat(2000));
      await assert.rejects(newFile(content), (e) => e.status === 413 && e.message.includes("part_size"));
      const upload = await client.uploads.create({ purpose: "batch", filename: "big.jsonl", bytes: content.length, mime_type: "application/jsonl" });
      const part_ids = [];
      for (let at = 0; at < content.length; at += 4_000_000) {
        const data = await toFile(content.subarray(at, at + 4_000_000), "part");
        part_ids.push((await client.uploads.parts.create(upload.id, { data })).id);
      }
      const { status, file } = await client.uploads.complete(upload.id, { part_ids });
      assert.equal(status, "completed");
      const got = Buffer.from(await (await client.files.content(file.id)).arrayBuffer());
      assert.ok(got.equals(content));
    });
  });
}
