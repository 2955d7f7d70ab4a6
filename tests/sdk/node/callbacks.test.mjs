// Callbacks: the receiver of docs/callbacks.md, as it stands there, verifies real deliveries with the official library.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { ask, client, plain, script } from "./wire.mjs";

const EVENTS = ["task.progress", "task.attempt.started", "task.billing.settled", "task.completed"];
const DOCS = new URL("../../docs/callbacks.md", import.meta.url);
const RECEIVER = fileURLToPath(new URL("documented-receiver.mjs", import.meta.url));

const freePort = async () => {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  return port;
};

test("the documented receiver takes real deliveries, and nothing that is not signed", async () => {
  writeFileSync(RECEIVER, readFileSync(DOCS, "utf8").match(/^```js\n(.*?)^```/ms)[1]);
  const port = await freePort();
  const environment = { ...process.env, CALLBACK_SECRET: process.env.SDK_CALLBACK_SECRET, PORT: String(port) };
  const receiver = spawn(process.execPath, [RECEIVER], { env: environment, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const url = `http://127.0.0.1:${port}/`;
    await script("node-callbacks", plain());
    const { response } = await client()
      .chat.completions.create(ask("node-callbacks"), { headers: { "x-easyai-callback-url": url } })
      .withResponse();
    const task = response.headers.get("x-easyai-task-id");
    const told = [];
    for await (const line of createInterface({ input: receiver.stdout })) {
      if (told.push(line) === EVENTS.length) break;
    }
    assert.deepEqual(told, EVENTS.map((event, at) => `${task}_${at + 1} ${event} ${at < 2 ? "running" : "succeeded"}`));
    const headers = { "webhook-id": "task_1", "webhook-timestamp": "1795607941", "webhook-signature": "v1,AAAA" };
    assert.equal((await fetch(url, { method: "POST", headers, body: "{}" })).status, 401);
  } finally {
    receiver.kill();
    rmSync(RECEIVER);
  }
});
