// A turn keeps the generation that it began with; what comes behind the switch goes by the new one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEvents } from "../support/wire.mjs";
import { openGate, pause, post, say, startScene, until } from "./scene.mjs";

const bot = (more = "") => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" } }
  models { main = scripted { replies = { "one |two |three |four" }, delay = "150ms" } }
  ${more}
  pipeline { rules { files = { "rules.lua" }, time = "55s" }, ask { model = "main" } }`;
const rules = (name) => `
  rule "wait" { match = "^wait", reply = function(t)
    t:sleep(0.6)
    t.session.last = "${name}"
    return "${name}"
  end }
  rule "which" { match = "^which", reply = "${name}" }
  rule "last" { match = "^last", reply = function(t) return tostring(t.session.last) end }`;

const gated = (name, gate) => rules(name).replace(/t:sleep\(.*?\)/, gate.wait);

async function withServer(run, options = {}) {
  const server = await startScene({ bot: bot(), files: { "rules.lua": rules("old") }, ...options });
  try {
    await run(server);
  } finally {
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}

test("a turn in flight ends by the old rules while new turns get the new ones", () =>
  withServer(async (server) => {
    const slow = say(server, "wait");
    await pause(100);
    await server.rules(rules("new"));
    assert.equal(await say(server, "which"), "new");
    const status = await server.control("status");
    assert.deepEqual(status.draining, [{ generation: 1, in_use: 2 }]); // the turn, and the request that it answers
    assert.equal(status.turns, 1);
    assert.equal(await slow, "old");
    await until(async () => (await server.control("status")).draining.length === 0);
    await server.logged((line) => line.message === "generation 1 has ended");
  }));

test("a stream in flight comes to its end", () =>
  withServer(async (server) => {
    const response = await fetch(`${server.url}/v1/chat`, {
      method: "POST", body: JSON.stringify({ message: "hello", stream: true }) });
    await server.rules(rules("new"));
    await server.write("bot.lua", bot().replace("one |two", "uno |dos"));
    assert.equal((await server.control("reload")).ok, true);
    const events = parseEvents(await response.text());
    assert.equal(events.at(-1).event, "done");
    assert.equal(events.at(-1).data.reply, "one two three four");
    assert.equal(await say(server, "hello"), "uno dos three four");
  }));

test("a turn that waits for its session at the switch keeps what it began with, and the session's order holds", () =>
  withServer(async (server) => {
    const first = say(server, "wait", { session: "s" });
    await pause(100);
    const second = say(server, "which", { session: "s" });
    await pause(100);
    assert.equal((await server.control("status")).waiting_for_session, 1);
    await server.rules(rules("new"));
    const third = say(server, "last", { session: "s" });
    assert.deepEqual(await Promise.all([first, second, third]), ["old", "old", "old"]);
    assert.equal(await say(server, "which", { session: "s" }), "new");
    assert.equal((await server.control("status")).waiting_for_session, 0);
  }));

test("a slow turn keeps only its own generation, however many reloads there are", async (t) => {
  const gate = await openGate(t);
  await withServer(async (server) => {
    const slow = say(server, "wait");
    await gate.holds(1);
    for (let i = 0; i < 30; i++) await server.rules(rules(`new ${i}`));
    const { draining, generation } = await until(async () => {
      const status = await server.control("status");
      return status.draining.length === 1 && status;
    }, 30_000);
    assert.deepEqual([draining[0].generation, generation], [1, 31]);
    gate.open();
    assert.equal(await slow, "old");
  }, { files: { "rules.lua": gated("old", gate) } });
});

test("too many generations at work are a reason to refuse, and it passes", async (t) => {
  const gate = await openGate(t);
  await withServer(async (server) => {
    const slow = [];
    let refused;
    for (let i = 0; i < 20 && !refused; i++) {
      slow.push(say(server, "wait"));
      await gate.holds(slow.length);
      await server.write("rules.lua", gated(`${i}`, gate));
      const answer = await server.control("reload");
      if (!answer.ok) refused = answer;
    }
    assert.match(refused.mistakes[0], /^16 generations are still at work/);
    assert.equal(refused.generation, 16);
    gate.open();
    assert.equal((await Promise.all(slow)).length, 16);
    await until(async () => (await server.control("reload")).ok);
  }, { files: { "rules.lua": gated("old", gate) } });
});

test("limits, pipelines and the name change with the next turn", () =>
  withServer(async (server) => {
    await server.write("bot.lua", bot('bot { name = "renamed" } limits { message = "8B" }'));
    assert.equal((await server.control("reload")).ok, true);
    assert.equal((await post(server, "which one of them?")).status, 413);
    assert.equal((await server.control("status")).bot, "renamed");
    await server.write("bot.lua", bot().replace("pipeline {", 'pipeline "staff" {').replace('http { on = "web" }',
      'http { on = "web", pipeline = "staff" }'));
    assert.equal((await server.control("reload")).ok, true);
    assert.equal(await say(server, "which one of them?"), "old");
  }));

test("a stop while a generation drains finishes both", async () => {
  const server = await startScene({ bot: bot(), files: { "rules.lua": rules("old") } });
  const old = say(server, "wait");
  await pause(100);
  await server.rules(rules("new"));
  const young = say(server, "wait");
  await pause(100);
  const stopped = server.cli("stop");
  assert.deepEqual(await Promise.all([old, young]), ["old", "new"]);
  assert.equal((await stopped).code, 0);
  assert.deepEqual(await server.ended, { code: 0, signal: null });
});
