// A configuration that does not load changes nothing and says why: every mistake, with its file and line, in the answer of
// the command and in the log.
import assert from "node:assert/strict";
import net from "node:net";
import { test } from "node:test";
import { Wire, chatRequest } from "../support/wire.mjs";
import { runProgram, say, startScene, until } from "./scene.mjs";

const bot = `
listeners { web = httpd { address = "127.0.0.1:0" } }
transports { http { on = "web" } }
pipeline { rules { files = { "rules.lua", "more.lua" } } }`;
const rules = `rule "which" { match = "which", reply = "old" }`;

async function withServer(run) {
  const server = await startScene({ bot, files: { "rules.lua": rules, "more.lua": "" } });
  const wire = await Wire.connect(server.port);
  try {
    await run(server);
    await wire.send(chatRequest("which")); // the connection has lived through it
    const response = await wire.response();
    assert.deepEqual([response.status, JSON.parse(response.body).reply], [200, "old"]);
    assert.equal(await say(server, "which"), "old");
    const status = await server.control("status");
    assert.deepEqual([status.generation, status.draining], [1, []]);
  } finally {
    wire.close();
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}

test("mistakes in rules and bot file are told all at once, with file and line", () =>
  withServer(async (server) => {
    await server.write("rules.lua", 'rule "which" { match = "(", reply = "new" }\n\nrule "two" { match = 4 }');
    await server.write("more.lua", "\nrule = nil + 1");
    const { code, stdout, stderr } = await server.cli("reload");
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^rules\.lua:1: rule 'which': match: missing closing parenthesis/m);
    assert.match(stderr, /^rules\.lua:3: rule 'two': /m);
    assert.match(stderr, /^more\.lua:2: /m);
    assert.match(stderr, /^repartee reload: nothing has changed, generation 1 goes on serving$/m);
    for (const part of [/^rules\.lua:1: /, /^rules\.lua:3: /, /^more\.lua:2: /])
      await server.logged((line) => line.component === "reload" && line.level === "ERROR" && part.test(line.message));

    await server.write("bot.lua", bot.replace("rules {", "rulse {").replace('on = "web" }', 'on = "wep" }'));
    const answer = await server.control("reload");
    assert.equal(answer.ok, false);
    assert.deepEqual(answer.mistakes.map((line) => /bot\.lua:\d+/.exec(line)[0]), ["bot.lua:3", "bot.lua:4"]);
    assert.match(answer.mistakes[1], /no stage called 'rulse' \(did you mean 'rules'\?\)/);
    const last = (await server.control("status")).last_reload;
    assert.deepEqual([last.ok, last.mistakes], [false, answer.mistakes]);
  }));

test("a file that is no Lua, or is gone, is told", () =>
  withServer(async (server) => {
    await server.write("bot.lua", "listeners { web = ");
    assert.match((await server.control("reload")).mistakes[0], /bot\.lua:1: /);
    await server.write("bot.lua", bot.replace('"rules.lua"', '"none.lua"'));
    assert.match((await server.control("reload")).mistakes[0], /none\.lua/);
  }));

test("a port that somebody else has is found before anything changes", () =>
  withServer(async (server) => {
    const other = net.createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    const address = `127.0.0.1:${other.address().port}`;
    await server.write("bot.lua", bot.replace("127.0.0.1:0", address));
    const answer = await server.control("reload");
    assert.match(answer.mistakes[0], new RegExp(`bot\\.lua:2: listener 'web': cannot listen on ${address}`));
    other.close();
  }));

test("an element that does not attach, on whichever worker, undoes it all", () =>
  withServer(async (server) => {
    // Each worker loads the rules by itself: what they declare must be the same each time.
    await server.write("rules.lua", `rule("which" .. math.random(1 << 60)) { match = "which", reply = "new" }`);
    for (let i = 0; i < 5; i++) {
      const answer = await server.control("reload");
      assert.equal(answer.ok, false);
      assert.match(answer.mistakes[0], /declare something else each time they are loaded/);
    }
  }));

test("SIGHUP reloads, and the log tells the outcome", async () => {
  const server = await startScene({ bot, files: { "rules.lua": rules, "more.lua": "" } });
  await server.write("rules.lua", rules.replace("old", "new"));
  process.kill(server.pid, "SIGHUP");
  await server.logged((line) => line.message?.startsWith("generation 2 serves"));
  assert.equal(await say(server, "which"), "new");
  await server.write("rules.lua", "}");
  process.kill(server.pid, "SIGHUP");
  await server.logged((line) => line.message?.startsWith("nothing has changed: generation 2"));
  assert.equal(await say(server, "which"), "new");
  await server.stop();
});

test("whoever asks while a reload runs gets one that has seen the files as they are then", async () => {
  const server = await startScene({ bot, files: { "rules.lua": rules, "more.lua": "" } });
  const answers = [];
  for (let i = 0; i < 12; i++) {
    await server.write("rules.lua", rules.replace("old", `new ${i}`));
    answers.push(server.control("reload"));
  }
  for (const answer of await Promise.all(answers)) assert.equal(answer.ok, true);
  assert.equal(await say(server, "which"), "new 11");
  const { generation } = await server.control("status");
  assert.ok(generation > 1 && generation <= 13);
  await server.stop();
});

test("a stop in the middle of reloads is a stop", async () => {
  for (let i = 0; i < 5; i++) {
    const server = await startScene({ bot, files: { "rules.lua": rules, "more.lua": "" } });
    const answers = Array.from({ length: 4 }, () => server.control("reload").catch(() => null));
    await new Promise((resolve) => setTimeout(resolve, i * 7));
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    for (const answer of await Promise.all(answers)) assert.ok(!answer || answer.ok || answer.error || answer.mistakes);
    assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
  }
});

test("nobody there to reload is told, with exit code 1", async () => {
  const server = await startScene({ bot, files: { "rules.lua": rules, "more.lua": "" } });
  await server.stop();
  await until(async () => true);
  const { code, stderr } = await runProgram(["reload", "--control", "/nowhere/at/all"], "/");
  assert.equal(code, 1);
  assert.match(stderr, /^repartee reload: no server with this bot is running \(no answer at \/nowhere\/at\/all\)$/m);
});
