// Plain chats and streams: what the SDK's user asks reaches the upstream, what the upstream says reaches the SDK's user.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { SDK_DRIP, ask, choice, chunk, client, plain, script, seen, spoken, stream } from "./wire.mjs";

const textOf = (parts) => parts.map((part) => part.choices[0]?.delta.content ?? "").join("");
const all = async (deltas) => {
  const parts = [];
  for await (const part of deltas) parts.push(part);
  return parts;
};
const tool = (name) => ({ type: "function", function: { name, parameters: { type: "object", properties: { city: { type: "string" } } } } });
const tools = [tool("weather"), tool("time")];

test("a chat is answered with text and usage", async () => {
  await script("node-plain", plain());
  const answer = await client().chat.completions.create(ask("node-plain"));
  assert.equal(answer.choices[0].message.content, "Hi there");
  assert.equal(answer.usage.total_tokens, 12);
});

test("parallel tool calls are answered", async () => {
  const calls = ["weather", "time"].map((name, at) => ({ id: `call_${at}`, type: "function", function: { name, arguments: '{"city":"Oslo"}' } }));
  await script("node-tools", plain({ content: null, tool_calls: calls }));
  const answer = await client().chat.completions.create(ask("node-tools", { tools, parallel_tool_calls: true }));
  assert.equal(answer.choices[0].finish_reason, "tool_calls");
  assert.deepEqual(answer.choices[0].message.tool_calls, calls);
  assert.deepEqual(JSON.parse((await seen("node-tools"))[0]).tools, tools);
});

test("parallel tool calls are streamed", async () => {
  const pieces = ["weather", "time"].flatMap((name, index) => [
    { index, id: `call_${index}`, type: "function", function: { name, arguments: "" } },
    ...['{"ci', 'ty":"Oslo"}'].map((text) => ({ index, function: { arguments: text } })),
  ]);
  const begun = [chunk([choice({ role: "assistant", content: null })]), ...pieces.map((piece) => chunk([choice({ tool_calls: [piece] })]))];
  await script("node-tool-stream", stream([...begun, chunk([choice({}, "tool_calls")])]));
  const completion = await client().chat.completions.stream(ask("node-tool-stream", { tools })).finalChatCompletion();
  const called = completion.choices[0].message.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]);
  assert.deepEqual(called, [["call_0", "weather", '{"city":"Oslo"}'], ["call_1", "time", '{"city":"Oslo"}']]);
});

test("structured output is parsed, whole and streamed", async () => {
  const response_format = zodResponseFormat(z.object({ city: z.string() }), "place");
  await script("node-parse", plain({ content: '{"city":"Oslo"}' }));
  const whole = await client().chat.completions.parse(ask("node-parse", { response_format }));
  assert.deepEqual(whole.choices[0].message.parsed, { city: "Oslo" });
  await script("node-parse-stream", stream(spoken('{"ci', 'ty":"Oslo"}')));
  const streamed = await client().chat.completions.stream(ask("node-parse-stream", { response_format })).finalChatCompletion();
  assert.deepEqual(streamed.choices[0].message.parsed, { city: "Oslo" });
});

test("logprobs and two choices are seen", async () => {
  const logprobs = { content: [{ token: "Hi", logprob: -0.25, bytes: [72, 105], top_logprobs: [] }], refusal: null };
  const choices = ["one", "two"].map((content, index) => ({ index, message: { role: "assistant", content }, logprobs, finish_reason: "stop" }));
  await script("node-choices", plain({}, { choices }));
  const answer = await client().chat.completions.create(ask("node-choices", { n: 2, logprobs: true }));
  assert.deepEqual(answer.choices, choices);
});

test("two choices are streamed though one ends first", async () => {
  const mixed = [
    chunk([choice({ role: "assistant", content: "a" })]),
    chunk([choice({ role: "assistant", content: "x" }, null, 1)]),
    chunk([choice({}, "stop")]),
    chunk([choice({ content: "y" }, null, 1)]),
    chunk([choice({}, "length", 1)]),
  ];
  await script("node-choice-stream", stream(mixed));
  const completion = await client().chat.completions.stream(ask("node-choice-stream", { n: 2 })).finalChatCompletion();
  assert.deepEqual(completion.choices.map((each) => [each.message.content, each.finish_reason]), [["a", "stop"], ["xy", "length"]]);
});

test("vision parts reach the upstream", async () => {
  const content = [
    { type: "text", text: "What is this?" },
    { type: "image_url", image_url: { url: `data:image/png;base64,${"iVBORw0KGgo".repeat(20_000)}`, detail: "low" } },
  ];
  await script("node-vision", plain());
  await client().chat.completions.create(ask("node-vision", { messages: [{ role: "user", content }] }));
  assert.deepEqual(JSON.parse((await seen("node-vision"))[0]).messages[0].content, content);
});

test("unknown fields pass both ways", async () => {
  await script("node-unknown", plain({ new_part: { deep: [1, 2] } }, { brand_new: true }));
  const body = ask("node-unknown", { brand_new_option: { level: 3 } });
  const answer = await client().chat.completions.create(body);
  assert.equal(answer.brand_new, true);
  assert.deepEqual(answer.choices[0].message.new_part, { deep: [1, 2] });
  assert.equal((await seen("node-unknown"))[0], JSON.stringify(body), "byte for byte");
});

test("the bytes of an answer are the upstream's", async () => {
  const body = '{"id":"1", "new" : 1.00, "big":123456789012345678901234567890,"choices":[{"index":0,"message":{"role":"assistant","content":"\\u00e9\\/"},"finish_reason":"stop"}]}\n';
  await script("node-bytes", { body });
  const response = await client().chat.completions.create(ask("node-bytes")).asResponse();
  assert.equal(await response.text(), body);
});

test("a stream brings its deltas, and usage only to who asked", async () => {
  await script("node-stream", stream(spoken("one ", "two")));
  const without = await all(await client().chat.completions.create(ask("node-stream", { stream: true })));
  assert.equal(textOf(without), "one two");
  assert.ok(without.every((part) => part.choices.length === 1 && !part.usage));
  assert.equal(without.at(-1).choices[0].finish_reason, "stop");
  const asked = await all(await client().chat.completions.create(ask("node-stream", { stream: true, stream_options: { include_usage: true } })));
  assert.equal(asked.at(-1).usage.total_tokens, 12);
  assert.deepEqual(asked.at(-1).choices, []);
});

test("a stream and a plain chat survive being cut into single bytes", async () => {
  const words = ["żółć ", "日本 ", "👩‍👩‍👧 ", "\r\n\r\n", "data: [DONE]", "\n\n", "end"];
  const dripped = client({ baseURL: `${SDK_DRIP}/v1` });
  await script("node-drip", stream(spoken(...words), { drip: true }));
  const parts = await all(await dripped.chat.completions.create(ask("node-drip", { stream: true, stream_options: { include_usage: true } })));
  assert.equal(textOf(parts), words.join(""));
  assert.equal(parts.at(-1).usage.total_tokens, 12);
  await script("node-drip-plain", { ...plain({ content: words.join("") }), drip: true });
  assert.equal((await dripped.chat.completions.create(ask("node-drip-plain"))).choices[0].message.content, words.join(""));
});

for (const [how, options] of Object.entries({ error: {}, end: {}, reset: { cut: true } })) {
  test(`a stream that breaks off by ${how} is never complete`, async () => {
    const broken = how === "error" ? [{ error: { message: "out of memory", type: "server_error", code: "server_error" } }] : [];
    await script(`node-broken-${how}`, stream([...spoken("one ", "two").slice(0, -1), ...broken], { usage: null, done: false, ...options }));
    let text = "";
    const read = async () => {
      for await (const part of await client().chat.completions.create(ask(`node-broken-${how}`, { stream: true }))) {
        text += part.choices[0].delta.content ?? "";
        assert.equal(part.choices[0].finish_reason, null);
      }
    };
    await assert.rejects(read, (failure) => failure instanceof OpenAI.APIError && failure.code === "upstream_error" && failure.type === "server_error");
    assert.equal(text, "one two");
    assert.equal((await seen(`node-broken-${how}`)).length, 1, "nobody is asked again once something was delivered");
  });
}

test("failover before the first delta is invisible", async () => {
  const inside = [chunk([choice({ role: "assistant", content: "" })]), { error: { message: "no", code: "server_error" } }];
  await script("node-failover", stream(inside, { usage: null, done: false }), stream(spoken("from the ", "second")));
  const { data, response } = await client().chat.completions.create(ask("node-failover", { model: "twice", stream: true })).withResponse();
  assert.equal(textOf(await all(data)), "from the second");
  assert.equal(response.headers.get("x-easyai-attempts"), "2");
});

test("a stream can be given up", async () => {
  await script("node-abort", stream(spoken("one ", "two"), { drip: true }));
  const deltas = await client().chat.completions.create(ask("node-abort", { stream: true }));
  for await (const part of deltas) {
    assert.ok(part);
    break;
  }
  deltas.controller.abort();
});

test("models are listed and found", async () => {
  const names = [];
  for await (const model of client().models.list()) names.push(model.id);
  assert.ok(names.includes("chat") && names.includes("renamed"));
  assert.equal((await client().models.retrieve("chat")).object, "model");
});
