// Answers of an upstream as they are on the wire, and the way to script them: see ../upstream.py.

import OpenAI from "openai";

export const { SDK_GATEWAY, SDK_DRIP, SDK_UPSTREAM, SDK_KEY, SDK_POOR_KEY, SDK_FRESH_KEY, SDK_NARROW_KEY } = process.env;

export const client = (options = {}) => new OpenAI({ baseURL: `${SDK_GATEWAY}/v1`, apiKey: SDK_KEY, timeout: 20_000, ...options });

export const script = async (name, ...answers) => {
  const response = await fetch(`${SDK_UPSTREAM}/script/${name}`, { method: "PUT", body: JSON.stringify(answers) });
  if (!response.ok) throw new Error(`the upstream did not take the script: ${response.status}`);
};

/** The request bodies that the upstream got under `name`, as text. */
export const seen = async (name) => (await (await fetch(`${SDK_UPSTREAM}/seen/${name}`)).json()).bodies;

/** What every chat of a test has; `name` finds its script. */
export const ask = (name, more = {}) => ({ model: "chat", messages: [{ role: "user", content: "Hello" }], user: name, ...more });

export const api = async (path, key = SDK_KEY) => (await fetch(`${SDK_GATEWAY}/api/v1${path}`, { headers: { authorization: `Bearer ${key}` } })).json();

const frame = { id: "chatcmpl-1", created: 1_760_000_000, model: "chat" };

const counted = ([prompt, completion]) => ({ prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion });

export const plain = (message = {}, { usage = [9, 3], choices, ...more } = {}) => ({
  body: JSON.stringify({
    ...frame,
    object: "chat.completion",
    choices: choices ?? [
      { index: 0, message: { role: "assistant", content: "Hi there", ...message }, logprobs: null, finish_reason: message.tool_calls ? "tool_calls" : "stop" },
    ],
    usage: counted(usage),
    ...more,
  }),
});

export const choice = (delta, finish_reason = null, index = 0, more = {}) => ({ index, delta, logprobs: null, finish_reason, ...more });

export const chunk = (choices, more = {}) => ({ ...frame, object: "chat.completion.chunk", choices, ...more });

export const stream = (chunks, { usage = [9, 3], done = true, ...more } = {}) => {
  const events = chunks.map((each) => JSON.stringify(each));
  if (usage) events.push(JSON.stringify(chunk([], { usage: counted(usage) })));
  if (done) events.push("[DONE]");
  return { headers: { "content-type": "text/event-stream" }, body: events.map((event) => `data: ${event}\n\n`).join(""), ...more };
};

/** A whole answer of text: role, a chunk for each word, finish. */
export const spoken = (...words) => [
  chunk([choice({ role: "assistant", content: "" })]),
  ...words.map((content) => chunk([choice({ content })])),
  chunk([choice({}, "stop")]),
];

export const error = (status, message, { headers = {}, ...more } = {}) => ({ status, headers, body: JSON.stringify({ error: { message, ...more } }) });
