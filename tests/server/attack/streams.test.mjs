// Standard streams that are closed, or take no more: nothing of ours may get their numbers, and a lost reply is no success.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { test } from "node:test";
import { inFolder, scriptedBot } from "../chat/program.mjs";
import { program } from "../support/repartee.mjs";

// `repartee ARGS REDIRECTIONS`, fed with `input`.
async function shell(folder, line, input = "") {
  const child = spawn("sh", ["-c", `exec "$0" ${line}`, program], { cwd: folder });
  let out = "", err = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const [code, signal] = await once(child, "close");
  clearTimeout(timer);
  return { code, signal, out, err };
}

const chat = (redirections, input) =>
  inFolder(scriptedBot(["fine"]), (folder) => shell(folder, `chat ${redirections}`, input));

test("a chat without stdin is over at once", async () => {
  assert.deepEqual(await chat("<&-"), { code: 0, signal: null, out: "", err: "" });
});

test("a chat without stdout fails and says why", async () => {
  const { code, err } = await chat(">&-", "hi\n");
  assert.equal(code, 1);
  assert.match(err, /^repartee: cannot write the reply: /);
});

test("a chat whose output does not fit on the disk fails and says why", { skip: process.platform !== "linux" }, async () => {
  const { code, err } = await chat(">/dev/full", "one\ntwo\n");
  assert.equal(code, 1);
  assert.match(err, /^repartee: cannot write the reply: No space left on device\n$/);
});

test("a chat without stderr still answers", async () => {
  assert.deepEqual(await chat("2>&-", "hi\n"), { code: 0, signal: null, out: "fine\n", err: "" });
});

test("a server without any stream keeps its log out of its connections", async () => {
  const port = 20_000 + (process.pid % 10_000);
  const bot = `
    listeners { web = httpd { address = "127.0.0.1:${port}" } }
    transports { http { on = "web" } }
    models { main = scripted { replies = { "fine" } } }
    pipeline { ask { model = "main" } }`;
  await inFolder(bot, async (folder) => {
    const child = spawn("sh", ["-c", `exec "$0" run --workers 2 <&- >&- 2>&-`, program], { cwd: folder, stdio: "ignore" });
    const ended = once(child, "close");
    const ask = () => fetch(`http://127.0.0.1:${port}/v1/chat`, { method: "POST", body: '{"message":"hi"}' });
    let response;
    for (let tries = 0; !response?.ok && tries < 100; tries++) {
      response = await ask().catch(() => sleep(100));
    }
    for (let i = 0; i < 20; i++) assert.equal((await (await ask()).json()).reply, "fine");
    child.kill("SIGTERM");
    assert.deepEqual(await ended, [0, null]);
  });
});
