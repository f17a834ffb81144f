// A plugin whose file is replaced is loaded beside the old one; both live until the old one's turns are done.
import assert from "node:assert/strict";
import { appendFile, copyFile, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { program } from "../support/repartee.mjs";
import { chatRequest, Wire } from "../support/wire.mjs";
import { openClient } from "../websocket/client.mjs";
import { pause, post, say, startScene, until } from "./scene.mjs";

const bot = (folder) => `
  plugins { path = "${folder}" }
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" }, websocket { on = "web" } }
  pipeline { redact { "email" }, rules { files = { "rules.lua" } } }`;
const files = { "rules.lua": `
  rule "hi" { match = "hi", reply = "hello" }
  rule "wait" { match = "wait", reply = function(t) t:sleep(0.5) return "done" end }
  rule "count" { match = "count", reply = function(t)
    t.session.count = (t.session.count or 0) + 1
    return tostring(t.session.count)
  end }` };

// Another build of the same plugin, as far as anybody can tell: bytes behind the end are nobody's.
async function replace(folder, name) {
  const path = join(folder, `${name}.so`), next = `${path}.next`;
  await copyFile(path, next);
  await appendFile(next, "another build");
  await rename(next, path);
}

async function withServer(names, run) {
  const folder = await mkdtemp(join(tmpdir(), "repartee-plugins-"));
  for (const name of names) await copyFile(join(dirname(program), "plugins", `${name}.so`), join(folder, `${name}.so`));
  const server = await startScene({ bot: bot(folder), files });
  try {
    await run(server, folder);
  } finally {
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
    await rm(folder, { recursive: true });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}

// How many files called so are mapped into the process: a private copy has no name of its own.
async function mapped(server, pattern) {
  const maps = await readFile(`/proc/${server.pid}/maps`, "utf8").catch(() => null);
  if (maps === null) return null;
  const found = maps.split("\n").filter((line) => pattern.test(line)).map((line) => line.split(/\s+/)[4]);
  return new Set(found).size;
}

test("a turn ends on the old build while new turns run on the new one", () =>
  withServer(["rules"], async (server, folder) => {
    const slow = say(server, "wait");
    await pause(100);
    await replace(folder, "rules");
    assert.equal((await server.control("reload")).ok, true);
    assert.equal(await say(server, "hi"), "hello");
    const copies = await mapped(server, /memfd:plugin/);
    if (copies !== null) assert.equal(copies, 1);
    assert.equal(await slow, "done");
    await until(async () => (await server.control("status")).draining.length === 0);
    for (let i = 0; i < 5; i++) {
      await replace(folder, "rules");
      assert.equal((await server.control("reload")).ok, true);
      assert.equal(await say(server, "hi"), "hello");
    }
  }));

test("every plugin at once is replaced under load, and no request fails", () =>
  withServer(["rules", "redact", "http", "websocket", "httpd"], async (server, folder) => {
    const state = { over: false, requests: 0, moved: 0 };
    // As HTTP clients do: when the server says that it closes, the next request takes a new connection.
    async function keepAsking() {
      let wire = await Wire.connect(server.port);
      while (!state.over) {
        await wire.send(chatRequest("hi"));
        const response = await wire.response();
        assert.equal(response.status, 200);
        state.requests++;
        if (response.fields.connection !== "close") continue;
        wire.close();
        wire = await Wire.connect(server.port);
        state.moved++;
      }
      wire.close();
    }
    const clients = Promise.all(Array.from({ length: 8 }, keepAsking));
    const failed = clients.then(() => null, (error) => error);
    for (let i = 0; i < 8; i++) {
      for (const name of ["rules", "redact", "http", "websocket", "httpd"]) await replace(folder, name);
      const answer = await server.control("reload");
      assert.deepEqual([answer.ok, answer.mistakes], [true, []]);
      const error = await Promise.race([failed, pause(60)]);
      if (error) throw error;
    }
    state.over = true;
    await clients;
    assert.ok(state.requests > 100 && state.moved >= 8, JSON.stringify(state));
    await until(async () => (await server.control("status")).draining.length === 0);
  }));

test("WebSockets outlive a new build of the transport's neighbours, and hear of one of their own", () =>
  withServer(["rules", "websocket"], async (server, folder) => {
    const client = await openClient(server);
    assert.equal((await client.ask("count")).end.reply, "1");
    await replace(folder, "rules");
    assert.equal((await server.control("reload")).ok, true);
    assert.equal((await client.ask("count")).end.reply, "2");
    await replace(folder, "websocket");
    assert.equal((await server.control("reload")).ok, true);
    assert.equal((await client.closed).code, 1001);
    const again = await openClient(server);
    assert.equal((await again.ask("hi")).end.reply, "hello");
    await again.end();
  }));

test("a build that cannot be loaded changes nothing", () =>
  withServer(["rules"], async (server, folder) => {
    const whole = await readFile(join(folder, "rules.so"));
    await writeFile(join(folder, "cut.so"), whole.subarray(0, 5000));
    await rename(join(folder, "cut.so"), join(folder, "rules.so"));
    const answer = await server.control("reload");
    assert.equal(answer.ok, false);
    assert.match(answer.mistakes[0], /cannot load the plugin .*rules\.so: a part of it is missing/);
    assert.equal((await post(server, "hi")).body.reply, "hello");
    await writeFile(join(folder, "whole.so"), whole);
    await rename(join(folder, "whole.so"), join(folder, "rules.so"));
    assert.equal((await server.control("reload")).ok, true);
  }));
