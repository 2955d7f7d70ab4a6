// Tasks and wallet: what the SDK's user paid can be read afterwards.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SDK_FRESH_KEY, api, ask, client, plain, script, spoken, stream } from "./wire.mjs";

// 1,000 input tokens and 200 output tokens at 2.5 and 10 for a million, times 1.5: see ../stage.py.
const CHARGE = "0.00675";

test("a charge is price times usage, plain and streamed", async () => {
  const usage = [1000, 200];
  await script("node-charge", plain({}, { usage }));
  const { response } = await client().chat.completions.create(ask("node-charge")).withResponse();
  assert.equal(response.headers.get("x-easyai-charge"), CHARGE);
  await script("node-charge-stream", stream(spoken("a"), { usage }));
  const streamed = await client().chat.completions.create(ask("node-charge-stream", { stream: true })).withResponse();
  for await (const part of streamed.data) assert.ok(part.choices.length);
  for (const each of [response, streamed.response]) {
    const task = await api(`/tasks/${each.headers.get("x-easyai-task-id")}`);
    assert.deepEqual([task.status, task.charge, task.currency, task.attempts], ["succeeded", CHARGE, "USD", 1]);
  }
});

test("tasks are listed page by page, and the wallet has paid for them", async () => {
  await script("node-pages", plain({}, { usage: [1000, 200] }));
  const made = [];
  for (let at = 0; at < 5; at++) {
    const { response } = await client({ apiKey: SDK_FRESH_KEY }).chat.completions.create(ask("node-pages")).withResponse();
    made.unshift(response.headers.get("x-easyai-task-id"));
  }
  const listed = [];
  let cursor = "";
  while (cursor !== null) {
    const page = await api(`/tasks?limit=2${cursor && `&cursor=${cursor}`}`, SDK_FRESH_KEY);
    listed.push(...page.data.map((task) => task.id));
    cursor = page.next_cursor;
  }
  assert.deepEqual(listed, made);
  const wallet = await api("/wallet", SDK_FRESH_KEY);
  assert.deepEqual([wallet.balance, wallet.held, wallet.currency], ["0.96625", "0", "USD"]);
});
