// WebSockets live through reloads: the conversation goes on, by the new rules from the next message on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { openClient } from "../websocket/client.mjs";
import { pause, startScene, until } from "./scene.mjs";

const bot = (transports = 'http { on = "web" }, websocket { on = "web" }', more = "") => `
  listeners { web = httpd { address = "127.0.0.1:0" } ${more} }
  transports { ${transports} }
  pipeline { rules { files = { "rules.lua" } } }`;
const rules = (name) => `
  rule "wait" { match = "^wait", reply = function(t) t:sleep(0.4) return "${name}" end }
  rule "which" { match = "^which", reply = "${name}" }
  rule "count" { match = "^count", reply = function(t)
    t.session.count = (t.session.count or 0) + 1
    return "${name} " .. t.session.count
  end }`;

async function withServer(run) {
  const server = await startScene({ bot: bot(), files: { "rules.lua": rules("old") } });
  try {
    await run(server);
  } finally {
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}

const reply = async (client, text) => (await client.ask(text)).end.reply;
const drained = (server) => until(async () => (await server.control("status")).draining.length === 0);

test("conversations go on across a hundred reloads, with their sessions", () =>
  withServer(async (server) => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => openClient(server)));
    for (const client of clients) assert.equal(await reply(client, "count"), "old 1");
    for (let i = 0; i < 100; i++) {
      await server.rules(rules(`new ${i}`));
      const client = clients[i % clients.length];
      assert.equal(await reply(client, "count"), `new ${i} ${Math.floor(i / clients.length) + 2}`);
    }
    await drained(server); // idle WebSockets keep no old generation
    for (const client of clients) assert.equal((await client.end()).code, 1000);
  }));

test("the turn that runs ends by the old rules, what waits behind it goes by the new ones", () =>
  withServer(async (server) => {
    const client = await openClient(server);
    client.send({ type: "message", text: "wait" });
    client.send({ type: "message", text: "which" });
    await pause(100);
    await server.rules(rules("new"));
    assert.equal((await client.turn()).end.reply, "old");
    assert.equal((await client.turn()).end.reply, "new");
    await drained(server);
    await client.end();
  }));

test("its options change with the reload, the connection stays", () =>
  withServer(async (server) => {
    const client = await openClient(server);
    await server.write("bot.lua", bot('websocket { on = "web", path = "/talk", idle = "700ms", ping = "100ms" }'));
    assert.equal((await server.control("reload")).ok, true);
    assert.equal(await reply(client, "which"), "old");
    await assert.rejects(openClient(server), /404/);
    assert.equal((await client.closed).code, 1000); // nothing was said for the new time
    await drained(server);
  }));

test("where the transport is no longer in the file, its clients hear that", () =>
  withServer(async (server) => {
    const [busy, idle] = await Promise.all([openClient(server), openClient(server)]);
    busy.send({ type: "message", text: "wait" });
    await pause(100);
    await server.write("bot.lua", bot('http { on = "web" }'));
    assert.equal((await server.control("reload")).ok, true);
    assert.equal((await busy.turn()).end.reply, "old");
    assert.deepEqual([(await busy.closed).code, (await idle.closed).code], [1001, 1001]);
    await assert.rejects(openClient(server), /404/);
    await drained(server);
  }));
