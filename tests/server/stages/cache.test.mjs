// The cache over HTTP: a crowd makes one call, streams are played back, a reload keeps what is known, and a Redis that dies
// is noticed and costs no turn.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// A model that says "one two three four" word by word, `wordMs` apart, and counts who asks.
const model = { calls: 0, left: 0, wordMs: 20, say: "one two three four" };
const upstream = createServer(async (request, response) => {
  for await (const _ of request);
  model.calls++;
  response.on("close", () => {
    if (!response.writableFinished) model.left++;
  });
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const word of model.say.split(/(?<= )/)) {
    await pause(model.wordMs);
    response.write(`data: ${JSON.stringify({ choices: [{ delta: { content: word } }] })}\n\n`);
  }
  response.write(`data: ${JSON.stringify({ choices: [{ delta: {}, finish_reason: "stop" }], usage: { prompt_tokens: 9, completion_tokens: 4 } })}\n\n`);
  response.end("data: [DONE]\n\n");
});

let folder, redis;
const socket = () => join(folder, "redis.sock");

async function startRedis() {
  redis = spawn("redis-server", ["--port", "0", "--unixsocket", socket(), "--save", "", "--dir", folder], { stdio: "ignore" });
  redis.ended = new Promise((resolve) => redis.on("close", resolve));
  for (let i = 0; i < 500 && !(await stat(socket()).catch(() => null)); i++) await pause(20);
}

async function killRedis() {
  redis.kill("SIGKILL");
  await redis.ended;
  await rm(socket(), { force: true });
}

const botFile = (cache, name = "m") => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  models { main = openai { base_url = "http://127.0.0.1:${upstream.address().port}/v1", model = "${name}" } }
  stores { memory = memory {}, shared = redis { url = "redis+unix://${socket()}", prefix = "${name}:" } }
  transports { http { on = "web" }, ops { on = "web" } }
  pipeline { cache { ${cache} }, ask { model = "main" } }`;

const start = (cache) => startBot({ bot: botFile(cache), args: ["--workers", "2"] });

const post = (bot, body, init) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
    ...init,
  });

async function ask(bot, message) {
  const response = await post(bot, { message });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
}

async function stream(bot, message) {
  const events = parseEvents(await (await post(bot, { message, stream: true })).text());
  const deltas = events.filter(({ event }) => event === "delta").map(({ data }) => data.text);
  return { deltas, text: deltas.join(""), done: events.at(-1).data };
}

async function metric(bot, line) {
  const text = await (await fetch(`${bot.url}/metrics`)).text();
  return Number(text.split("\n").find((each) => each.startsWith(line))?.split(" ").pop() ?? 0);
}

async function withBot(cache, use) {
  const bot = await start(cache);
  Object.assign(model, { calls: 0, left: 0, wordMs: 20, say: "one two three four" });
  try {
    await use(bot);
  } finally {
    assert.equal((await bot.stop()).code, 0, bot.logText());
  }
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repartee-cache-"));
  await new Promise((resolve) => upstream.listen(0, "127.0.0.1", resolve));
  await startRedis();
});
after(async () => {
  await killRedis();
  upstream.close();
  await rm(folder, { recursive: true, force: true });
});

test("a thousand identical questions at once make one call", () =>
  withBot("", async (bot) => {
    model.wordMs = 400; // so that many come while it is under way
    const answers = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => (i % 2 ? ask(bot, "What is it?").then(({ reply, by }) => ({ text: reply, by })) : stream(bot, "what  IS it?").then(({ text, done }) => ({ text, by: done.by })))),
    );
    assert.equal(model.calls, 1);
    for (const { text } of answers) assert.equal(text, "one two three four");
    assert.equal(answers.filter(({ by }) => by === "model:main").length, 1);
    assert.equal(answers.filter(({ by }) => by === "cache").length, 999);
    assert.equal(await metric(bot, "repartee_cache_misses_total"), 1);
    assert.ok((await metric(bot, "repartee_cache_joined_total")) > 0);
  }));

test("an answer is given again, streamed or not, and costs nothing", () =>
  withBot("", async (bot) => {
    const first = await stream(bot, "Again?");
    assert.equal(first.deltas.length, 4);
    assert.deepEqual(first.done.usage, { input_tokens: 9, output_tokens: 4 });
    for (const again of [await ask(bot, "again?"), (await stream(bot, "again?")).done]) {
      assert.equal(again.reply, "one two three four");
      assert.equal(again.by, "cache");
      assert.equal(again.finish, "stop");
      assert.deepEqual(again.usage, { input_tokens: 0, output_tokens: 0 });
    }
    assert.equal(model.calls, 1);
  }));

test("the first may leave in the middle, and the last who leaves ends the call", () =>
  withBot("", async (bot) => {
    model.wordMs = 150;
    const leaving = new AbortController();
    const first = await post(bot, { message: "Leave?", stream: true }, { signal: leaving.signal });
    await first.body.getReader().read();
    const second = stream(bot, "leave?");
    await pause(50);
    leaving.abort();
    assert.equal((await second).text, "one two three four");
    assert.equal(model.calls, 1);
    assert.equal(model.left, 0);

    const alone = new AbortController();
    const third = await post(bot, { message: "Alone?", stream: true }, { signal: alone.signal });
    await third.body.getReader().read();
    alone.abort();
    for (let i = 0; i < 100 && !model.left; i++) await pause(10);
    assert.equal(model.left, 1);
    assert.equal((await ask(bot, "alone?")).by, "model:main");
  }));

test("a reload keeps the answers, unless what makes them has changed", () =>
  withBot("", async (bot) => {
    await ask(bot, "Reload?");
    const file = join(bot.folder, "bot.lua");
    const reload = async (text, number) => {
      await writeFile(file, text);
      process.kill(bot.pid, "SIGHUP");
      await bot.logged((line) => line.message?.startsWith(`generation ${number} serves`));
    };
    await reload(`-- a comment\n${await readFile(file, "utf8")}`, 2);
    assert.equal((await ask(bot, "reload?")).by, "cache");
    await reload(botFile("", "other"), 3);
    assert.equal((await ask(bot, "reload?")).by, "model:main");
    assert.equal(model.calls, 2);
  }));

test("another process finds the answer in the store; a Redis that dies is noticed and costs no turn", async () => {
  const cache = 'store = "shared", ttl = "1h"';
  await withBot(cache, async (bot) => {
    assert.equal((await ask(bot, "Shared?")).by, "model:main");
    for (let i = 0; i < 100 && (await metric(bot, "repartee_cache_stored_total")) < 1; i++) await pause(10);
  });
  await withBot(cache, async (bot) => {
    assert.equal((await ask(bot, "shared?")).by, "cache");
    assert.equal(model.calls, 0);
    assert.equal(await metric(bot, 'repartee_cache_hits_total{stage="cache",from="store"}'), 1);
    await killRedis();
    assert.equal((await ask(bot, "shared?")).by, "cache");
    assert.equal((await ask(bot, "Without?")).by, "model:main");
    assert.equal((await ask(bot, "without?")).by, "cache");
    await bot.logged((line) => line.message?.includes("the store 'shared' fails"));
    assert.ok((await metric(bot, "repartee_cache_store_errors_total")) >= 1);
    await startRedis();
    await bot.logged((line) => line.message?.includes("can be reached again"));
  });
});
