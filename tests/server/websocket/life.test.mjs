// How connections live and end: keep-alive, idle limit, slow readers, shutting down.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { openClient, scriptedBot } from "./client.mjs";
import { CLOSE, PING, TEXT, frame, rawConnect } from "./raw.mjs";

async function withBot(bot, run) {
  const running = await startBot({ bot, args: ["--workers", "1"] });
  try {
    await run(running);
  } finally {
    assert.deepEqual(await running.stop(), { code: 0, signal: null });
  }
}

const message = (text, more = {}) => JSON.stringify({ type: "message", text, ...more });

test("a client that answers no ping is dropped, one that does stays", () =>
  withBot(scriptedBot(["Hello."], { websocket: `ping = "100ms", pong = "300ms"` }), async (bot) => {
    const polite = await openClient(bot);
    const dead = await rawConnect(bot.port);
    assert.equal((await dead.frame()).opcode, PING);
    await dead.closed;
    assert.equal((await polite.ask("hi")).text, "Hello.");
    await polite.end();
  }));

test("a connection without messages is closed with 1000, whatever else it sends", () =>
  withBot(scriptedBot(["Hello."], { websocket: `idle = "400ms"` }), async (bot) => {
    const raw = await rawConnect(bot.port);
    const pinging = setInterval(() => raw.send(frame(PING)), 50);
    let next;
    do next = await raw.frame();
    while (next && next.opcode !== CLOSE);
    clearInterval(pinging);
    assert.equal(next.code, 1000);
    raw.send(frame(CLOSE, next.payload.subarray(0, 2)));
    assert.equal(await raw.frame(), undefined);
  }));

test("a turn that takes longer than the idle limit is not idle", () =>
  withBot(scriptedBot(["a|b|c|d|e|f"], { delay: 100, websocket: `idle = "200ms"` }), async (bot) => {
    const client = await openClient(bot);
    assert.equal((await client.ask("hi")).text, "abcdef");
    assert.equal((await client.closed).code, 1000);
  }));

test("a client that does not answer our close is left behind", () =>
  withBot(scriptedBot(["Hello."], { websocket: `idle = "100ms", close = "200ms"` }), async (bot) => {
    const raw = await rawConnect(bot.port);
    assert.equal((await raw.frame()).code, 1000);
    assert.equal(await raw.frame(), undefined);
  }));

test("a slow reader holds its turn back, gets every byte, and holds up nobody", () => {
  const [pieces, size] = [700, 16384];
  const reply = `((("0123456789abcdef"):rep(${size / 16}) .. "|"):rep(${pieces}))`;
  const text = scriptedBot(["LONG"], { extra: `limits { reply = "64MiB" }` }).replace('"LONG"', reply);
  return withBot(text, async (bot) => {
    const slow = await rawConnect(bot.port);
    slow.socket.pause();
    slow.send(frame(TEXT, message("hi", { id: "slow-1" })));
    await new Promise((resolve) => setTimeout(resolve, 700));
    assert.ok(!bot.log().some((line) => line.request_id === "slow-1"), "the turn ran ahead of its reader");
    const other = await openClient(bot);
    other.send({ type: "ping" });
    assert.deepEqual(await other.next(), { type: "pong" });
    await other.end();
    slow.socket.resume();
    let length = 0, end;
    do {
      end = await slow.json();
      if (end.type === "delta") length += end.text.length;
    } while (end.type === "delta");
    assert.equal(end.type, "reply");
    assert.equal(length, pieces * size);
    assert.equal(end.reply.length, length);
    slow.socket.destroy();
  });
});

test("on SIGTERM idle connections close with 1001 and running turns are finished first", async () => {
  const bot = await startBot({ bot: scriptedBot(["a|b|c|d|e|f"], { delay: 100 }), args: ["--workers", "2"] });
  const [idle, busy] = [await openClient(bot), await openClient(bot)];
  busy.send({ type: "message", text: "hi" });
  busy.send({ type: "message", text: "waiting", id: "w1" });
  assert.equal((await busy.next()).text, "a");
  const stopping = bot.stop();
  assert.equal((await idle.closed).code, 1001);
  const frames = [];
  for (let next = await busy.next(); next; next = await busy.next()) frames.push(next);
  assert.ok(frames.some((next) => next.type === "reply" && next.reply === "abcdef"));
  assert.ok(frames.some((next) => next.error?.code === "shutting_down" && next.error.request_id === "w1"));
  assert.equal((await busy.closed).code, 1001);
  assert.deepEqual(await stopping, { code: 0, signal: null });
});

test("many connections that come and go leave nothing behind", () =>
  withBot(scriptedBot(["Hello."]), async (bot) => {
    for (let round = 0; round < 5; round++) {
      const clients = await Promise.all(Array.from({ length: 40 }, () => openClient(bot)));
      const replies = await Promise.all(clients.map((client) => client.ask("hi")));
      assert.ok(replies.every((reply) => reply.text === "Hello."));
      await Promise.all(clients.map((client, i) => (i % 2 ? client.end() : client.socket.terminate())));
    }
  }));
