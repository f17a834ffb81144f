// POST /v1/batch?bulk: a server's clients may wait for the provider's batch endpoint too.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBot } from "../support/repartee.mjs";
import { startProvider } from "./provider.mjs";
import { KEY, modelLine } from "./run.mjs";

let provider, bot;
const start = async (options = `batch_bulk = "1h"`) => {
  bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = ${modelLine(provider)} }
      transports { http { on = "web", ${options} } }
      pipeline { ask { model = "main" } }`,
    env: { MODEL_KEY: KEY },
    args: ["--workers", "1"],
  });
};
beforeEach(async () => (provider = await startProvider("openai")));
afterEach(async () => {
  assert.deepEqual(await bot.stop(), { code: 0, signal: null });
  await provider.stop();
});

const post = (query, items, init) =>
  fetch(`${bot.url}/v1/batch${query}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ items }),
    ...init,
  });
const linesOf = async (response) => (await response.text()).trimEnd().split("\n").map((line) => JSON.parse(line));
const until = async (step) => {
  for (let i = 0; i < 1000 && provider.only(step).length === 0; i++) await sleep(10);
  assert.ok(provider.only(step).length > 0, step);
};

test("the items of a request are one batch at the provider", async () => {
  await start();
  const items = Array.from({ length: 40 }, (_, i) => `message ${i}`);
  const lines = await linesOf(await post("?bulk", items));
  assert.deepEqual(lines.pop(), { done: true, succeeded: 40, failed: 0 });
  const replies = lines.toSorted((a, b) => a.index - b.index).map(({ reply }) => reply);
  assert.deepEqual(replies, items.map((item) => `echo: ${item}`));
  assert.equal(provider.batches.length, 1);
});

test("a response without news is not cut off, and others are served meanwhile", async () => {
  await start();
  provider.polls = 1e9;
  const response = post("?bulk=true", ["one"]).then(linesOf);
  await until("poll");
  const chat = await fetch(`${bot.url}/v1/chat`, { method: "POST", headers: { "Content-Type": "application/json" }, body: '{"message":"hi"}' });
  assert.equal((await chat.json()).reply, "echo: hi");
  assert.equal(provider.only("single").length, 1);
  await sleep(1500);
  provider.polls = 1;
  assert.equal((await response)[0].reply, "echo: one");
});

test("without bulk in the query each item is asked by itself", async () => {
  await start();
  assert.equal((await linesOf(await post("", ["one", "two"]))).length, 3);
  assert.equal(provider.only("single").length, 2);
  assert.equal(provider.batches.length, 0);
});

test("a batch that no client waits for any more is cancelled at the provider", async () => {
  await start();
  provider.polls = 1e9;
  const controller = new AbortController();
  const response = post("?bulk", ["one", "two"], { signal: controller.signal }).then(linesOf);
  await until("poll");
  controller.abort();
  await assert.rejects(response);
  await until("cancel");
});

test("where it is not allowed it is refused", async () => {
  await start("");
  const response = await post("?bulk", ["one"]);
  assert.equal(response.status, 400);
  assert.equal((await response.json()).error.code, "invalid_request");
});

test("an item has the time that the transport gives it", async () => {
  await start(`batch_bulk = "300ms"`);
  provider.polls = 1e9;
  const [item] = await linesOf(await post("?bulk", ["one"]));
  assert.equal(item.error.code, "deadline_exceeded");
});
