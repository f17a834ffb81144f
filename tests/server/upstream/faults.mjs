// A model server that misbehaves, in one of the protocols: each fault ends in a clear error for its client and a line in the
// log, and the next message is answered as if nothing had been. At the end nothing is left open.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { askBot, startScene } from "./scene.mjs";
import { wires } from "./wires.mjs";

// fault, what the client gets, how many attempts that took, and text that came before it
export const both = [
  ["hang", "upstream_timeout", 2],
  ["close", "upstream_error", 2],
  ["reset", "upstream_error", 2],
  ["garbage", "upstream_error", 2],
  ["garbageJson", "upstream_error", 1],
  ["noReply", "upstream_error", 1],
  ["html", "upstream_error", 1],
  ["wrongType", "upstream_error", 1],
  ["redirect", "upstream_error", 1],
  ["unknownEncoding", "upstream_error", 1],
  ["endlessHeader", "upstream_error", 2],
  ["unauthorized", "upstream_refused", 1],
  ["forbidden", "upstream_refused", 1],
  ["notFound", "upstream_error", 1],
  ["badRequest", "upstream_rejected", 1],
  ["tooLarge", "upstream_rejected", 1],
  ["quota", "upstream_quota", 1],
  ["noCredit", "upstream_quota", 1],
  ["payFirst", "upstream_quota", 1],
  ["rateLimited", "upstream_rate_limited", 2],
  ["serverError", "upstream_error", 2],
  ["badGateway", "upstream_error", 2],
  ["unavailable", "upstream_error", 2],
  ["overloaded", "upstream_rate_limited", 2],
];
export const wholes = [
  ["cutBody", "upstream_truncated", 2],
  ["hangInBody", "upstream_timeout", 2],
  ["gibibyteOfBody", "upstream_error", 1],
];
export const streams = [
  ["headOnly", "upstream_timeout", 2, ""],
  ["headAndPings", "upstream_timeout", 2, ""],
  ["emptyStream", "upstream_truncated", 2, ""],
  ["errorAtOnce", "upstream_error", 1, ""],
  ["limitedAtOnce", "upstream_rate_limited", 2, ""],
  ["garbageEvent", "upstream_error", 1, "Hello"],
  ["halfAnEvent", "upstream_truncated", 1, "Hello"],
  ["withoutEnd", "upstream_timeout", 1, "Hello"],
  ["pingsInStream", "upstream_timeout", 1, "Hello"],
  ["withoutFinish", "upstream_truncated", 1, "Hello"],
  ["endWithoutReason", "upstream_truncated", 1, "Hello"],
  ["reasonWithoutEnd", "upstream_truncated", 1, "Hello"],
  ["cutChunk", "upstream_truncated", 1, "Hello"],
  ["cut", "upstream_truncated", 1, "Hello"],
  ["errorInStream", "upstream_error", 1, "Hello"],
  ["tenMebibytesOnOneLine", "upstream_error", 1, ""],
];
export const oddities = ["twoReasons", "moreBehindTheEnd", "endThatNeverCloses", "jsonInsteadOfStream", "gzip", "cutLineEnds"];

// A request over a connection that was used before is sent again by libcurl itself when the connection ends without a
// response, since it may have been closed in between: over each that was kept, so the fault must last.
export const resent = ["close", "reset", "garbage"];

// Limits of time for those faults alone that are to meet one: on a busy machine a good reply may be late too. Where text
// comes before, only what comes between is short.
export const limits = {
  patient: "",
  hasty: `timeout_first = "400ms", timeout_stall = "400ms"`,
  halting: `timeout_stall = "400ms"`,
};
export const limitsFor = (code, text) => (code !== "upstream_timeout" ? "patient" : text ? "halting" : "hasty");

export async function until(condition, ms = 20_000) {
  for (const end = performance.now() + ms; !(await condition()); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
}

// A good reply, at once; from a model in a hurry it may be late.
export async function answersAgain(ask, hasty) {
  let text;
  for (let i = 0; i < (hasty ? 5 : 1) && text !== "Hello, world"; i++) ({ text } = await ask());
  assert.equal(text, "Hello, world");
}

export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
export const residentKiB = (pid) => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]);

export function testFaults(name) {
  const wire = wires[name];
  const scenes = {};
  const openAtFirst = {};
  let scene; // the patient one

  before(async () => {
    for (const [hurry, times] of Object.entries(limits)) {
      scenes[hurry] = await startScene({ wire, options: `retries = 1, ${times}`, limits: `turn = "50s"` });
      await answersAgain(scenes[hurry].ask, hurry !== "patient");
      openAtFirst[hurry] = descriptors(scenes[hurry].bot.pid);
    }
    scene = scenes.patient;
  });
  after(async () => {
    for (const each of Object.values(scenes)) {
      const log = each.bot.logText();
      assert.deepEqual(await each.stop(), { code: 0, signal: null });
      assert.ok(!log.includes(each.key), "the key stands in the log");
    }
  });
  beforeEach(() => {
    for (const { upstream } of Object.values(scenes)) {
      upstream.requests.length = 0;
      upstream.play();
    }
  });

  const warningsOf = ({ bot }, from) => bot.log().slice(from).filter((line) => line.component === wire.name && line.level === "WARN").length;

  async function meets(fault, code, attempts, text, streamed) {
    const hurry = limitsFor(code, text);
    const { upstream, bot, ask } = scenes[hurry];
    upstream.play(...Array(resent.includes(fault) ? 100 : attempts).fill(upstream.faults[fault]));
    const from = bot.log().length;
    const reply = await ask(streamed);
    assert.equal(reply.code, code);
    assert.equal(reply.text ?? "", text);
    assert.equal(reply.done, undefined);
    await until(() => upstream.requests.length >= attempts); // what nobody waits for any more may still be on its way
    if (!resent.includes(fault)) assert.equal(upstream.requests.length, attempts);
    await bot.logged((line) => line.code === code && bot.log().indexOf(line) >= from && line.attempt === attempts);
    assert.equal(warningsOf(scenes[hurry], from), attempts);
    upstream.play();
    await answersAgain(() => ask(streamed), hurry !== "patient");
  }

  // Nobody is short of time here: those that would wait for ever leave when the good ones have had their replies.
  test("other turns do not notice", async () => {
    const other = await startScene({ wire, options: "retries = 1", limits: `turn = "50s"` });
    other.upstream.onRequest = ({ body }) => other.upstream.faults[/meet-(\w+)/.exec(JSON.stringify(body.messages))?.[1] ?? "good"];
    const leaving = new AbortController();
    const failing = [];
    const waiting = [];
    const good = [];
    for (const [i, [fault, code]] of [...both, ...streams].entries()) {
      const streamed = i >= both.length || i % 2 === 0;
      const body = JSON.stringify({ message: `meet-${fault}`, stream: streamed });
      const reply = askBot(other.bot, streamed, "", { body, signal: leaving.signal });
      if (code === "upstream_timeout") waiting.push(reply.catch(() => "left"));
      else failing.push(reply.then((got) => assert.equal(got.code, code, fault)));
      good.push(other.ask(true), other.ask(false));
    }
    for (const { text } of await Promise.all(good)) assert.equal(text, "Hello, world");
    await Promise.all(failing);
    leaving.abort();
    for (const left of await Promise.all(waiting)) assert.equal(left, "left");
    assert.equal((await other.ask()).done.reply, "Hello, world");
    assert.deepEqual(await other.stop(), { code: 0, signal: null });
  });

  for (const [fault, code, attempts] of both) {
    test(`${fault}, streamed`, () => meets(fault, code, attempts, "", true));
    test(`${fault}, whole`, () => meets(fault, code, attempts, "", false));
  }
  for (const [fault, code, attempts] of wholes) test(`${fault}, whole`, () => meets(fault, code, attempts, "", false));
  for (const [fault, code, attempts, text] of streams) test(`${fault}, streamed`, () => meets(fault, code, attempts, text, true));

  test("a stream of pings instead of a whole reply is not waited for either", () => meets("headAndPings", "upstream_timeout", 2, "", false));

  for (const oddity of oddities) {
    test(`${oddity} is no fault`, async () => {
      scene.upstream.play(scene.upstream.faults[oddity]);
      const from = scene.bot.log().length;
      const reply = await scene.ask(true);
      assert.equal(reply.text, "Hello, world");
      assert.equal(reply.done.finish, "stop");
      assert.deepEqual(reply.done.usage, { input_tokens: 9, output_tokens: 3 });
      assert.equal(warningsOf(scene, from), 0);
    });
  }

  test("a gibibyte of text ends at the limit of a reply, and is not kept", async () => {
    scene.upstream.play(scene.upstream.faults.gibibyteOfText);
    const before = residentKiB(scene.bot.pid);
    const reply = await scene.ask(true);
    assert.equal(reply.code, "reply_too_long");
    assert.equal(reply.done, undefined);
    const [{ socket }] = scene.upstream.requests;
    for (let i = 0; i < 2000 && !socket.destroyed; i++) await sleep(10);
    assert.ok(socket.destroyed, "the upstream's connection is still open");
    assert.ok(socket.written * 60_000 < 64 << 20, `${socket.written * 60_000} bytes were taken`);
    const grown = residentKiB(scene.bot.pid) - before;
    assert.ok(grown < 48 << 10, `${grown} KiB more than before`);
    scene.upstream.play();
    assert.equal((await scene.ask()).done.reply, "Hello, world");
  });

  test("nobody listens at all", async () => {
    const lonely = await startScene({ wire, baseUrl: "http://127.0.0.1:9", options: "retries = 1" });
    const reply = await lonely.ask();
    assert.equal(reply.code, "upstream_error");
    await lonely.bot.logged((line) => line.message?.includes("could not connect to 127.0.0.1:9: Connection refused"));
    await lonely.stop();
  });

  test("nothing is left open", async () => {
    // connections that are kept for the next question are at both ends; nothing else is
    for (const [hurry, { bot, upstream }] of Object.entries(scenes)) {
      await until(() => descriptors(bot.pid) - openAtFirst[hurry] - (upstream.connections() - 1) <= 0);
    }
  });
}
