// A model server that misbehaves: each fault ends in a clear error for its client and a line in the log, and the next
// message is answered as if nothing had been.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { faults } from "./faulty.mjs";
import { startScene } from "./scene.mjs";

let scene;
before(async () => {
  scene = await startScene({ options: `retries = 1, timeout_first = "1s", timeout_stall = "1s"` });
});
after(async () => {
  const log = scene.bot.logText();
  assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  assert.ok(!log.includes(scene.key), "the key stands in the log");
});
beforeEach(() => (scene.upstream.requests.length = 0));

// fault, what the client gets, how many attempts that took, and text that came before it
const both = [
  ["hang", "upstream_timeout", 2],
  ["close", "upstream_error", 2],
  ["reset", "upstream_error", 2],
  ["garbage", "upstream_error", 2],
  ["garbageJson", "upstream_error", 1],
  ["noChoices", "upstream_error", 1],
  ["html", "upstream_error", 1],
  ["wrongType", "upstream_error", 1],
  ["redirect", "upstream_error", 1],
  ["endlessHeader", "upstream_error", 2],
  ["unauthorized", "upstream_refused", 1],
  ["notFound", "upstream_error", 1],
  ["badRequest", "upstream_rejected", 1],
  ["quota", "upstream_quota", 1],
  ["rateLimited", "upstream_rate_limited", 2],
  ["serverError", "upstream_error", 2],
  ["unavailable", "upstream_error", 2],
  ["overloaded", "upstream_rate_limited", 2],
];
const streams = [
  ["garbageEvent", "upstream_error", 1, "Hello"],
  ["halfAnEvent", "upstream_truncated", 1, "Hello"],
  ["withoutEnd", "upstream_timeout", 1, "Hello"],
  ["withoutFinish", "upstream_truncated", 1, "Hello"],
  ["doneWithoutFinish", "upstream_truncated", 1, "Hello"],
  ["cut", "upstream_truncated", 1, "Hello"],
  ["errorInStream", "upstream_error", 1, "Hello"],
  ["tenMebibytesOnOneLine", "upstream_error", 1, ""],
];

// A request over a connection that was used before is sent once more by libcurl itself when the connection ends without
// a response, since it may have been closed in between.
const resent = ["close", "reset", "garbage"];

function warnings(from) {
  const warning = (line) => line.component === "openai" && line.level === "WARN";
  return scene.bot.log().slice(from).filter(warning).length;
}

async function meets(fault, code, attempts, text, streamed) {
  scene.upstream.play(...Array(2 * attempts).fill(faults[fault]));
  const from = scene.bot.log().length;
  const reply = await scene.ask(streamed);
  assert.equal(reply.code, code);
  assert.equal(reply.text ?? "", text);
  assert.equal(reply.done, undefined);
  const sent = scene.upstream.requests.length;
  if (!resent.includes(fault)) assert.equal(sent, attempts);
  await scene.bot.logged((line) => line.code === code && scene.bot.log().indexOf(line) >= from && line.attempt === attempts);
  assert.equal(warnings(from), attempts);
  scene.upstream.play();
  assert.equal((await scene.ask(streamed)).done.reply, "Hello, world");
}

for (const [fault, code, attempts] of both) {
  test(`${fault}, streamed`, () => meets(fault, code, attempts, "", true));
  test(`${fault}, whole`, () => meets(fault, code, attempts, "", false));
}
for (const [fault, code, attempts, text] of streams) {
  test(`${fault}, streamed`, () => meets(fault, code, attempts, text, true));
}

test("nobody listens at all", async () => {
  const lonely = await startScene({ baseUrl: "http://127.0.0.1:9/v1", options: "retries = 1" });
  const reply = await lonely.ask();
  assert.equal(reply.code, "upstream_error");
  await lonely.bot.logged((line) => line.message?.includes("could not connect to 127.0.0.1:9: Connection refused"));
  await lonely.stop();
});

test("other turns do not notice", async () => {
  const names = [...both, ...streams].map(([fault]) => fault);
  scene.upstream.play(...names.flatMap((name) => [faults[name], faults.good]));
  const replies = await Promise.all(Array.from({ length: 3 * names.length }, (_, i) => scene.ask(i % 2 === 0)));
  for (const { done, code } of replies) assert.ok(done ? done.reply === "Hello, world" : code.startsWith("upstream_"));
  assert.ok(replies.filter(({ done }) => done).length > names.length);
  scene.upstream.play();
  assert.equal((await scene.ask()).done.reply, "Hello, world");
});
