// Vercel's AI SDK against a running stack: BASE_URL and API_KEY say where it is.
import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { streamText } from "ai";

const openai = createOpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.API_KEY });
const apis = { chat: openai.chat, responses: openai.responses };

// stream reads an answer to its end. It returns the errors in the order in which the SDK reported them.
async function stream(model, prompt) {
  const errors = [];
  const result = streamText({ model, prompt, maxRetries: 0, onError: ({ error }) => errors.push(error) });
  await result.consumeStream({ onError: (error) => errors.push(error) });
  return { result, errors };
}

for (const [name, api] of Object.entries(apis)) {
  describe(`AI SDK, ${name}`, () => {
    const model = api("gpt-5.4-mini");

    test("whole stream", async () => {
      const { result, errors } = await stream(model, "Say one two three");
      assert.deepEqual(errors, []);
      assert.equal(await result.text, "one two three");
      assert.equal(await result.finishReason, "stop");
      assert.ok((await result.usage).outputTokens > 0);
    });

    for (const fault of ["cut", "partial", "end"]) {
      test(`broken stream, ${fault}`, async () => {
        // The SDK checks an error event against a schema; one that does not fit is reported as "Type validation failed".
        // The connection breaks after the event, which is a second error.
        const { errors } = await stream(model, `Say a b c d e [[fault: ${fault};after=3]]`);
        assert.match(errors[0]?.message, /^Azure OpenAI's answer broke off before its end\./);
        assert.equal(errors[0].code, "upstream_connection_lost");
      });
    }
  });
}
