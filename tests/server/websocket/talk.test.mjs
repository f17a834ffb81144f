// What is said on a WebSocket: replies, sessions, order, errors, cancelling.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { openClient, scriptedBot } from "./client.mjs";

let quick, slow;

before(async () => {
  quick = await startBot({ bot: scriptedBot(["One |two |three.", "你好|，|世界\n\"quoted\""]), args: ["--workers", "1"] });
  slow = await startBot({
    bot: scriptedBot(["a|b|c|d|e|f|g|h"], { delay: 60, websocket: "queue = 2" }), args: ["--workers", "1"],
  });
});
after(async () => {
  assert.deepEqual(await quick.stop(), { code: 0, signal: null });
  assert.deepEqual(await slow.stop(), { code: 0, signal: null });
});

test("the deltas add up to the reply", async () => {
  const client = await openClient(quick);
  const first = await client.ask("hi");
  assert.equal(first.end.type, "reply");
  assert.equal(first.end.reply, first.text);
  assert.deepEqual(first.deltas, ["One ", "two ", "three."]);
  for (const field of ["id", "session", "by", "finish", "usage", "ms"]) assert.ok(field in first.end, field);
  const second = await client.ask("hi");
  assert.equal(second.text, "你好，世界\n\"quoted\"");
  assert.equal(second.end.reply, second.text);
  assert.equal((await client.end()).code, 1000);
});

test("the connection remembers session and user, until told otherwise", async () => {
  const client = await openClient(quick);
  const made = (await client.ask("hi")).end.session;
  assert.match(made, /^[0-9a-z]{26}$/);
  assert.equal((await client.ask("hi")).end.session, made);
  assert.equal((await client.ask("hi", { session: "mine", user: "u1" })).end.session, "mine");
  assert.equal((await client.ask("hi")).end.session, "mine");
  await quick.logged((line) => line.session === "mine" && line.user_id === "u1");
  const fresh = (await client.ask("hi", { session: "", user: "" })).end.session;
  assert.ok(fresh !== "mine" && fresh !== made);
  await client.end();
});

test("'message' is taken for 'text', and an id given is the turn's", async () => {
  const client = await openClient(quick);
  client.send({ type: "message", message: "hi", id: "mine-1", metadata: { page: "/" } });
  assert.equal((await client.turn()).end.id, "mine-1");
  await client.end();
});

test("ping is answered with pong", async () => {
  const client = await openClient(quick);
  client.send({ type: "ping" });
  assert.deepEqual(await client.next(), { type: "pong" });
  await client.end();
});

test("every mistake gets an error frame, and the connection goes on", async () => {
  const client = await openClient(quick);
  const cases = [
    ["", "invalid_json"], ["{", "invalid_json"], ["[".repeat(5000), "invalid_json"], ["null", "invalid_request"],
    ["{}", "invalid_request"], ['{"type":"hello"}', "invalid_request"], ['{"type":"message"}', "invalid_request"],
    ['{"type":"message","text":1}', "invalid_request"], ['{"type":"message","text":"  "}', "invalid_request"],
    ['{"type":"message","text":"a","metadata":[]}', "invalid_request"],
    ['{"type":"message","text":"a","session":"\\u0007"}', "invalid_request"],
    [JSON.stringify({ type: "message", text: "a", user: "u".repeat(129) }), "invalid_request"],
    [JSON.stringify({ type: "message", text: "a".repeat(40000) }), "too_large"],
    ['{"type":"message","text":"a","text":"b"}', "invalid_json"],
  ];
  for (const [text, code] of cases) {
    client.send(text);
    const frame = await client.next();
    assert.equal(frame.type, "error", text.slice(0, 60));
    assert.equal(frame.error.code, code, text.slice(0, 60));
    assert.ok(frame.error.message && frame.error.request_id);
    await quick.logged((line) => line.request_id === frame.error.request_id);
  }
  assert.equal((await client.ask("hi")).end.type, "reply");
  await client.end();
});

test("messages sent at once are answered one after the other", async () => {
  const client = await openClient(quick);
  for (const id of ["q1", "q2", "q3"]) client.send({ type: "message", text: "hi", id });
  for (const id of ["q1", "q2", "q3"]) {
    const { end, text } = await client.turn();
    assert.equal(end.id, id);
    assert.equal(end.reply, text);
  }
  await client.end();
});

test("more messages than the queue holds are refused as overloaded", async () => {
  const client = await openClient(slow);
  for (const id of ["q1", "q2", "q3", "q4"]) client.send({ type: "message", text: "hi", id });
  const ends = [];
  while (ends.length < 4) ends.push((await client.turn()).end);
  assert.deepEqual(ends.map((end) => [end.type, end.id ?? end.error.request_id, end.error?.code]), [
    ["error", "q4", "overloaded"], ["reply", "q1", undefined], ["reply", "q2", undefined], ["reply", "q3", undefined]]);
  await client.end();
});

test("cancel ends the turn at once, and only it", async () => {
  const client = await openClient(slow);
  client.send({ type: "cancel" });
  client.send({ type: "message", text: "hi", id: "c1" });
  assert.equal((await client.next()).text, "a");
  client.send({ type: "cancel", id: "another" });
  assert.equal((await client.next()).text, "b");
  client.send({ type: "cancel", id: "c1" });
  const { end, deltas } = await client.turn();
  assert.ok(deltas.length < 5);
  assert.equal(end.error.code, "cancelled");
  assert.equal(end.error.request_id, "c1");
  await slow.logged((line) => line.request_id === "c1" && line.status !== "success");
  assert.equal((await client.ask("again")).text, "abcdefgh");
  await client.end();
});

test("a client that leaves in the middle cancels its turn and disturbs nobody", async () => {
  const [leaver, stayer] = [await openClient(slow), await openClient(slow)];
  const staying = stayer.ask("hi");
  leaver.send({ type: "message", text: "hi", id: "gone-1" });
  await leaver.next();
  leaver.socket.terminate();
  const line = await slow.logged((entry) => entry.request_id === "gone-1");
  assert.notEqual(line.status, "success");
  assert.equal((await staying).text, "abcdefgh");
  await stayer.end();
});

test("a model that fails in the middle ends the turn as an error", async () => {
  const bot = await startBot({ bot: scriptedBot(["so |far|!upstream_error", "fine"]), args: ["--workers", "1"] });
  const client = await openClient(bot);
  const { end, text } = await client.ask("hi");
  assert.equal(text, "so far");
  assert.equal(end.type, "error");
  assert.equal(end.error.code, "upstream_error");
  assert.equal((await client.ask("hi")).text, "fine");
  await client.end();
  assert.equal((await bot.stop()).code, 0);
});
