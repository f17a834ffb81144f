// `repartee chat` on a pipe and with a message: one line one turn, exit codes, JSON for machines.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { chat, inFolder, scriptedBot, startChat } from "./program.mjs";

const bot = scriptedBot(["First |reply.", "Second\nreply.", "Third."]);

test("each line gets its reply, in order", async () => {
  const { code, out, err } = await chat({ bot, input: "one\ntwo\nthree\n" });
  assert.deepEqual({ code, out, err }, { code: 0, out: "First reply.\nSecond\nreply.\nThird.\n", err: "" });
});

test("blank lines are skipped, CRLF is an end of line, the last line needs none", async () => {
  const { code, out } = await chat({ bot: scriptedBot(["<{message}>"]), input: "\n  \r\none\r\n\t\ntwo" });
  assert.deepEqual({ code, out }, { code: 0, out: "<one>\n<two>\n" });
});

test("no input is no error", async () => {
  assert.deepEqual(await chat({ bot, input: "" }), { code: 0, signal: null, out: "", err: "" });
});

test("all lines share one session", async () => {
  const { out } = await chat({ bot, args: ["--json"], input: "a\nb\n" });
  const replies = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(replies.length, 2);
  assert.equal(replies[0].session, replies[1].session);
  assert.deepEqual(replies.map((reply) => reply.reply), ["First reply.", "Second\nreply."]);
  assert.ok(replies[0].id && replies[0].by && replies[0].finish === "stop");
});

test("--session and --user choose them; without, the user is $USER", async () => {
  const logging = scriptedBot(["ok"], { extra: `log { level = "info", file = "log" }` });
  const entry = (log) => log.split("\n").filter(Boolean).map((line) => JSON.parse(line)).find((line) => line.prompt);
  const chosen = await chat({ bot: logging, args: ["--json", "--session", "s-7", "--user=u-7", "hi"] });
  assert.equal(JSON.parse(chosen.out).session, "s-7");
  assert.equal(entry(chosen.log).user_id, "u-7");
  assert.equal(entry((await chat({ bot: logging, args: ["hi"] })).log).user_id, "tester");
});

test("a message on the command line is the only one", async () => {
  assert.deepEqual(await chat({ bot, args: ["hello"], input: "not read\n" }),
    { code: 0, signal: null, out: "First reply.\n", err: "" });
});

test("a turn that fails: one line on stderr, the others go on, exit code 1", async () => {
  const failing = scriptedBot(["!upstream_error", "fine", "half |!upstream_error"]);
  const { code, out, err } = await chat({ bot: failing, input: "a\nb\nc\n" });
  assert.equal(code, 1);
  assert.equal(out, "fine\nhalf \n");
  const errors = err.split("\n").filter((line) => line.startsWith("repartee: "));
  assert.equal(errors.length, 2);
  assert.ok(errors.every((line) => line.includes("(upstream_error)")));
});

test("with --json errors are lines of JSON on stdout", async () => {
  const failing = scriptedBot(["!upstream_error", "fine"]);
  const { code, out } = await chat({ bot: failing, args: ["--json"], input: "a\nb\n" });
  const [error, reply] = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.equal(error.error.code, "upstream_error");
  assert.ok(error.error.message && error.error.request_id);
  assert.equal(reply.reply, "fine");
  assert.equal(code, 1);
});

test("bad input costs only its own line", async () => {
  const lines = Buffer.concat([
    Buffer.from([0xff, 0xfe, 0x0a]), Buffer.from("nul \0 inside\n"), Buffer.from("x".repeat(40000) + "\n"),
    Buffer.from("y".repeat(3 << 20) + "\n"), Buffer.from("good\n"),
  ]);
  const { code, out } = await chat({ bot: scriptedBot(["fine"]), args: ["--json"], input: lines });
  const answers = out.trimEnd().split("\n").map((line) => JSON.parse(line));
  assert.deepEqual(answers.map((answer) => answer.error?.code ?? answer.reply),
    ["invalid_utf8", "invalid_request", "too_large", "too_large", "fine"]);
  assert.ok(answers.every((answer) => !answer.error || answer.error.request_id));
  assert.equal(code, 1);
});

test("an empty message on the command line is an error, not silence", async () => {
  const { code, out, err } = await chat({ bot, args: [""] });
  assert.deepEqual([code, out], [1, ""]);
  assert.match(err, /^repartee: .*invalid_request/m);
});

test("a reply is printed as it comes", () => inFolder(scriptedBot(["early |late"], { delay: 300 }), async (folder) => {
  const child = startChat(folder);
  child.stdin.write("hi\n");
  const [first] = await once(child.stdout.setEncoding("utf8"), "data");
  assert.equal(first, "early ");
  child.stdin.end();
  assert.deepEqual(await once(child, "close"), [0, null]);
}));

test("an interactive peer gets each reply before it sends the next line", () => inFolder(bot, async (folder) => {
  const child = startChat(folder, ["--json"]);
  child.stdout.setEncoding("utf8");
  for (const expected of ["First reply.", "Second\nreply.", "Third."]) {
    child.stdin.write("next\n");
    const [line] = await once(child.stdout, "data");
    assert.equal(JSON.parse(line).reply, expected);
  }
  child.stdin.end();
  assert.deepEqual(await once(child, "close"), [0, null]);
}));

test("a reader that leaves ends the chat", () => inFolder(scriptedBot(["a|b|c|d"], { delay: 50 }), async (folder) => {
  const child = startChat(folder);
  child.stdin.on("error", () => {});
  child.stdin.write("one\ntwo\nthree\n"); /* and the input stays open */
  await once(child.stdout, "data");
  child.stdout.destroy();
  assert.deepEqual(await once(child, "exit"), [0, null]);
}));

test("SIGTERM finishes the reply that is coming, and reads no more", () =>
  inFolder(scriptedBot(["a|b|c|d|e"], { delay: 100 }), async (folder) => {
    const child = startChat(folder);
    let out = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stdin.write("one\ntwo\n");
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(out, "abcde\n");
  }));

test("usage", async () => {
  const help = await chat({ bot, args: ["--help"] });
  assert.equal(help.code, 0);
  assert.match(help.out, /^usage: repartee chat /);
  for (const args of [["--nonsense"], ["two", "messages"], ["--session"]]) {
    const { code, out, err } = await chat({ bot, args });
    assert.deepEqual([code, out], [2, ""]);
    assert.notEqual(err, "");
  }
  const missing = await chat({ bot, args: ["-c", "nowhere.lua", "hi"] });
  assert.equal(missing.code, 1);
  assert.match(missing.err, /nowhere\.lua/);
});
