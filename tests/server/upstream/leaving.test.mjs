// A client that leaves, a client that reads slowly, and a server that is stopped while models are asked.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { faults, retryAfter } from "./faulty.mjs";
import { startScene } from "./scene.mjs";
import { streamHead, wires } from "./wires.mjs";

let scene;
before(async () => (scene = await startScene()));
after(() => scene?.stop());
beforeEach(() => (scene.upstream.requests.length = 0));

async function until(condition, ms = 20_000) {
  for (const end = performance.now() + ms; !condition(); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
}

for (const [when, fault] of [
  ["before the first byte", faults.hang],
  ["in the middle of the stream", faults.withoutEnd],
]) {
  test(`a client that leaves ${when} ends the upstream call`, async () => {
    scene.upstream.play(fault);
    const leaving = new AbortController();
    const response = scene.post(true, { signal: leaving.signal }).catch(() => null);
    await until(() => scene.upstream.requests.length === 1);
    await sleep(50);
    assert.equal(scene.upstream.requests[0].open, true);
    leaving.abort();
    await response;
    await until(() => scene.upstream.requests[0].open === false);
  });
}

test("a client that leaves while an attempt is waited for causes no further one", async () => {
  scene.upstream.play(retryAfter({ "retry-after-ms": "1500" }));
  const leaving = new AbortController();
  const response = scene.post(true, { signal: leaving.signal }).catch(() => null);
  await until(() => scene.upstream.requests.length === 1);
  await sleep(50);
  leaving.abort();
  await response;
  await sleep(2000);
  assert.equal(scene.upstream.requests.length, 1);
});

test("a client that reads slowly holds the upstream back, not the server's memory", async () => {
  const text = "x".repeat(1000);
  const delta = `data: {"choices":[{"index":0,"delta":{"content":"${text}"},"finish_reason":null}]}\n\n`;
  const chunk = `${delta.length.toString(16)}\r\n${delta}\r\n`;
  let written = 0;
  let closed = false;
  scene.upstream.play((socket) => {
    socket.write(streamHead(wires.openai));
    socket.on("close", () => (closed = true));
    const more = () => {
      while (!closed && written < 60_000) {
        written++;
        if (!socket.write(chunk)) return socket.once("drain", more);
      }
    };
    more();
  });
  const client = net.connect(scene.bot.port, "127.0.0.1");
  const body = JSON.stringify({ message: "hello", stream: true });
  client.write(`POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  client.pause(); // reads nothing
  await until(() => written > 0);
  for (let last = -1; last !== written; await sleep(800)) last = written; // until it stands still
  assert.ok(written < 20_000, `${written} kB were taken from the upstream`);
  client.destroy();
  await until(() => closed);
});

test("a server that is stopped lets a reply under way come to its end", async () => {
  const other = await startScene();
  let go;
  other.upstream.play(async (socket, request) => {
    await new Promise((resolve) => (go = resolve));
    faults.good(socket, request);
  });
  const reply = other.ask(false);
  await until(() => other.upstream.requests.length === 1);
  const ended = other.bot.stop();
  await sleep(100);
  go();
  assert.equal((await reply).done.reply, "Hello, world");
  assert.deepEqual(await ended, { code: 0, signal: null });
  await other.stop();
});
