// A person's desk beside the bot: it is told of handoffs and messages, answers, and gives the conversation back.
import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";

const SECRET = "the desk's secret";
const TOKEN = "a-token-for-the-desk";

// A desk that takes down what it is sent; `statuses` are its answers, the last one for all that follow.
async function openDesk(t, statuses = [204]) {
  const events = [];
  const waiting = new Set();
  let asked = 0;
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    events.push({ headers: request.headers, body, json: JSON.parse(body) });
    response.writeHead(statuses[Math.min(asked++, statuses.length - 1)]).end();
    for (const waiter of waiting) waiter();
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  const heard = async (count) => {
    while (events.length < count) {
      await new Promise((resolve) => {
        const waiter = () => (waiting.delete(waiter), resolve());
        waiting.add(waiter);
      });
    }
    return events[count - 1];
  };
  return { url: `http://127.0.0.1:${server.address().port}/events`, events, heard };
}

const rules = `
rule "person" { match = "person", reply = function(t) t:handoff "asked" return "One moment." end }
rule "hello" { match = "hello", reply = "Hello." }
`;

async function openBot(t, desk) {
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      transports { http { on = "web", event_token = secret "DESK_TOKEN" } }
      events { url = "${desk.url}", secret = secret "DESK_SECRET", retries = 3 }
      pipeline { rules { dir = "rules" } }`,
    files: { "rules/a.lua": rules },
    env: { DESK_TOKEN: TOKEN, DESK_SECRET: SECRET },
  });
  t.after(() => bot.stop());
  const post = async (path, body, headers = {}) => {
    const response = await fetch(bot.url + path, { method: "POST", body: JSON.stringify(body), headers });
    return { status: response.status, json: await response.json() };
  };
  const say = async (message) => (await post("/v1/chat", { message, session: "s1", user: "ada" })).json.reply;
  const tell = (body, token = TOKEN) => post("/v1/events", body, { Authorization: `Bearer ${token}` });
  return { bot, say, tell };
}

test("a conversation goes to the desk and comes back", async (t) => {
  const desk = await openDesk(t);
  const { say, tell } = await openBot(t, desk);
  await say("hello");
  assert.equal(await say("a person please"), "One moment.");
  const first = await desk.heard(1);
  assert.equal(first.json.event, "handoff");
  assert.equal(first.json.session, "s1");
  assert.equal(first.json.user, "ada");
  assert.deepEqual(first.json.data.transcript.map(({ text }) => text), ["hello", "Hello.", "a person please"]);
  const mac = createHmac("sha256", SECRET).update(`${first.headers["x-repartee-timestamp"]}.${first.body}`).digest("hex");
  assert.equal(first.headers["x-repartee-signature"], `sha256=${mac}`);
  assert.match(first.headers["x-repartee-event-id"], /^[0-9a-z]{26}$/);

  await say("hello?");
  assert.deepEqual((await desk.heard(2)).json.data, { text: "hello?" });
  const said = await tell({ session: "s1", event: "say", data: { text: "This is Tom." } });
  assert.equal(said.status, 200);
  assert.equal(said.json.by, "person");
  assert.match(await say("hello"), /^This is Tom\.\n/);
  assert.equal((await tell({ session: "s1", event: "release" })).status, 200);
  assert.equal(await say("hello"), "Hello.");
});

test("a desk that is down is told again, with the same id", async (t) => {
  const desk = await openDesk(t, [503, 429, 200]);
  const { say } = await openBot(t, desk);
  await say("a person please");
  const last = await desk.heard(3);
  assert.equal(new Set(desk.events.map(({ headers }) => headers["x-repartee-event-id"])).size, 1);
  assert.equal(last.json.event, "handoff");
});

test("a desk that says no for good is left alone, and the log tells", async (t) => {
  const desk = await openDesk(t, [410]);
  const { bot, say } = await openBot(t, desk);
  await say("a person please");
  const line = await bot.logged(({ message }) => /was not taken: HTTP status 410/.test(message ?? ""));
  assert.equal(line.level, "ERROR");
  assert.equal(desk.events.length, 1);
});

test("a stop does not wait for a desk that never answers", async (t) => {
  const { bot, say } = await openBot(t, { url: "http://127.0.0.1:1/nobody" });
  await say("a person please");
  assert.deepEqual(await bot.stop(), { code: 0, signal: null });
});

test("events from outside need the token, and must be whole", async (t) => {
  const desk = await openDesk(t);
  const { tell } = await openBot(t, desk);
  const cases = [
    [{ session: "s1", event: "say" }, "wrong", 401],
    [{ session: "s1", event: "say" }, "", 401],
    [{ event: "say" }, TOKEN, 400],
    [{ session: "s1" }, TOKEN, 400],
    [{ session: "s1", event: "timeout" }, TOKEN, 400],
    [{ session: "s1", event: "say", data: [1] }, TOKEN, 400],
    [[], TOKEN, 400],
  ];
  for (const [body, token, status] of cases) {
    const answer = await tell(body, token);
    assert.equal(answer.status, status, JSON.stringify(body));
    assert.ok(answer.json.error.message);
  }
});
