// Listeners through a reload: another address, other limits, other routes, another listener, none at all.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chatRequest, Wire } from "../support/wire.mjs";
import { pause, startScene, until } from "./scene.mjs";

const bot = (listeners, transports = 'http { on = "web" }') => `
  listeners { ${listeners} }
  transports { ${transports} }
  pipeline { rules { files = { "rules.lua" } } }`;
const files = { "rules.lua": `
  rule "hi" { match = "hi", reply = "hello" }
  rule "wait" { match = "wait", reply = function(t) t:sleep(0.5) return "done" end }` };
const any = 'web = httpd { address = "127.0.0.1:0" }';

async function withServer(run, first = bot(any)) {
  const server = await startScene({ bot: first, files });
  const reload = async (text) => {
    await server.write("bot.lua", text);
    const answer = await server.control("reload");
    assert.deepEqual(answer.mistakes, []);
    return answer;
  };
  try {
    await run(server, reload);
  } finally {
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}

async function chat(wire, message = "hi", fields = {}) {
  await wire.send(chatRequest(message, fields));
  return wire.response();
}

// Where it listens now, by the log.
const ports = (server) =>
  server.log().map((line) => /^listening on .*:(\d+)$/.exec(line.message ?? "")?.[1]).filter(Boolean).map(Number);

test("at another address old connections go on, new ones come in there, and none is lost on the way", () =>
  withServer(async (server, reload) => {
    const kept = await Wire.connect(server.port);
    assert.equal((await chat(kept)).status, 200);
    const dialled = await Promise.all(Array.from({ length: 20 }, () => Wire.connect(server.port)));
    await reload(bot('web = httpd { address = "[::1]:0" }'));
    for (const wire of [kept, ...dialled]) {
      const response = await chat(wire);
      assert.deepEqual([response.status, response.fields.connection], [200, "keep-alive"]);
      wire.close();
    }
    await assert.rejects(Wire.connect(server.port), /ECONNREFUSED/);
    const port = await until(() => ports(server)[1]);
    const wire = await Wire.connect(port, { host: "::1" });
    assert.equal((await chat(wire)).status, 200);
    wire.close();
    await until(async () => (await server.control("status")).draining.length === 0);
  }));

test("port 0 is the same port after a reload", () =>
  withServer(async (server, reload) => {
    await reload(bot(any));
    assert.equal(ports(server).length, 1);
    assert.equal((await chat(await Wire.connect(server.port))).status, 200);
  }));

test("limits of the listener change for the next request of a kept connection", () =>
  withServer(async (server, reload) => {
    const [wire, half] = await Promise.all([Wire.connect(server.port), Wire.connect(server.port)]);
    assert.equal((await chat(wire)).status, 200);
    await half.send("POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n{"); // began under the old limits
    await reload(bot('web = httpd { address = "127.0.0.1:0", body = 20, fields = 2 }'));
    await half.send('"message": "hi", "x": "yz"  }');
    assert.equal((await half.response()).status, 200);
    assert.equal((await chat(wire, "hi", { fields: "A: b\r\n" })).status, 431);
    half.close();
    const other = await Wire.connect(server.port);
    await other.send("POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 30\r\n\r\n");
    assert.equal((await other.response()).status, 413);
  }));

test("fewer connections are allowed from then on, those there are stay", () =>
  withServer(async (server, reload) => {
    const wires = await Promise.all(Array.from({ length: 6 }, () => Wire.connect(server.port)));
    await reload(bot('web = httpd { address = "127.0.0.1:0", connections = 3 }'));
    const late = await Wire.connect(server.port);
    assert.equal((await late.response()).status, 503);
    for (const wire of wires) assert.equal((await chat(wire)).status, 200);
    for (const wire of wires) wire.close();
    await until(async () => {
      const wire = await Wire.connect(server.port);
      const status = (await chat(wire)).status;
      wire.close();
      return status === 200;
    });
  }));

test("a route that is no longer there is 404 on a kept connection, and back again", () =>
  withServer(async (server, reload) => {
    const wire = await Wire.connect(server.port);
    await reload(bot(any, 'websocket { on = "web" }'));
    assert.equal((await chat(wire)).status, 404);
    await reload(bot(any));
    assert.equal((await chat(wire)).status, 200);
  }));

test("a listener that is gone takes its leave: the request at hand, and one more, then no connection", () =>
  withServer(async (server, reload) => {
    const two = bot(`${any}, staff = httpd { address = "127.0.0.1:0" }`,
      'http { on = "web" }, http { on = "staff" }');
    await reload(two);
    const port = await until(() => ports(server)[1]);
    const [busy, idle, silent] = await Promise.all([1, 2, 3].map(() => Wire.connect(port)));
    assert.equal((await chat(idle)).fields.connection, "keep-alive");
    await busy.send(chatRequest("wait"));
    await pause(100);
    await reload(bot(any));
    await assert.rejects(Wire.connect(port), /ECONNREFUSED/);
    const last = await chat(idle);
    assert.deepEqual([last.status, last.fields.connection], [200, "close"]);
    const done = await busy.response();
    assert.deepEqual([done.status, JSON.parse(done.body).reply, done.fields.connection], [200, "done", "close"]);
    await Promise.all([busy.rest(), idle.rest()]);
    assert.equal((await server.control("status")).draining.length, 1); // waits for the silent one
    silent.close();
    await until(async () => (await server.control("status")).draining.length === 0);
    assert.equal((await chat(await Wire.connect(server.port))).status, 200);
  }));

test("two listeners may change places", () =>
  withServer(async (server, reload) => {
    const both = (a, b) => bot(`a = httpd { address = "127.0.0.1:${a}" }, b = httpd { address = "127.0.0.1:${b}" }`,
      'http { on = "a" }, websocket { on = "b" }');
    await reload(both(0, 0));
    const [, a, b] = await until(() => ports(server).length === 3 && ports(server));
    await reload(both(a, b));
    await reload(both(b, a));
    assert.equal((await chat(await Wire.connect(b))).status, 200);
    assert.equal((await chat(await Wire.connect(a))).status, 404);
  }));
