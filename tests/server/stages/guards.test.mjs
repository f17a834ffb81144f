// Guards over HTTP and WebSocket: what leaves is the same streamed or not, wherever the model cuts its reply, and clients
// are told how it ended.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";
import { openClient } from "../websocket/client.mjs";

async function start(t, replies, guards) {
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = scripted { ${replies.map((text) => JSON.stringify(text)).join(", ")} } }
      transports { http { on = "web" }, websocket { on = "web" }, ops { on = "web" } }
      pipeline { rules { dir = "rules" }, ask { model = "main" } }`,
    files: { "rules/guards.lua": guards },
    args: ["--workers", "1"],
  });
  t.after(() => bot.stop());
  const post = (body) =>
    fetch(`${bot.url}/v1/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message: "hi", session: "s", ...body }),
    });
  return { bot, post };
}

async function streamed(response) {
  const events = parseEvents(await response.text());
  const deltas = events.filter(({ event }) => event === "delta").map(({ data }) => data.text);
  return { deltas, text: deltas.join(""), last: events.at(-1) };
}

const metric = async (bot, labels) => {
  const text = await (await fetch(`${bot.url}/metrics`)).text();
  const line = text.split("\n").find((each) => each.startsWith(`repartee_guard_verdicts_total{${labels}}`));
  return line ? Number(line.split(" ").at(-1)) : 0;
};

test("a blocked reply ends before the match, wherever it is cut", async (t) => {
  const reply = "We 保证 a refund, always";
  const cuts = [...reply].slice(1).map((_, i) => `${[...reply].slice(0, i + 1).join("")}|${[...reply].slice(i + 1).join("")}`);
  cuts.push([...reply].join("|"));
  const { bot, post } = await start(
    t,
    [...cuts, reply],
    `guard "promise" { on = "reply", match = [[(?i)\\brefund\\b]], action = "block", with = "[no]" }
     guard "word" { on = "reply", match = "保证", action = "replace", with = "尽力" }`,
  );
  for (const cut of cuts) {
    const { deltas, text, last } = await streamed(await post({ stream: true }));
    assert.equal(text, "We 尽力 a [no]", cut);
    assert.ok(!deltas.some((delta) => /r|保/.test(delta)), cut);
    assert.equal(last.event, "done");
    assert.equal(last.data.reply, text);
    assert.equal(last.data.finish, "content_filter");
    assert.equal(last.data.by, "guard:promise");
  }
  const whole = await (await post({})).json();
  assert.equal(whole.reply, "We 尽力 a [no]");
  assert.equal(whole.finish, "content_filter");
  assert.equal(await metric(bot, 'guard="promise",action="block"'), cuts.length + 1);
  await bot.logged((line) => line.event === "guard" && JSON.parse(line.data).guard === "promise");
});

test("a message that is blocked reaches no model, and a WebSocket hears how it ended", async (t) => {
  const { bot } = await start(t, ["asked"], `guard "g" { on = "message", match = "secret", action = "block" }`);
  const client = await openClient(bot);
  const { end } = await client.ask("the ｓｅｃ\u200Bret");
  assert.equal(end.reply, "I cannot help with that.");
  assert.equal(end.finish, "content_filter");
  assert.equal(end.by, "guard:g");
  assert.equal((await client.ask("hello")).end.reply, "asked");
  await client.end();
});

test("a reply that is asked for again is streamed once it is decided", async (t) => {
  const { post } = await start(
    t,
    ["It is |cheap", "It is |good: {message}"],
    `guard "g" { on = "reply", match = "cheap", action = "retry", whole = true, note = "No prices.", with = "Sorry." }`,
  );
  const { text, last } = await streamed(await post({ stream: true, message: "buy" }));
  assert.match(text, /^It is good: /);
  assert.equal(last.data.finish, "stop");
  assert.equal(last.data.by, "model:main");
});

test("a guard that cannot be decided on a stream is a mistake with file and line", async (t) => {
  const guard = (match) => `\nguard "g" { on = "reply", match = [[${match}]], action = "block" }`;
  await assert.rejects(start(t, ["x"], guard("(?s).*refund")), /rules\/guards\.lua:2: .*write whole = true/);
  await assert.rejects(start(t, ["x"], guard("a\\Kb")), /rules\/guards\.lua:2: .*'\\K' cannot be used/);
});
