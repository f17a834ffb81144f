// Replies of a model that behaves, however its bytes are cut, and the connection to it.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { completion, faults, stream } from "./faulty.mjs";
import { startScene } from "./scene.mjs";

let scene;
before(async () => (scene = await startScene({ options: `system = "Be brief.", temperature = 0.2, max_tokens = 50` })));
after(() => scene?.stop());
beforeEach(() => (scene.upstream.requests.length = 0));

for (const streamed of [true, false]) {
  const how = streamed ? "streamed" : "whole";

  test(`a ${how} reply comes with its usage and its author`, async () => {
    const reply = await scene.ask(streamed);
    assert.equal(reply.status, 200);
    assert.equal(reply.text, "Hello, world");
    assert.equal(reply.done.reply, "Hello, world");
    assert.equal(reply.done.finish, "stop");
    assert.equal(reply.done.by, "model:main");
    assert.deepEqual(reply.done.usage, { input_tokens: 9, output_tokens: 3 });
  });

  test(`what is asked for a ${how} reply`, async () => {
    await scene.ask(streamed);
    const [{ method, path, headers, body }] = scene.upstream.requests;
    assert.equal(`${method} ${path}`, "POST /v1/chat/completions");
    assert.equal(headers.authorization, `Bearer ${scene.key}`);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers.expect, undefined);
    assert.deepEqual(body, {
      model: "m",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
      temperature: 0.2,
      max_tokens: 50,
      ...(streamed ? { stream: true, stream_options: { include_usage: true } } : {}),
    });
  });

  test(`a ${how} reply that comes byte by byte is the same`, async () => {
    scene.upstream.play(faults.byteAtATime);
    const reply = await scene.ask(streamed);
    assert.equal(reply.text, "Grüße 你好 😀");
    assert.equal(reply.done.finish, "stop");
  });
}

test("line ends of a stream can be cut in two", async () => {
  scene.upstream.play(faults.cutLineEnds);
  const reply = await scene.ask();
  assert.equal(reply.text, "Hello, world");
  assert.equal(reply.done.finish, "stop");
});

test("a server that does not stream, although asked to, is understood", async () => {
  scene.upstream.play(faults.jsonInsteadOfStream);
  const reply = await scene.ask();
  assert.equal(reply.text, "Hello, world");
  assert.equal(reply.done.finish, "stop");
});

test("finish reasons reach the client", async () => {
  for (const finish of ["length", "content_filter"]) {
    scene.upstream.play((socket) => socket.write(stream(["x"], { finish })), (socket) => socket.write(completion("x", finish)));
    assert.equal((await scene.ask(true)).done.finish, finish);
    assert.equal((await scene.ask(false)).done.finish, finish);
  }
});

test("one connection serves replies one after the other", async () => {
  for (let i = 0; i < 20; i++) await scene.ask(i % 2 === 0);
  assert.ok(scene.upstream.connections() <= 2);
});

test("many at once all get theirs", async () => {
  const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => scene.ask(i % 2 === 0)));
  for (const reply of replies) assert.equal(reply.text, "Hello, world");
});
