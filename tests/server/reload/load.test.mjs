// A hundred reloads under load: no request fails, no kept connection is closed, and what was new stays new.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chatRequest, Wire } from "../support/wire.mjs";
import { holds, memory, pause, startScene, until } from "./scene.mjs";

const RELOADS = 100;
const bot = `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" }, websocket { on = "web" } }
  pipeline { ratelimit { rate = "100000/s", per = "address" }, redact { "email" }, rules { files = { "rules.lua" } } }`;
const rules = (number) => `rule "number" { match = "number", reply = "${number}" }
rule "slow" { match = "slow", reply = function(t) t:sleep(0.02) return "${number}" end }`;

const number = (response) => Number(JSON.parse(response.body).reply);

// One connection, request after request; the numbers never go back.
async function keepAsking(server, message, state) {
  const session = `s${state.sessions++}`; // so that what the sessions take does not grow either
  const wire = await Wire.connect(server.port);
  let last = 0;
  while (!state.over) {
    await wire.send(chatRequest(message, { session }));
    const response = await wire.response();
    assert.equal(response.status, 200);
    assert.equal(response.fields.connection, "keep-alive");
    assert.ok(number(response) >= last, `${number(response)} after ${last}`);
    last = number(response);
    state.requests++;
  }
  wire.close();
  return last;
}

// A connection for each request.
async function comeAndGo(server, state) {
  const session = `s${state.sessions++}`;
  while (!state.over) {
    const wire = await Wire.connect(server.port);
    await wire.send(chatRequest("number", { session }));
    assert.equal((await wire.response()).status, 200);
    wire.close();
    state.requests++;
  }
}

test("no request fails over a hundred reloads, and memory stays flat", async () => {
  const server = await startScene({ bot, files: { "rules.lua": rules(0) } });
  const state = { over: false, requests: 0, sessions: 0 };
  const clients = [
    ...Array.from({ length: 8 }, () => keepAsking(server, "number", state)),
    ...Array.from({ length: 4 }, () => keepAsking(server, "slow", state)),
    comeAndGo(server, state),
    comeAndGo(server, state),
  ];
  const load = Promise.all(clients);
  const failed = load.then(() => false, (error) => error);
  let middle = 0;
  for (let i = 1; i <= RELOADS; i++) {
    const answer = await server.rules(rules(i));
    assert.equal(answer.generation, i + 1);
    assert.deepEqual(answer.mistakes, []);
    const error = await Promise.race([failed, pause(5)]);
    if (error) throw error;
    if (i === RELOADS / 2) middle = await memory(server);
  }
  state.over = true;
  const numbers = await load;
  assert.equal(Math.max(...numbers.filter(Boolean)), RELOADS);
  assert.ok(state.requests > RELOADS, `only ${state.requests} requests`);
  const status = await until(async () => {
    const now = await server.control("status");
    return now.draining.length === 0 && now;
  });
  assert.deepEqual([status.generation, status.turns, status.state], [RELOADS + 1, 0, "running"]);
  const end = await memory(server);
  // ThreadSanitizer keeps a history of all memory.
  const kept = await holds(server, "libtsan");
  assert.ok(kept || end < middle * 1.15 + 8192, `${middle} KiB in the middle, ${end} KiB at the end`);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.deepEqual(server.log().filter((line) => line.text !== undefined || line.level === "ERROR"), []);
});
