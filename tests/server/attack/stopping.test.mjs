// What clients get when the drain deadline passes and their turns are not done: the truth, and in time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseEvents } from "../support/wire.mjs";
import { startBot } from "../support/repartee.mjs";
import { rawConnect, frame, CLOSE, TEXT } from "../websocket/raw.mjs";

const bot = `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" }, websocket { on = "web" } }
  limits { drain = "300ms" }
  models { main = scripted { replies = { "one |two" }, delay = "20s" } }
  pipeline { rules { files = { "rules.lua" } }, ask { model = "main" } }`;
const rules = `rule "wait" { match = "^wait", reply = function(t) t:sleep(9) return "done" end }`;

async function stopped(act) {
  const server = await startBot({ bot, files: { "rules.lua": rules }, args: ["--workers", "2"] });
  const seen = act(server);
  await (await seen.begun);
  const before = performance.now();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.ok(performance.now() - before < 10_000);
  assert.ok(!server.log().some((line) => line.text !== undefined), server.logText());
  return { seen, server };
}

const post = (server, body) => fetch(`${server.url}/v1/chat`, { method: "POST", body: JSON.stringify(body) });
const soon = () => new Promise((resolve) => setTimeout(resolve, 300));

test("a turn that does not end is refused as shutting down, not as the client's own cancel", async () => {
  const { seen, server } = await stopped((server) => ({ response: post(server, { message: "wait" }), begun: soon() }));
  const response = await seen.response;
  assert.equal(response.status, 503);
  assert.ok(Number(response.headers.get("retry-after")) > 0);
  assert.equal((await response.json()).error.code, "shutting_down");
  assert.ok(server.log().some((line) => line.prompt === "wait" && line.code === "shutting_down"));
});

test("a stream that does not end is broken off with an event that says so", async () => {
  const { seen } = await stopped((server) => {
    const response = post(server, { message: "hi", stream: true });
    return { response, begun: response };
  });
  const events = parseEvents(await (await seen.response).text());
  assert.equal(events[0].data.text, "one ");
  assert.equal(events.at(-1).event, "error");
  assert.equal(events.at(-1).data.error.code, "shutting_down");
});

test("a WebSocket client hears of it before the connection closes", async () => {
  const { seen } = await stopped((server) => {
    const raw = rawConnect(server.port);
    return { raw, begun: raw.then((raw) => raw.send(frame(TEXT, '{"type":"message","text":"wait"}'))).then(soon) };
  });
  const raw = await seen.raw;
  const error = await raw.frame();
  assert.equal(error.opcode, TEXT);
  assert.equal(JSON.parse(error.payload).error.code, "shutting_down");
  const close = await raw.frame();
  assert.deepEqual([close?.opcode, close?.code], [CLOSE, 1001]);
});

test("requests that are not whole hold nobody up", async () => {
  for (const part of ["POST /v1/ch", "POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n{\"mess"]) {
    await stopped((server) => {
      const begun = import("node:net").then(({ connect }) => {
        const socket = connect(server.port, "127.0.0.1");
        socket.on("error", () => {});
        socket.write(part);
        return soon();
      });
      return { begun };
    });
  }
});
