// The official OpenAI SDK does what its documentation says, whatever provider answers.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import OpenAI from "openai";

import { baseUrl, key, models, narrowKey, user } from "./setting.js";

const clientFor = (apiKey) => new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey, maxRetries: 0, timeout: 30_000 });
const client = clientFor(key);

const weather = {
  type: "function",
  function: {
    name: "get_weather",
    description: "The weather in a city.",
    parameters: {
      type: "object",
      properties: { city: { type: "string" }, days: { type: "integer" } },
      required: ["city"],
      additionalProperties: false,
    },
  },
};

// A picture of one point.
const picture =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const create = (body, options) => client.chat.completions.create(body, options);

async function gathered(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const calls = [];
  let text = "";
  let finish = null;
  for (const choice of chunks.flatMap((chunk) => chunk.choices)) {
    text += choice.delta.content ?? "";
    finish = choice.finish_reason ?? finish;
    for (const piece of choice.delta.tool_calls ?? []) {
      calls[piece.index] ??= { id: "", name: "", arguments: "" };
      const call = calls[piece.index];
      call.id = piece.id ?? call.id;
      call.name += piece.function?.name ?? "";
      call.arguments += piece.function?.arguments ?? "";
    }
  }
  return { chunks, text, finish, calls };
}

for (const [provider, model] of models) {
  describe(provider, () => {
    test("answers a chat", async () => {
      const answer = await create({ model, messages: user("Grüße aus Köln ☕") });
      assert.equal(answer.choices[0].message.content, "Simulated answer to: Grüße aus Köln ☕");
      assert.equal(answer.choices[0].finish_reason, "stop");
      assert.ok(answer.usage.prompt_tokens > 0);
      assert.equal(answer.usage.completion_tokens, 7);
      assert.equal(answer.usage.total_tokens, answer.usage.prompt_tokens + 7);
    });

    test("stops at the limit of the caller", async () => {
      const answer = await create({ model, messages: user("[[sim-long-500]]"), max_tokens: 5 });
      assert.equal(answer.choices[0].finish_reason, "length");
      assert.equal(answer.usage.completion_tokens, 5);
    });

    test("streams text and no chunk that was not asked for", async () => {
      const { chunks, text, finish } = await gathered(
        await create({ model, messages: user("Ünïcödé ☕ text"), stream: true }),
      );
      assert.equal(text, "Simulated answer to: Ünïcödé ☕ text");
      assert.equal(finish, "stop");
      assert.ok(chunks.every((chunk) => chunk.choices.length === 1 && !chunk.usage));
    });

    test("streams usage when asked", async () => {
      const { chunks } = await gathered(
        await create({ model, messages: user("hello"), stream: true, stream_options: { include_usage: true } }),
      );
      assert.deepEqual(chunks.at(-1).choices, []);
      assert.equal(chunks.at(-1).usage.completion_tokens, 4);
      assert.ok(chunks.slice(0, -1).every((chunk) => !chunk.usage));
    });

    test("calls a tool", async () => {
      const answer = await create({ model, messages: user("[[sim-tools]]"), tools: [weather] });
      assert.equal(answer.choices[0].finish_reason, "tool_calls");
      assert.equal(answer.choices[0].message.tool_calls.length, 1);
      const call = answer.choices[0].message.tool_calls[0];
      assert.equal(call.function.name, "get_weather");
      assert.deepEqual(JSON.parse(call.function.arguments), { city: "text 1", days: 42 });
    });

    test("calls tools in parallel and hears their results", async () => {
      const messages = user("[[sim-parallel-tools]]");
      const first = await create({ model, messages, tools: [weather] });
      const calls = first.choices[0].message.tool_calls;
      assert.equal(calls.length, 2);
      messages.push(first.choices[0].message);
      for (const [index, content] of ["sunny", "rainy"].entries()) {
        messages.push({ role: "tool", tool_call_id: calls[index].id, content });
      }
      const second = await create({ model, messages, tools: [weather] });
      assert.equal(second.choices[0].finish_reason, "stop");
      assert.ok(second.choices[0].message.content.endsWith("(tools said: sunny; rainy)"));
    });

    test("streams parallel calls", async () => {
      const { finish, calls } = await gathered(
        await create({ model, messages: user("[[sim-parallel-tools]]"), tools: [weather], stream: true }),
      );
      assert.equal(finish, "tool_calls");
      assert.deepEqual(
        calls.map((call) => [call.name, JSON.parse(call.arguments).city]),
        [["get_weather", "text 1"], ["get_weather", "text 2"]],
      );
      assert.ok(calls.every((call) => call.id));
    });

    test("gathers a stream with the helper of the SDK", async () => {
      const stream = client.chat.completions.stream({ model, messages: user("hello") });
      const final = await stream.finalChatCompletion();
      assert.equal(final.choices[0].message.content, "Simulated answer to: hello");
    });

    test("parses a structured answer", async () => {
      const schema = {
        type: "object",
        properties: { city: { type: "string" }, days: { type: "integer" } },
        required: ["city", "days"],
        additionalProperties: false,
      };
      const answer = await client.chat.completions.parse({
        model,
        messages: user("Plan a trip."),
        response_format: { type: "json_schema", json_schema: { name: "trip", strict: true, schema } },
      });
      assert.deepEqual(JSON.parse(answer.choices[0].message.content), { city: "text 1", days: 42 });
    });

    test("sees images", async () => {
      const content = [
        { type: "text", text: "What is this?" },
        { type: "image_url", image_url: { url: picture } },
      ];
      const answer = await create({ model, messages: [{ role: "user", content }] });
      assert.equal(answer.choices[0].message.content, "Simulated answer to: What is this? (images: 1)");
    });

    test("may leave a stream", async () => {
      const stream = await create({ model, messages: user("[[sim-never-stops]]"), stream: true });
      let seen = 0;
      for await (const _ of stream) if (++seen === 5) break;
      assert.equal(seen, 5);
      const answer = await create({ model, messages: user("still there?") });
      assert.equal(answer.choices[0].finish_reason, "stop");
    });

    test("may be interrupted before it answers", async () => {
      const controller = new AbortController();
      const answer = create({ model, messages: user("[[sim-hang]]") }, { signal: controller.signal });
      setTimeout(() => controller.abort(), 100);
      await assert.rejects(answer, OpenAI.APIUserAbortError);
    });

    test("raises an error in the middle of a stream", async () => {
      const stream = await create({ model, messages: user("[[sim-error-mid-stream]]"), stream: true });
      await assert.rejects(gathered(stream), OpenAI.APIError);
    });

    test("raises NotFoundError for an unknown model", async () => {
      const answer = create({ model: `${model}-which-is-not-there`, messages: user("hello") });
      await assert.rejects(answer, (error) => {
        assert.ok(error instanceof OpenAI.NotFoundError, String(error));
        assert.equal(error.code, "model_not_found");
        return true;
      });
    });

    test("raises BadRequestError", async () => {
      await assert.rejects(create({ model, messages: [] }), OpenAI.BadRequestError);
    });

    test("raises AuthenticationError for a bad key", async () => {
      const stranger = clientFor("fh_bad_key");
      await assert.rejects(
        stranger.chat.completions.create({ model, messages: user("hello") }),
        OpenAI.AuthenticationError,
      );
    });

    test("raises RateLimitError", async () => {
      const narrow = clientFor(narrowKey);
      await assert.rejects(async () => {
        for (let call = 0; call < 3; call++) {
          await narrow.chat.completions.create({ model, messages: user("hello") });
        }
      }, OpenAI.RateLimitError);
    });
  });
}

test("lists the models", async () => {
  const listed = new Set();
  for await (const model of client.models.list()) listed.add(model.id);
  for (const [, model] of models) assert.ok(listed.has(model), model);
});
