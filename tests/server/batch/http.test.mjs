// POST /v1/batch: items in, lines out, and what becomes of it when either side is slow, wrong or gone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBot } from "../support/repartee.mjs";
import { Wire } from "../support/wire.mjs";
import { jsonLines, modelLine, numbers, startModel, until } from "./scene.mjs";

async function withServer({ delay, transport = "", listener = "", limits = "", stages = "", args = ["--workers", "1"] }, use) {
  const model = await startModel({ delay });
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0", ${listener} } }
      limits { ${limits} }
      models { ${modelLine(model)} }
      transports { http { on = "web", ${transport} } }
      pipeline { ${stages} ask { model = "main" } }`,
    args,
  }).catch((error) => {
    model.stop();
    throw error;
  });
  try {
    await use({ model, bot });
  } finally {
    const { code } = await bot.stop();
    model.stop();
    assert.equal(code, 0, bot.logText());
  }
}

const send = (bot, body, type = "application/json", init = {}) =>
  fetch(`${bot.url}/v1/batch`, { method: "POST", headers: { "Content-Type": type }, body, ...init });
const parse = (text) => text.trim().split("\n").map((line) => JSON.parse(line));
async function ask(bot, items) {
  const lines = parse(await (await send(bot, JSON.stringify({ items }))).text());
  return { last: lines.pop(), lines };
}
const texts = (count) => numbers(1, count).map((n) => `m${n}`);

test("each item has its line as soon as it is done, and the last line says that there are no more", () =>
  withServer({}, async ({ model, bot }) => {
    let open;
    const gate = new Promise((resolve) => (open = resolve));
    model.answer = (text) => (text === "slow" ? gate.then(() => "late") : `re: ${text}`);
    const items = [{ message: "slow", id: "s" }, "quick", { prompt: "also", id: 2, user: "u" }, 7, { message: "" }];
    const reader = (await send(bot, JSON.stringify({ items }))).body.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    for (let part; !(part = await reader.read()).done;) {
      text += part.value;
      if (text.split("\n").length > 4) open(); // all others have come
    }
    const lines = parse(text);
    assert.deepEqual(lines.pop(), { done: true, succeeded: 3, failed: 2 });
    assert.equal(lines.at(-1).index, 0);
    lines.sort((a, b) => a.index - b.index);
    assert.deepEqual(lines.map(({ index, id, status, reply, error }) => [index, id, status, reply ?? error.code]), [
      [0, "s", 200, "late"], [1, undefined, 200, "re: quick"], [2, 2, 200, "re: also"],
      [3, undefined, 400, "invalid_request"], [4, undefined, 400, "invalid_request"]]);
    assert.match(lines[0].request_id, /\.0$/);
    await bot.logged((line) => line.message === "a batch has ended" && line.succeeded === 3 && line.failed === 2 && line.left === 0);
  }));

test("JSON lines are taken as well", () =>
  withServer({}, async ({ bot }) => {
    const response = await send(bot, `${jsonLines(["a", { message: "b" }])}\r\n  \nnonsense\n"d"`, "application/x-ndjson; charset=utf-8");
    assert.equal(response.headers.get("content-type"), "application/x-ndjson");
    const lines = parse(await response.text());
    assert.deepEqual(lines.pop(), { done: true, succeeded: 3, failed: 1 });
    assert.deepEqual(lines.sort((a, b) => a.index - b.index).map(({ reply, error }) => reply ?? error.code),
      ["re: a", "re: b", "invalid_json", "re: d"]);
  }));

test("a body that is no batch, or too many items, is refused as a whole", () =>
  withServer({ transport: "batch_items = 3" }, async ({ model, bot }) => {
    for (const [body, status, code] of [
      ["", 400, "invalid_json"], ['{"items": ["a", "b"]', 400, "invalid_json"], ['"a"\n"b"\n', 400, "invalid_json"],
      ["[]", 400, "invalid_json"], ["{}", 400, "invalid_request"], ['{"items": {}}', 400, "invalid_request"],
      ['{"items": ["a"], "items": ["b"]}', 400, "invalid_request"],
      ['{"items": ["a","b","c","d"]}', 413, "too_large"],
    ]) {
      const response = await send(bot, body);
      assert.equal(response.status, status, body);
      assert.equal((await response.json()).error.code, code, body);
    }
    const lines = await send(bot, '"a"\n"b"\n"c"\n"d"\n', "application/jsonl");
    assert.equal(lines.status, 413);
    assert.equal(model.calls.length, 0);
    assert.deepEqual((await ask(bot, [])).last, { done: true, succeeded: 0, failed: 0 });
    assert.equal((await ask(bot, ["a", "b", "c"])).last.succeeded, 3);
  }));

test("with batch_items = 0 there is no such route", () =>
  withServer({ transport: "batch_items = 0" }, async ({ bot }) => {
    assert.equal((await send(bot, '{"items": []}')).status, 404);
  }));

test("more batches than a worker may have are refused for now", () =>
  withServer({ transport: "batches = 2" }, async ({ model, bot }) => {
    let open;
    const gate = new Promise((resolve) => (open = resolve));
    model.answer = () => gate.then(() => "ok");
    const first = [ask(bot, ["a"]), ask(bot, ["b"])];
    await until(() => model.now === 2);
    const refused = await send(bot, '{"items": ["c"]}');
    assert.deepEqual([refused.status, refused.headers.get("retry-after"), (await refused.json()).error.code], [503, "1", "overloaded"]);
    open();
    for (const { last } of await Promise.all(first)) assert.equal(last.succeeded, 1);
    assert.equal((await ask(bot, ["d"])).last.succeeded, 1);
  }));

test("as many are under way as may be; a session's one after the other", () =>
  withServer({ delay: 5, transport: "batch_concurrency = 6", args: ["--workers", "2"] }, async ({ model, bot }) => {
    model.answer = (text) => until(() => model.most >= 6).then(() => `re: ${text}`);
    const items = numbers(1, 60).map((n) => (n % 2 ? { message: `s${n}`, session: "s" } : `m${n}`));
    const { last } = await ask(bot, items);
    assert.deepEqual(last, { done: true, succeeded: 60, failed: 0 });
    assert.equal(model.most, 6);
    const row = model.calls.filter((text) => text.startsWith("s"));
    assert.deepEqual(row, numbers(1, 60).filter((n) => n % 2).map((n) => `s${n}`));
  }));

test("limits count each item; what is refused for now waits, or with batch_wait = 0 is told", async () => {
  const stages = (rate) => `ratelimit { rate = "${rate}", burst = 2, per = "user" },`;
  const items = numbers(1, 6).map((n) => ({ message: `m${n}`, user: "u" }));
  await withServer({ stages: stages("10/s") }, async ({ bot }) => assert.equal((await ask(bot, items)).last.succeeded, 6));
  await withServer({ stages: stages("2/h"), transport: 'batch_wait = "0s"' }, async ({ bot }) => {
    const { lines, last } = await ask(bot, items);
    assert.deepEqual(last, { done: true, succeeded: 2, failed: 4 });
    assert.ok(lines.some(({ status, error }) => status === 429 && error.code === "rate_limited" && error.retry_after >= 1));
  });
});

test("turns of a batch count for the bot's limit of turns", () =>
  withServer({ limits: "turns = 2", delay: 20 }, async ({ model, bot }) => {
    model.answer = (text) => until(() => model.most >= 2).then(() => `re: ${text}`);
    const { last } = await ask(bot, texts(6));
    assert.deepEqual(last, { done: true, succeeded: 6, failed: 0 });
    assert.equal(model.most, 2);
  }));

test("a client that reads slowly: little is asked ahead of it, and it gets all", () =>
  withServer({ listener: 'body = "1MiB"' }, async ({ model, bot }) => {
    model.answer = () => "x".repeat(60_000);
    const client = await Wire.connect(bot.port);
    client.socket.removeAllListeners("data").pause();
    const body = JSON.stringify({ items: texts(600) });
    await client.send(`POST /v1/batch HTTP/1.1\r\nHost: x\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    let before = -1;
    await until(async () => {
      const still = model.calls.length === before && before > 0;
      before = model.calls.length;
      await sleep(300);
      return still;
    });
    assert.ok(before < 300, `${before} were asked`);
    let tail = "";
    client.socket.on("data", (data) => (tail = (tail + data.toString("latin1")).slice(-100)));
    client.socket.resume();
    await until(() => tail.includes('{"done":true,"succeeded":600,"failed":0}'), 120_000);
    client.socket.destroy();
  }));

test("a client that leaves: what is under way ends, nothing more is begun", () =>
  withServer({}, async ({ model, bot }) => {
    model.answer = (text) => (text === "m1" ? "ok" : new Promise(() => {}));
    const leaving = new AbortController();
    const response = await send(bot, JSON.stringify({ items: texts(500) }), undefined, { signal: leaving.signal });
    await response.body.getReader().read();
    await until(() => model.now === 8);
    leaving.abort();
    await until(() => model.now === 0);
    assert.deepEqual([model.calls.length, model.left], [9, 8]);
    await sleep(200);
    assert.equal(model.calls.length, 9);
    model.answer = () => "ok";
    assert.equal((await ask(bot, ["still there"])).last.succeeded, 1);
  }));

test("a shutdown: what is under way is finished, the last line says how many are left", () =>
  withServer({ delay: 100 }, async ({ model, bot }) => {
    const response = await send(bot, JSON.stringify({ items: texts(200) }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value;
    const stopped = bot.stop();
    for (let part; !(part = await reader.read()).done;) text += part.value;
    const lines = parse(text);
    const { done, succeeded, failed, left, error } = lines.pop();
    assert.deepEqual([done, failed, error.code], [false, 0, "shutting_down"]);
    assert.equal(succeeded, lines.length);
    assert.equal(succeeded + left, 200);
    assert.equal(model.calls.length, succeeded);
    assert.equal((await stopped).code, 0);
  }));

test("a shutdown that will not wait: what it breaks off has no line", () =>
  withServer({ limits: 'drain = "500ms"' }, async ({ model, bot }) => {
    model.answer = (text) => (text === "m1" ? "ok" : new Promise(() => {}));
    const response = await send(bot, JSON.stringify({ items: texts(20) }));
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = (await reader.read()).value;
    const stopped = bot.stop();
    for (let part; !(part = await reader.read()).done;) text += part.value;
    assert.deepEqual(parse(text).map(({ index, done, left }) => [index, done, left]), [[0, undefined, undefined], [undefined, false, 19]]);
    assert.equal((await stopped).code, 0);
  }));

test("a reload in the middle changes nothing for a batch that has begun", () =>
  withServer({ delay: 20 }, async ({ model, bot }) => {
    const asking = ask(bot, texts(150));
    await until(() => model.calls.length > 20);
    process.kill(bot.pid, "SIGHUP");
    await bot.logged(({ message }) => /generation 2/.test(message ?? ""));
    const { last, lines } = await asking;
    assert.deepEqual(last, { done: true, succeeded: 150, failed: 0 });
    assert.equal(new Set(lines.map(({ index }) => index)).size, 150);
  }));

test("explanations are for those who may see them", async () => {
  await withServer({}, async ({ bot }) => {
    const { lines } = await ask(bot, [{ message: "a", explain: true }]);
    assert.equal(lines[0].error.code, "forbidden");
  });
  await withServer({ transport: 'explain = "local"' }, async ({ bot }) => {
    const { lines } = await ask(bot, [{ message: "a", explain: true }]);
    assert.ok(lines[0].explain.stages.length);
  });
});
