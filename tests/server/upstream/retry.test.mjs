// When a refused request is sent again, and how long after.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { faults, retryAfter } from "./faulty.mjs";
import { startScene } from "./scene.mjs";

let scene;
before(async () => (scene = await startScene({ options: `timeout = "20s"` })));
after(() => scene?.stop());
beforeEach(() => (scene.upstream.requests.length = 0));

const gaps = () => scene.upstream.requests.slice(1).map(({ at }, i) => at - scene.upstream.requests[i].at);

test("the third attempt is the last", async () => {
  scene.upstream.play(faults.serverError, faults.reset, faults.good);
  assert.equal((await scene.ask()).done.reply, "Hello, world");
  assert.equal(scene.upstream.requests.length, 3);
  scene.upstream.requests.length = 0;
  scene.upstream.play(...Array(5).fill(faults.unavailable));
  assert.equal((await scene.ask()).code, "upstream_error");
  assert.equal(scene.upstream.requests.length, 3);
  scene.upstream.play();
});

test("retry-after is obeyed in seconds, in parts of them, and in milliseconds", async () => {
  for (const [fields, least] of [
    [{ "Retry-After": "1" }, 1000],
    [{ "Retry-After": "0.3" }, 300],
    [{ "retry-after-ms": "200", "Retry-After": "9" }, 200],
  ]) {
    scene.upstream.requests.length = 0;
    scene.upstream.play(retryAfter(fields), faults.good);
    assert.equal((await scene.ask()).done.reply, "Hello, world");
    assert.ok(gaps()[0] >= least - 5, `${gaps()[0]} ms after ${JSON.stringify(fields)}`);
  }
});

test("retry-after is obeyed as a date", async () => {
  const inThreeSeconds = () => new Date(Date.now() + 3000).toUTCString(); // on the wire without its milliseconds
  scene.upstream.play((socket) => retryAfter({ "Retry-After": inThreeSeconds() }, "503 Service Unavailable")(socket), faults.good);
  assert.equal((await scene.ask()).done.reply, "Hello, world");
  assert.ok(gaps()[0] >= 1500, `${gaps()[0]} ms`);
});

test("a date that has passed and nonsense do not hold the reply up", async () => {
  for (const value of ["Wed, 21 Oct 2015 07:28:00 GMT", "-1", "soon", ""]) {
    scene.upstream.play(retryAfter({ "Retry-After": value }), faults.good);
    assert.equal((await scene.ask()).done.reply, "Hello, world");
  }
});

test("who is told to wait beyond the deadline is told so at once", async () => {
  for (const value of ["30", "3600"]) {
    scene.upstream.requests.length = 0;
    scene.upstream.play(retryAfter({ "Retry-After": value }));
    const reply = await scene.ask(false);
    assert.equal(reply.code, "upstream_rate_limited");
    assert.equal(reply.status, 503);
    assert.equal(reply.retryAfter, value);
    assert.equal(scene.upstream.requests.length, 1);
  }
});

test("the server's own word on retrying counts", async () => {
  scene.upstream.play(retryAfter({ "x-should-retry": "false" }), faults.good);
  assert.equal((await scene.ask()).code, "upstream_rate_limited");
  scene.upstream.play(retryAfter({ "x-should-retry": "true" }, "400 Bad Request"), faults.good);
  assert.equal((await scene.ask()).done.reply, "Hello, world");
});

test("each attempt asks for the same", async () => {
  scene.upstream.play(faults.serverError, faults.good);
  await scene.ask();
  const [first, second] = scene.upstream.requests;
  assert.deepEqual(first.body, second.body);
  assert.equal(first.headers.authorization, second.headers.authorization);
});
