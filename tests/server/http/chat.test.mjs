// POST /v1/chat as a client sees it: replies, streams, wrong input.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";

let bot;
before(async () => {
  bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = scripted { replies = { "You said: |{message}|." } } }
      transports { http { on = "web" } }
      pipeline { ask { model = "main" } }`,
    args: ["--workers", "2"],
  });
});
after(() => bot?.stop());

const post = (body, init = {}) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...init.headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body),
  });

async function refused(response, status, code) {
  assert.equal(response.status, status);
  const { error } = await response.json();
  assert.equal(error.code, code);
  assert.equal(error.request_id, response.headers.get("x-request-id"));
  assert.ok(error.message.length > 0);
  return error.message;
}

test("a message gets its reply", async () => {
  const response = await post({ message: "héllo", session: "s1", user: "u1" });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "application/json");
  const reply = await response.json();
  assert.equal(reply.reply, "You said: héllo.");
  assert.equal(reply.session, "s1");
  assert.equal(reply.id, response.headers.get("x-request-id"));
  assert.equal(reply.finish, "stop");
  assert.equal(reply.by, "model:main");
  assert.equal(typeof reply.ms, "number");
  assert.equal(typeof reply.usage, "object");
});

test("a missing session starts one, and prompt stands for message", async () => {
  const one = await (await post({ prompt: "a" })).json();
  const two = await (await post({ prompt: "a" })).json();
  assert.equal(one.reply, "You said: a.");
  assert.ok(one.session.length > 10);
  assert.notEqual(one.session, two.session);
});

test("a client's own request id is kept when it is fit to print", async () => {
  const own = await post({ message: "a" }, { headers: { "X-Request-Id": "my-id_1.2" } });
  assert.equal((await own.json()).id, "my-id_1.2");
  const odd = await post({ message: "a" }, { headers: { "X-Request-Id": "a b" } });
  assert.notEqual((await odd.json()).id, "a b");
});

test("unknown fields are nobody's business, null is absent", async () => {
  const response = await post({ message: "a", temperature: 2, session: null, metadata: { a: [1] } });
  assert.equal(response.status, 200);
});

test("a streamed reply says the same", async () => {
  const response = await post({ message: "wörld", stream: true });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "text/event-stream");
  assert.equal(response.headers.get("cache-control"), "no-cache");
  const events = parseEvents(await response.text());
  const done = events.pop();
  assert.equal(done.event, "done");
  assert.equal(done.data.reply, "You said: wörld.");
  assert.ok(events.every(({ event }) => event === "delta"));
  assert.equal(events.map(({ data }) => data.text).join(""), done.data.reply);
});

const wrong = [
  ["no JSON", "{", 400, "invalid_json"],
  ["an empty body", "", 400, "invalid_json"],
  ["two values", "{} {}", 400, "invalid_json"],
  ["a name twice", '{"message":"a","message":"b"}', 400, "invalid_json"],
  ["nested to death", "[".repeat(100_000), 400, "invalid_json"],
  ["broken UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, "invalid_utf8"],
  ["a list", "[]", 400, "invalid_request"],
  ["no message", "{}", 400, "invalid_request", "message"],
  ["an empty message", { message: "" }, 400, "invalid_request", "message"],
  ["a blank message", { message: " \n\t" }, 400, "invalid_request", "message"],
  ["a number for a message", { message: 1 }, 400, "invalid_request", "message"],
  ["a list for a prompt", { prompt: [] }, 400, "invalid_request", "prompt"],
  ["a number for a session", { message: "a", session: 1 }, 400, "invalid_request", "session"],
  ["a session with a line break", { message: "a", session: "a\nb" }, 400, "invalid_request", "session"],
  ["a session too long", { message: "a", session: "x".repeat(129) }, 400, "invalid_request", "session"],
  ["an object for a user", { message: "a", user: {} }, 400, "invalid_request", "user"],
  ["a text for stream", { message: "a", stream: "yes" }, 400, "invalid_request", "stream"],
  ["a list for metadata", { message: "a", metadata: [] }, 400, "invalid_request", "metadata"],
  ["a message too long", { message: "x".repeat(40_000) }, 413, "too_large"],
  ["a body too large", { message: "x".repeat(1_100_000) }, 413, "too_large"],
];
for (const [name, body, status, code, field] of wrong) {
  test(`wrong input: ${name}`, async () => {
    const message = await refused(await post(body), status, code);
    if (field) assert.match(message, new RegExp(field));
    assert.equal((await post({ message: "still there" })).status, 200);
  });
}

test("the body counts, not what it is called", async () => {
  for (const type of ["application/x-www-form-urlencoded", "Application/JSON; charset=utf-8", "text/plain"]) {
    assert.equal((await post({ message: "a" }, { headers: { "Content-Type": type } })).status, 200);
    await refused(await post("message=a", { headers: { "Content-Type": type } }), 400, "invalid_json");
  }
});

test("health and readiness", async () => {
  assert.deepEqual(await (await fetch(`${bot.url}/healthz`)).json(), { status: "ok" });
  assert.equal((await fetch(`${bot.url}/readyz`)).status, 200);
  assert.equal((await fetch(`${bot.url}/healthz`, { method: "HEAD" })).status, 200);
});

test("every refusal leaves a log line with its request id", async () => {
  const response = await post("{", { headers: { "X-Request-Id": "look-for-me" } });
  await refused(response, 400, "invalid_json");
  const line = await bot.logged((entry) => entry.request_id === "look-for-me");
  assert.equal(line.code, "invalid_json");
});
