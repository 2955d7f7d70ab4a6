// Images, videos and sound with OpenAI's SDK for Node, at every provider: see ../media_matrix.py and ../mocks/media.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createWriteStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { after, test } from "node:test";

import OpenAI, { toFile } from "openai";

const { SDK_GATEWAY, SDK_MEDIA_MOCKS, SDK_KEY, SDK_MEDIA_INPUTS, SDK_SECRET } = process.env;
// Straight to OpenAI's mock, which proves these tests, or through the gateway.
const PLACES = SDK_GATEWAY ? ["openai", "gemini", "volces", "simulation"] : ["direct"];
const UPSTREAM = { image: "gpt-image-1.5", video: "sora-2", speech: "gpt-4o-mini-tts", transcribe: "gpt-4o-transcribe", whisper: "whisper-1" };
const folder = mkdtempSync(join(tmpdir(), "easyai-media-"));
after(() => rmSync(folder, { recursive: true }));

const client = (place) =>
  new OpenAI(
    place === "direct"
      ? { baseURL: `${SDK_MEDIA_MOCKS}/openai/v1`, apiKey: SDK_SECRET, maxRetries: 0 }
      : { baseURL: `${SDK_GATEWAY}/v1`, apiKey: SDK_KEY, maxRetries: 0, timeout: 60_000 },
  );
const model = (place, what) => (place === "direct" ? UPSTREAM[what] : `${place}/${what}`);
const is = (place, ...providers) => providers.includes(place === "direct" ? "openai" : place);
const input = (name) => readFileSync(join(SDK_MEDIA_INPUTS, name));
const image = (name) => toFile(input(name), name, { type: `image/${name.split(".")[1]}` });
const bytes = async (made) => (made.b64_json ? Buffer.from(made.b64_json, "base64") : Buffer.from(await (await fetch(made.url)).arrayBuffer()));
const seen = async (marker) => (await fetch(`${SDK_MEDIA_MOCKS}/seen/${marker}`)).json();

/** What ffprobe finds in a file: the codec of each stream. */
const codecs = (data, name) => {
  writeFileSync(join(folder, name), data);
  const told = execFileSync("ffprobe", ["-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", join(folder, name)]);
  return told.toString().trim().split("\n");
};

const each = (title, run, ...providers) => {
  for (const place of PLACES) if (!providers.length || is(place, ...providers)) test(`${title}: ${place}`, () => run(place, client(place), `node-${title.replaceAll(" ", "-")}-${place}.`));
};

each("an image is made as base64", async (place, openai, marker) => {
  const answer = await openai.images.generate({ model: model(place, "image"), prompt: `A lighthouse. ${marker}`, size: "1024x1536", ...(place !== "direct" && { response_format: "b64_json" }) });
  assert.equal(answer.data.length, 1);
  assert.match(codecs(Buffer.from(answer.data[0].b64_json, "base64"), `${place}.image`)[0], /^(png|mjpeg|webp)$/);
});

each("an image is given as a URL", async (place, openai, marker) => {
  if (place === "direct") return;
  const answer = await openai.images.generate({ model: model(place, "image"), prompt: `A lighthouse. ${marker}`, response_format: "url" });
  assert.ok(answer.data[0].url.startsWith(SDK_GATEWAY));
  const got = await fetch(answer.data[0].url);
  assert.equal(got.status, 200);
  assert.match(got.headers.get("content-type"), /^image\//);
});

each("an image is streamed", async (place, openai, marker) => {
  const types = [];
  const stream = await openai.images.generate({ model: model(place, "image"), prompt: `A lighthouse. ${marker}`, stream: true, partial_images: 2 });
  for await (const event of stream) {
    types.push(event.type);
    assert.ok(event.b64_json.length > 100);
  }
  assert.equal(types.pop(), "image_generation.completed");
  assert.ok(types.every((type) => type === "image_generation.partial_image"));
  if (is(place, "openai")) assert.equal(types.length, 2);
});

each(
  "two images and a mask are edited",
  async (place, openai, marker) => {
    const given = [await image("first.png"), await image("second.png")];
    const answer = await openai.images.edit({ model: model(place, "image"), image: given, mask: await image("mask.png"), prompt: `A roof. ${marker}` });
    assert.ok((await bytes(answer.data[0])).length > 100);
    if (place === "simulation") return;
    const [call] = await seen(marker);
    assert.equal(call.heard.mask, true);
    assert.equal(call.heard.images.length, 2);
  },
  "openai",
  "simulation",
);

each(
  "a mask is refused where nobody can use it",
  async (place, openai, marker) => {
    const asked = openai.images.edit({ model: model(place, "image"), image: await image("first.png"), mask: await image("mask.png"), prompt: `A roof. ${marker}` });
    await assert.rejects(asked, (failure) => failure.status === 400 && /mask/.test(failure.param ?? failure.message));
    assert.deepEqual(await seen(marker), []);
  },
  "gemini",
  "volces",
);

each("a video is made and loaded down", async (place, openai, marker) => {
  let video = await openai.videos.create({ model: model(place, "video"), prompt: `Waves. ${marker}`, seconds: "4", size: "1280x720", input_reference: await image("frame.png") });
  assert.equal(video.object, "video");
  let progress = 0;
  while (["queued", "in_progress"].includes(video.status)) {
    assert.ok(video.progress >= progress);
    ({ progress } = video);
    await new Promise((done) => setTimeout(done, 150));
    video = await openai.videos.retrieve(video.id);
  }
  assert.deepEqual([video.status, video.progress, video.error], ["completed", 100, null]);
  const content = await openai.videos.downloadContent(video.id);
  await pipeline(Readable.fromWeb(content.body), createWriteStream(join(folder, "video.mp4")));
  assert.ok(codecs(readFileSync(join(folder, "video.mp4")), `${place}.mp4`).includes("h264") || place === "simulation");
  assert.ok((await openai.videos.list({ limit: 5 })).data.some((each) => each.id === video.id));
  assert.deepEqual(await openai.videos.delete(video.id), { id: video.id, object: "video.deleted", deleted: true });
  await assert.rejects(openai.videos.retrieve(video.id), OpenAI.NotFoundError);
  if (place !== "simulation") assert.equal((await (await fetch(`${SDK_MEDIA_MOCKS}/jobs/${marker}`)).json()).length, 1);
});

each("a video that fails says why", async (place, openai, marker) => {
  if (place === "simulation") return;
  let video = await openai.videos.create({ model: model(place, "video"), prompt: `${marker} mock:fail`, seconds: "4", size: "1280x720" });
  while (["queued", "in_progress"].includes(video.status)) {
    await new Promise((done) => setTimeout(done, 150));
    video = await openai.videos.retrieve(video.id);
  }
  assert.equal(video.status, "failed");
  assert.ok(video.error.code && video.error.message);
});

each("speech is streamed to a file", async (place, openai, marker) => {
  const answer = await openai.audio.speech.create({ model: model(place, "speech"), voice: "alloy", input: `Hello. ${marker}`, response_format: "wav" });
  const path = join(folder, `${place}.wav`);
  await pipeline(Readable.fromWeb(answer.body), createWriteStream(path));
  assert.deepEqual(codecs(readFileSync(path), `${place}-again.wav`), ["pcm_s16le"]);
});

each("sound is written down", async (place, openai) => {
  const file = () => toFile(input("speech.wav"), "speech.wav", { type: "audio/wav" });
  const answer = await openai.audio.transcriptions.create({ model: model(place, "transcribe"), file: await file() });
  assert.ok(answer.text);
  const text = await openai.audio.transcriptions.create({ model: model(place, "transcribe"), file: await file(), response_format: "text" });
  assert.equal(typeof text, "string");
});

each(
  "sound is written down as subtitles",
  async (place, openai) => {
    const file = await toFile(input("speech.wav"), "speech.wav", { type: "audio/wav" });
    const text = await openai.audio.transcriptions.create({ model: model(place, is(place, "openai") ? "whisper" : "transcribe"), file, response_format: "srt" });
    assert.match(text, /^1\n00:00:00,000 --> /);
  },
  "openai",
  "volces",
);

each(
  "a transcript is streamed",
  async (place, openai) => {
    const file = await toFile(input("speech.wav"), "speech.wav", { type: "audio/wav" });
    let said = "";
    let last;
    for await (const event of await openai.audio.transcriptions.create({ model: model(place, "transcribe"), file, stream: true })) {
      if (event.type === "transcript.text.delta") said += event.delta;
      last = event;
    }
    assert.equal(last.type, "transcript.text.done");
    assert.equal(last.text, said);
  },
  "openai",
);

each("a wrong size is refused by name", async (place, openai, marker) => {
  const asked = openai.images.generate({ model: model(place, "image"), prompt: `A lighthouse. ${marker}`, size: "large" });
  await assert.rejects(asked, (failure) => failure instanceof OpenAI.BadRequestError && /size/.test(failure.param ?? failure.message));
  if (place !== "direct") assert.deepEqual(await seen(marker), []);
});
