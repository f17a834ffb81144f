// The life of a turn over HTTP: failures, draining, clients that leave or do not read.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { Wire, chatRequest, parseEvents } from "../support/wire.mjs";

const makeBot = (model, listener = "") =>
  startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0", ${listener} } }
      models { main = scripted { ${model} } }
      transports { http { on = "web" } }
      pipeline { ask { model = "main" } }`,
    args: ["--workers", "1"],
  });

async function withBot(model, listener, use) {
  const bot = await makeBot(model, listener);
  try {
    await use(bot);
  } finally {
    const { code } = await bot.stop();
    assert.equal(code, 0, bot.logText());
  }
}

const post = (bot, body) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

test("a failure before the first word is an error with its status", () =>
  withBot('replies = { "!upstream_timeout" }', "", async (bot) => {
    for (const stream of [false, true]) {
      const response = await post(bot, { message: "a", stream });
      assert.equal(response.status, 504);
      assert.equal(response.headers.get("content-type"), "application/json");
      assert.equal((await response.json()).error.code, "upstream_timeout");
    }
  }));

test("a failure in the middle of a stream is an event that says so", () =>
  withBot('replies = { "half of |it|!upstream_truncated" }', "", async (bot) => {
    const response = await post(bot, { message: "a", stream: true });
    assert.equal(response.status, 200);
    const events = parseEvents(await response.text());
    const last = events.pop();
    assert.equal(last.event, "error");
    assert.equal(last.data.error.code, "upstream_truncated");
    assert.equal(last.data.error.request_id, response.headers.get("x-request-id"));
    assert.equal(events.map(({ data }) => data.text).join(""), "half of it");
    assert.equal((await post(bot, { message: "a" })).status, 502);
  }));

test("chunks that come later are sent as they come", () =>
  withBot('replies = { "a|b|c" }, delay = "150ms"', "", async (bot) => {
    const client = await Wire.connect(bot.port);
    await client.send(chatRequest("go", { stream: true }));
    await client.until(() => client.text.includes('{"text":"a"}'));
    assert.ok(!client.text.includes('{"text":"c"}'));
    const response = await client.response();
    assert.deepEqual(parseEvents(response.body).map(({ event }) => event), ["delta", "delta", "delta", "done"]);
    client.close();
  }));

test("at SIGTERM turns in flight are finished, new ones are not begun", () =>
  withBot('replies = { "late" }, first = "700ms"', "", async (bot) => {
    const idle = await Wire.connect(bot.port);
    await idle.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    await idle.response();
    const busy = await Wire.connect(bot.port);
    await busy.send(chatRequest("hold"));
    const stream = await Wire.connect(bot.port);
    await stream.send(chatRequest("hold", { stream: true }));
    await new Promise((resolve) => setTimeout(resolve, 150));
    const stopped = bot.stop();
    assert.equal(await idle.rest(), "", "an idle connection is closed at once");
    await assert.rejects(Wire.connect(bot.port), "nothing new is accepted");
    const response = await busy.response();
    assert.equal(response.status, 200);
    assert.equal(response.fields.connection, "close");
    assert.equal(JSON.parse(response.body).reply, "late");
    assert.equal(await busy.rest(), "");
    const streamed = parseEvents((await stream.response()).body);
    assert.equal(streamed.at(-1).data.reply, "late");
    assert.equal(await stream.rest(), "");
    assert.deepEqual(await stopped, { code: 0, signal: null });
  }));

test("a client that leaves cancels its turn", () =>
  withBot('replies = { "late" }, first = "30s"', "", async (bot) => {
    for (const stream of [false, true]) {
      const client = await Wire.connect(bot.port);
      const id = `leaver-${stream}`;
      await client.send(chatRequest("never mind", { stream, fields: `X-Request-Id: ${id}\r\n` }));
      await new Promise((resolve) => setTimeout(resolve, 100));
      client.close();
      const line = await bot.logged((entry) => entry.request_id === id, 5000);
      assert.notEqual(line.status, "success");
    }
  }));

test("a client that does not read is dropped, and its turn with it", () =>
  withBot(`replies = { ${JSON.stringify(Array.from({ length: 1000 }, () => "{message}").join("|"))} }`,
    'write_timeout = "300ms"', async (bot) => {
      const client = await Wire.connect(bot.port);
      client.socket.pause();
      for (let i = 0; i < 40; i++) await client.send(chatRequest("x".repeat(900), { stream: true }));
      await bot.logged((line) => /took nothing for too long/.test(line.message ?? ""), 10_000);
      client.close();
      assert.equal((await post(bot, { message: "alive" })).status, 200);
    }));

test("connections above the limit are told to come back", () =>
  withBot('replies = { "hi" }', "connections = 3", async (bot) => {
    const clients = [];
    for (let i = 0; i < 3; i++) clients.push(await Wire.connect(bot.port));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const fourth = await Wire.connect(bot.port);
    const answer = await fourth.rest();
    assert.match(answer, /^HTTP\/1\.1 503 [^]*\r\nRetry-After: \d+\r\n/);
    assert.equal(JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4)).error.code, "overloaded");
    fourth.close();
    clients[0].close();
    await new Promise((resolve) => setTimeout(resolve, 100));
    const again = await Wire.connect(bot.port);
    await again.send(chatRequest("room?"));
    assert.equal((await again.response()).status, 200);
    for (const client of [...clients, again]) client.close();
  }));

test("a port in use is an error that names it", async () => {
  const bot = await makeBot('replies = { "hi" }');
  const second = startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:${bot.port}" } }
      models { main = scripted { replies = { "hi" } } }
      transports { http { on = "web" } }
      pipeline { ask { model = "main" } }`,
  });
  await assert.rejects(second, new RegExp(`cannot listen on 127\\.0\\.0\\.1:${bot.port}`));
  await bot.stop();
});
