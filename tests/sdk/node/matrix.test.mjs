// Node's official SDKs and Vercel's AI SDK with every kind of upstream: see ../test_matrix.py, ../matrix.py and ../mocks.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createGoogleGenerativeAI } from "@ai-sdk/google";
import { createOpenAI } from "@ai-sdk/openai";
import { GoogleGenAI } from "@google/genai";
import { Output, generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import OpenAI from "openai";

globalThis.AI_SDK_LOG_WARNINGS = false;

const { SDK_GATEWAY, SDK_KEY, SDK_MOCKS, SDK_SECRET, SDK_CELLS } = process.env;
// As ../matrix.py lists them: {way, caller, kind, models: {behaviour: name}, path}.
const cells = JSON.parse(SDK_CELLS);

const TEXT = 'Grüße aus Oslo: 世界, 👩‍👩‍👧 and "quotes" \\ back.';
const THOUGHT = "The user greets me. I had better\nanswer – in 日本 style.";
const ARGUMENTS = { city: "Oslo", days: 3, note: 'é 世 "x"' };
const PLACE = { city: "Oslo", population: 709000 };
const PARAMETERS = {
  type: "object",
  properties: { city: { type: "string" }, days: { type: "integer" }, note: { type: "string" } },
  required: ["city", "days", "note"],
  additionalProperties: false,
};
const SCHEMA = {
  type: "object",
  properties: { city: { type: "string" }, population: { type: "integer" } },
  required: ["city", "population"],
  additionalProperties: false,
};
const INPUT = 120;
const BESIDE = 7;
const OUTPUT = 37;
const CACHED = 48;

const place = ({ way, caller, path }) => {
  if (way === "direct") return { address: SDK_MOCKS + path, key: SDK_SECRET };
  return { address: caller === "chat" || caller === "responses" ? `${SDK_GATEWAY}/v1` : SDK_GATEWAY, key: SDK_KEY };
};

// ── Each SDK: text, a tool's round, output by a schema, reasoning that goes on after a tool ──

const chat = (cell) => {
  const { address, key } = place(cell);
  const client = new OpenAI({ baseURL: address, apiKey: key, maxRetries: 0, timeout: 20_000 });
  const ask = async (fields, stream) => {
    if (!stream) return client.chat.completions.create(fields);
    return client.chat.completions.stream({ ...fields, stream_options: { include_usage: true } }).finalChatCompletion();
  };
  const user = (content) => ({ role: "user", content });
  return {
    failure: OpenAI,
    async text(model, stream) {
      const { choices, usage } = await ask({ model, messages: [{ role: "system", content: "Be brief." }, user("Hello")] }, stream);
      return { text: choices[0].message.content, usage: [usage.prompt_tokens, usage.completion_tokens, usage.prompt_tokens_details.cached_tokens] };
    },
    async tool(model, stream, more = {}) {
      const tools = [{ type: "function", function: { name: "weather", parameters: PARAMETERS } }];
      const messages = [user("How is the weather?")];
      const { message } = (await ask({ model, messages, tools, ...more }, stream)).choices[0];
      const [call] = message.tool_calls;
      messages.push({ ...message, role: "assistant" }, { role: "tool", tool_call_id: call.id, content: "sunny" });
      const second = await ask({ model, messages, tools, ...more }, stream);
      return { arguments: JSON.parse(call.function.arguments), text: second.choices[0].message.content };
    },
    async json(model, stream) {
      const response_format = { type: "json_schema", json_schema: { name: "place", schema: SCHEMA, strict: true } };
      return JSON.parse((await ask({ model, messages: [user("Where?")], response_format }, stream)).choices[0].message.content);
    },
    reasoning: (model, stream, self) => self.tool(model, stream, { reasoning_effort: "low" }),
  };
};

const responses = (cell) => {
  const { address, key } = place(cell);
  const client = new OpenAI({ baseURL: address, apiKey: key, maxRetries: 0, timeout: 20_000 });
  const ask = async (fields, stream) => {
    const all = { store: false, include: ["reasoning.encrypted_content"], ...fields };
    return stream ? client.responses.stream(all).finalResponse() : client.responses.create(all);
  };
  const text = (response) => response.output.flatMap((item) => (item.type === "message" ? item.content : [])).map((part) => part.text).join("");
  return {
    failure: OpenAI,
    async text(model, stream) {
      const response = await ask({ model, input: "Hello", instructions: "Be brief." }, stream);
      const { usage } = response;
      return { text: text(response), usage: [usage.input_tokens, usage.output_tokens, usage.input_tokens_details.cached_tokens] };
    },
    async tool(model, stream, more = {}) {
      const tools = [{ type: "function", name: "weather", parameters: PARAMETERS, strict: true }];
      const input = [{ role: "user", content: "How is the weather?" }];
      const first = await ask({ model, input, tools, ...more }, stream);
      const call = first.output.find((item) => item.type === "function_call");
      // The stream's helper adds what it parsed, which the API refuses.
      input.push(...first.output.map(({ parsed_arguments, ...item }) => item));
      input.push({ type: "function_call_output", call_id: call.call_id, output: "sunny" });
      const second = await ask({ model, input, tools, ...more }, stream);
      const thought = first.output.flatMap((item) => (item.type === "reasoning" ? item.summary : [])).map((part) => part.text).join("");
      return { arguments: JSON.parse(call.arguments), text: text(second), thought };
    },
    async json(model, stream) {
      const form = { type: "json_schema", name: "place", schema: SCHEMA, strict: true };
      return JSON.parse(text(await ask({ model, input: "Where?", text: { format: form } }, stream)));
    },
    reasoning: (model, stream, self) => self.tool(model, stream, { reasoning: { effort: "low", summary: "auto" } }),
  };
};

const messages = (cell) => {
  const { address, key } = place(cell);
  const client = new Anthropic({ baseURL: address, apiKey: key, maxRetries: 0, timeout: 20_000 });
  const ask = async (fields, stream) => {
    const all = { max_tokens: 2048, ...fields };
    return stream ? client.messages.stream(all).finalMessage() : client.messages.create(all);
  };
  const joined = (message, type, field) => message.content.filter((block) => block.type === type).map((block) => block[field]).join("");
  return {
    failure: Anthropic,
    async text(model, stream) {
      const message = await ask({ model, messages: [{ role: "user", content: "Hello" }], system: "Be brief." }, stream);
      const { input_tokens, cache_read_input_tokens, cache_creation_input_tokens, output_tokens } = message.usage;
      const input = input_tokens + (cache_read_input_tokens ?? 0) + (cache_creation_input_tokens ?? 0);
      return { text: joined(message, "text", "text"), usage: [input, output_tokens, cache_read_input_tokens] };
    },
    async tool(model, stream, more = {}) {
      const tools = [{ name: "weather", input_schema: PARAMETERS }];
      const turns = [{ role: "user", content: "How is the weather?" }];
      const first = await ask({ model, messages: turns, tools, ...more }, stream);
      const call = first.content.find((block) => block.type === "tool_use");
      turns.push({ role: "assistant", content: first.content });
      turns.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "sunny" }] });
      const second = await ask({ model, messages: turns, tools, ...more }, stream);
      return { arguments: call.input, text: joined(second, "text", "text"), thought: joined(first, "thinking", "thinking") };
    },
    async json(model, stream) {
      const output_config = { format: { type: "json_schema", schema: SCHEMA } };
      return JSON.parse(joined(await ask({ model, messages: [{ role: "user", content: "Where?" }], output_config }, stream), "text", "text"));
    },
    reasoning: (model, stream, self) => self.tool(model, stream, { thinking: { type: "enabled", budget_tokens: 1024 } }),
  };
};

const google = (cell) => {
  const { address, key } = place(cell);
  const client = new GoogleGenAI({ apiKey: key, httpOptions: { baseUrl: address, timeout: 20_000 } });
  const ask = async (fields, stream) => {
    const parts = [];
    let usage;
    const chunks = stream ? await client.models.generateContentStream(fields) : [await client.models.generateContent(fields)];
    for await (const chunk of chunks) {
      parts.push(...(chunk.candidates?.[0]?.content?.parts ?? []));
      usage = chunk.usageMetadata ?? usage;
    }
    const joined = (thought) => parts.filter((part) => part.text && Boolean(part.thought) === thought).map((part) => part.text).join("");
    return { parts, usage, text: joined(false), thought: joined(true), call: parts.find((part) => part.functionCall)?.functionCall };
  };
  return {
    failure: null,
    async text(model, stream) {
      const { text, usage } = await ask({ model, contents: "Hello", config: { systemInstruction: "Be brief." } }, stream);
      const input = usage.promptTokenCount + (usage.toolUsePromptTokenCount ?? 0);
      return { text, usage: [input, usage.candidatesTokenCount + (usage.thoughtsTokenCount ?? 0), usage.cachedContentTokenCount] };
    },
    async tool(model, stream, more = {}) {
      const config = { tools: [{ functionDeclarations: [{ name: "weather", description: "Tells.", parametersJsonSchema: PARAMETERS }] }], ...more };
      const contents = [{ role: "user", parts: [{ text: "How is the weather?" }] }];
      const first = await ask({ model, contents, config }, stream);
      contents.push({ role: "model", parts: first.parts });
      const { id, name, args } = first.call;
      contents.push({ role: "user", parts: [{ functionResponse: { id, name, response: { output: "sunny" } } }] });
      return { arguments: args, text: (await ask({ model, contents, config }, stream)).text, thought: first.thought };
    },
    async json(model, stream) {
      const config = { responseMimeType: "application/json", responseJsonSchema: SCHEMA };
      return JSON.parse((await ask({ model, contents: "Where?", config }, stream)).text);
    },
    reasoning: (model, stream, self) => self.tool(model, stream, { thinkingConfig: { includeThoughts: true, thinkingLevel: "LOW" } }),
  };
};

// ── Vercel's AI SDK, by each of its providers ──

const vercel = (cell) => {
  const { address, key } = place(cell);
  const options = (suffix = "") => ({ baseURL: address + suffix, apiKey: key });
  const provider = {
    chat: () => createOpenAI(options()).chat,
    responses: () => createOpenAI(options()).responses,
    messages: () => createAnthropic(options("/v1")),
    google: () => createGoogleGenerativeAI(options("/v1beta")),
  }[cell.caller]();
  const thinks = {
    chat: { openai: { reasoningEffort: "low", forceReasoning: true } },
    responses: { openai: { reasoningEffort: "low", reasoningSummary: "auto", forceReasoning: true } },
    messages: { anthropic: { thinking: { type: "enabled", budgetTokens: 1024 } } },
    google: { google: { thinkingConfig: { includeThoughts: true, thinkingLevel: "low" } } },
  }[cell.caller];
  const ask = async (fields, stream) => {
    const all = { maxRetries: 0, ...fields };
    if (!stream) return generateText(all);
    let failure;
    const result = streamText({ ...all, onError: ({ error }) => (failure = error) });
    await result.consumeStream({ onError: (error) => (failure ??= error) });
    if (failure) throw failure;
    return Object.fromEntries(await Promise.all(["text", "usage", "totalUsage", "steps", "output"].map(async (name) => [name, await result[name]])));
  };
  return {
    async text(model, stream) {
      const { text, usage } = await ask({ model: provider(model), system: "Be brief.", prompt: "Hello" }, stream);
      return { text, usage: [usage.inputTokens, usage.outputTokens, usage.inputTokenDetails.cacheReadTokens] };
    },
    async tool(model, stream, providerOptions = {}) {
      let seen;
      const weather = tool({
        description: "Tells the weather.",
        inputSchema: jsonSchema(PARAMETERS),
        execute: async (input) => {
          seen = input;
          return "sunny";
        },
      });
      const fields = { model: provider(model), prompt: "How is the weather?", tools: { weather }, stopWhen: stepCountIs(3), providerOptions };
      const { text, steps } = await ask(fields, stream);
      return { arguments: seen, text, thought: steps[0].reasoningText ?? "" };
    },
    async json(model, stream) {
      const output = Output.object({ schema: jsonSchema(SCHEMA), name: "place" });
      // Else the library guesses by the model's name whether Claude knows schemas, and calls a tool where it does not.
      const providerOptions = { anthropic: { structuredOutputMode: "outputFormat" } };
      return (await ask({ model: provider(model), prompt: "Where?", output, providerOptions }, stream)).output;
    },
    // With the state kept by the provider, as the library has it by default, and with the caller.
    reasoning: (model, stream, self) => self.tool(model, stream, thinks),
    ...(cell.caller === "responses" && {
      stateless: (model, stream, self) => self.tool(model, stream, { openai: { ...thinks.openai, store: false } }),
    }),
  };
};

// For Google's API the AI SDK wraps a tool's result as `{name, content}`, which is as good as any object.
const sunny = (text) => text === "It is sunny" || /^It is .*["']name["'].*sunny/.test(text);

const kinds = { chat, responses, messages, google };

for (const cell of cells) {
  const name = cell.way === "direct" ? `${cell.caller}-direct-${cell.kind}` : `${cell.caller}-to-${cell.kind}`;
  for (const [library, made] of [["official", kinds[cell.caller](cell)], ["ai", vercel(cell)]]) {
    describe(`${library} ${name}`, () => {
      for (const stream of [false, true]) {
        const mode = stream ? "stream" : "whole";
        test(`text, ${mode}`, async () => {
          // The AI SDK leaves out what Gemini counts beside the prompt.
          const input = library === "ai" && cell.caller === "google" && cell.kind === "gemini" ? INPUT - BESIDE : INPUT;
          assert.deepEqual(await made.text(cell.models.text, stream), { text: TEXT, usage: [input, OUTPUT, CACHED] });
        });
        test(`text in pieces of five bytes, ${mode}`, async () => {
          assert.equal((await made.text(cell.models["text--drip"], stream)).text, TEXT);
        });
        test(`a tool is called and answered, ${mode}`, async () => {
          const round = await made.tool(cell.models.tools, stream);
          assert.deepEqual([round.arguments, sunny(round.text)], [ARGUMENTS, true]);
        });
        test(`output by a schema, ${mode}`, async () => assert.deepEqual(await made.json(cell.models.json, stream), PLACE));
        for (const way of ["reasoning", "stateless"].filter((way) => made[way])) {
          test(`${way} goes on after a tool, ${mode}`, async () => {
            const round = await made[way](cell.models.reasoning, stream, made);
            assert.deepEqual([round.arguments, sunny(round.text)], [ARGUMENTS, true]);
            if (cell.caller !== "chat") assert.equal(round.thought, THOUGHT);
          });
        }
        test(`failures have the SDK's own classes, ${mode}`, async () => {
          const direct = cell.way === "direct";
          for (const [asked, seen] of [[400, 400], [429, 429], [500, direct ? 500 : 502]]) {
            await assert.rejects(made.text(cell.models[`error-${asked}`], stream), (error) => {
              assert.equal(error.status ?? error.statusCode, seen, error);
              const expected = { 400: "BadRequestError", 429: "RateLimitError", 500: "InternalServerError", 502: "InternalServerError" }[seen];
              if (library === "official" && made.failure) assert.ok(error instanceof made.failure[expected], error);
              return true;
            });
          }
        });
      }
      test("a stream that breaks off is an error", async () => {
        // The AI SDK passes over what it does not know in a stream of Google's.
        for (const fate of library === "ai" && cell.caller === "google" ? [] : ["cut", "midfail"]) await assert.rejects(made.text(cell.models[fate], true), fate);
      });
    });
  }
}
