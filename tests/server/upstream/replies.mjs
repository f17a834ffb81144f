// Replies of a model that behaves, in one of the protocols, however its bytes are cut; what it is asked; the connection to it.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { startScene } from "./scene.mjs";
import { completion, stream, wires } from "./wires.mjs";

const text = (text) => [{ type: "text", text }];
const expected = {
  openai: (streamed) => ({
    body: {
      model: "m",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
      temperature: 0.2,
      max_tokens: 50,
      ...(streamed ? { stream: true, stream_options: { include_usage: true } } : {}),
    },
    finishes: ["stop", "length", "content_filter"],
  }),
  anthropic: (streamed) => ({
    body: {
      model: "m",
      max_tokens: 50,
      system: "Be brief.",
      messages: [{ role: "user", content: text("hello") }],
      temperature: 0.2,
      ...(streamed ? { stream: true } : {}),
    },
    headers: { "anthropic-version": "2023-06-01" },
    finishes: ["stop", "length", "content_filter"],
  }),
  ollama: (streamed) => ({
    body: {
      model: "m",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "hello" },
      ],
      options: { temperature: 0.2, num_predict: 50 },
      stream: streamed,
    },
    finishes: ["stop", "length"],
  }),
};

export function testReplies(name) {
  const wire = wires[name];
  let scene;
  before(async () => {
    scene = await startScene({
      wire,
      options: `system = "Be brief.", temperature = 0.2, max_tokens = 50, headers = { ["X-Team"] = "shop" }`,
      stage: "images = 1",
    });
  });
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
      const wanted = expected[name](streamed);
      assert.equal(`${method} ${path}`, `POST ${wire.path}`);
      assert.equal(wire.key(headers), scene.key);
      assert.equal(headers["content-type"], "application/json");
      assert.equal(headers["x-team"], "shop");
      assert.equal(headers.expect, undefined);
      for (const [field, value] of Object.entries(wanted.headers ?? {})) assert.equal(headers[field], value);
      assert.deepEqual(body, wanted.body);
    });

    test(`a ${how} reply that comes byte by byte is the same`, async () => {
      scene.upstream.play(scene.upstream.faults.byteAtATime);
      const reply = await scene.ask(streamed);
      assert.equal(reply.text, "Grüße 你好 😀");
      assert.equal(reply.done.finish, "stop");
    });

    test(`a ${how} reply may be packed`, async () => {
      scene.upstream.play(scene.upstream.faults.gzip);
      assert.equal((await scene.ask(streamed)).text, "Hello, world");
    });

    test(`the ${how} reply's reason to end reaches the client`, async () => {
      for (const finish of expected[name](streamed).finishes) {
        scene.upstream.play((socket) => socket.write(streamed ? stream(wire, ["x"], { finish }) : completion(wire, "x", finish)));
        assert.equal((await scene.ask(streamed)).done.finish, finish);
      }
    });
  }

  test("an image goes to the model with its message", async () => {
    const image = "data:image/png;base64,iVBORw0KGgo=";
    const response = await scene.post(false, { body: JSON.stringify({ message: "what is this?", metadata: { images: [image] } }) });
    assert.equal(response.status, 200);
    const [{ body }] = scene.upstream.requests;
    assert.ok(JSON.stringify(body).includes("iVBORw0KGgo="), JSON.stringify(body));
    const refused = await scene.post(false, { body: JSON.stringify({ message: "and these?", metadata: { images: [image, image] } }) });
    assert.equal(refused.status, 400);
    assert.equal(scene.upstream.requests.length, 1);
  });

  test("one connection serves replies one after the other", async () => {
    for (let i = 0; i < 20; i++) await scene.ask(i % 2 === 0);
    assert.ok(scene.upstream.connections() <= 2);
  });

  test("many at once all get theirs", async () => {
    const replies = await Promise.all(Array.from({ length: 50 }, (_, i) => scene.ask(i % 2 === 0)));
    for (const reply of replies) assert.equal(reply.text, "Hello, world");
  });
}
