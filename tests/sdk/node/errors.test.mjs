// Errors: each has the class that the SDK's users catch, its code, type and param; only what may help is asked again.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { SDK_NARROW_KEY, SDK_POOR_KEY, ask, client, error, plain, script, seen } from "./wire.mjs";

/** The error of a chat; it must name its task. */
const fails = async (kind, body, options) => {
  const failure = await client(options).chat.completions.create(body).then(() => assert.fail("it was answered"), (failure) => failure);
  assert.equal(failure.constructor, kind, String(failure));
  assert.match(failure.headers.get("x-easyai-task-id"), /^task_/);
  assert.equal(failure.requestID, failure.headers.get("x-easyai-task-id"));
  return failure;
};

const shape = ({ status, code, type, param }) => [status, code, type, param];

test("a wrong key is an authentication error", async () => {
  const failure = await fails(OpenAI.AuthenticationError, ask("node-401"), { apiKey: "sk-wrong" });
  assert.deepEqual(shape(failure), [401, "invalid_api_key", "invalid_request_error", null]);
});

test("an empty wallet is 402", async () => {
  await script("node-402", plain());
  const failure = await fails(OpenAI.APIError, ask("node-402"), { apiKey: SDK_POOR_KEY });
  assert.deepEqual(shape(failure), [402, "insufficient_balance", "insufficient_quota", null]);
  assert.deepEqual(await seen("node-402"), []);
});

test("a model that the key may not use is permission denied", async () => {
  const failure = await fails(OpenAI.PermissionDeniedError, ask("node-403"), { apiKey: SDK_NARROW_KEY });
  assert.equal(failure.code, "model_not_allowed");
});

test("an unknown model is not found", async () => {
  assert.equal((await fails(OpenAI.NotFoundError, ask("node-404", { model: "no/such-model" }))).code, "model_not_found");
});

for (const [param, wrong] of Object.entries({ messages: { messages: "Hello" }, stream: { stream: "yes" }, n: { n: 0 }, model: { model: "" } })) {
  test(`a wrong \`${param}\` is a bad request that names it`, async () => {
    const failure = await fails(OpenAI.BadRequestError, ask("node-400", wrong));
    assert.deepEqual(shape(failure), [400, "bad_request", "invalid_request_error", param]);
  });
}

test("an exhausted upstream is a rate limit error", async () => {
  await script("node-429", error(429, "slow down", { code: "rate_limit_exceeded", headers: { "retry-after": "7" } }));
  const failure = await fails(OpenAI.RateLimitError, ask("node-429", { model: "limited" }), { maxRetries: 0 });
  assert.equal(failure.code, "rate_limit");
  assert.equal(failure.headers.get("x-should-retry"), "true");
});

test("the SDK comes back after a rate limit", async () => {
  await script("node-429-again", error(429, "slow down", { headers: { "retry-after": "1" } }), plain());
  const answer = await client().chat.completions.create(ask("node-429-again", { model: "limited" }));
  assert.equal(answer.choices[0].message.content, "Hi there");
  assert.equal((await seen("node-429-again")).length, 2);
});

for (const [status, model] of [[500, "broken"], [503, "overloaded"]]) {
  test(`an upstream that answers ${status} is an internal server error, and not asked again by the SDK`, async () => {
    const name = `node-${status}`;
    await script(name, error(status, "it burns", { type: "server_error" }));
    const failure = await fails(OpenAI.InternalServerError, ask(name, { model }));
    assert.deepEqual(shape(failure), [502, "upstream_error", "server_error", null]);
    assert.equal(failure.headers.get("x-should-retry"), "false");
    assert.equal(String((await seen(name)).length), failure.headers.get("x-easyai-attempts"));
  });
}

test("the operator's credential is never the caller's 401", async () => {
  await script("node-auth", error(401, "Incorrect API key provided: the-operators-own-secret", { code: "invalid_api_key" }));
  const failure = await fails(OpenAI.InternalServerError, ask("node-auth", { model: "locked" }));
  assert.deepEqual(shape(failure).slice(0, 2), [502, "upstream_auth"]);
  assert.ok(!JSON.stringify(failure.error).includes("the-operators-own-secret"));
});
