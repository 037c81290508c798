// The official Anthropic SDK does what its documentation says, whatever provider answers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";

import { baseUrl, key, models, narrowKey, user } from "./setting.js";

const clientFor = (apiKey) => new Anthropic({ baseURL: baseUrl, apiKey, maxRetries: 0, timeout: 30_000 });
const client = clientFor(key);

const weather = {
  name: "get_weather",
  description: "The weather in a city.",
  input_schema: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
};

for (const [provider, model] of models) {
  describe(provider, () => {
    test("answers a message", async () => {
      const answer = await client.messages.create({ model, max_tokens: 100, messages: user("Grüße aus Köln ☕") });
      assert.equal(answer.content[0].text, "Simulated answer to: Grüße aus Köln ☕");
      assert.equal(answer.stop_reason, "end_turn");
      assert.equal(answer.usage.output_tokens, 7);
    });

    test("streams text", async () => {
      const stream = client.messages.stream({ model, max_tokens: 100, messages: user("Ünïcödé ☕ text") });
      let text = "";
      stream.on("text", (piece) => (text += piece));
      const final = await stream.finalMessage();
      assert.equal(text, "Simulated answer to: Ünïcödé ☕ text");
      assert.equal(final.stop_reason, "end_turn");
      assert.equal(final.usage.output_tokens, 6);
    });

    test("calls tools in parallel and hears their results", async () => {
      const messages = user("[[sim-parallel-tools]]");
      const request = { model, max_tokens: 500, tools: [weather] };
      const first = await client.messages.create({ ...request, messages });
      assert.equal(first.stop_reason, "tool_use");
      const calls = first.content.filter((block) => block.type === "tool_use");
      assert.deepEqual(calls.map((call) => call.input), [{ city: "text 1" }, { city: "text 2" }]);
      const results = ["sunny", "rainy"].map((content, index) => ({
        type: "tool_result",
        tool_use_id: calls[index].id,
        content,
      }));
      messages.push({ role: "assistant", content: first.content }, { role: "user", content: results });
      const second = await client.messages.create({ ...request, messages });
      assert.equal(second.stop_reason, "end_turn");
      assert.ok(second.content[0].text.endsWith("(tools said: sunny; rainy)"));
    });

    test("may leave a stream", async () => {
      const request = { model, max_tokens: 10_000, messages: user("[[sim-never-stops]]"), stream: true };
      const stream = await client.messages.create(request);
      let seen = 0;
      for await (const _ of stream) if (++seen === 5) break;
      const answer = await client.messages.create({ model, max_tokens: 100, messages: user("still there?") });
      assert.equal(answer.stop_reason, "end_turn");
    });

    test("raises AuthenticationError for a bad key", async () => {
      const stranger = clientFor("fh_bad_key");
      const answer = stranger.messages.create({ model, max_tokens: 100, messages: user("hello") });
      await assert.rejects(answer, Anthropic.AuthenticationError);
    });

    test("raises NotFoundError for an unknown model", async () => {
      const request = { model: `${model}-which-is-not-there`, max_tokens: 100, messages: user("hello") };
      await assert.rejects(client.messages.create(request), (error) => {
        assert.ok(error instanceof Anthropic.NotFoundError, String(error));
        assert.equal(error.error.error.type, "not_found_error");
        return true;
      });
    });

    test("raises RateLimitError", async () => {
      const narrow = clientFor(narrowKey);
      await assert.rejects(async () => {
        for (let call = 0; call < 3; call++) {
          await narrow.messages.create({ model, max_tokens: 100, messages: user("hello") });
        }
      }, Anthropic.RateLimitError);
    });
  });
}
