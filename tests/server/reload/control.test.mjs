// The control socket: who may use it, one server a bot, and what its peers cannot do.
import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { ask, openGate, pause, runProgram, say, startScene, until } from "./scene.mjs";

const bot = `
  bot { name = "acme" }
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" } }
  pipeline { rules { files = { "rules.lua" }, time = "55s" } }`;
const files = { "rules.lua": `
  rule "hi" { match = "hi", reply = "hello" }
  rule "wait" { match = "wait", reply = function(t) t:sleep(0.5) return "done" end }` };

// Connects and collects what comes until the server closes.
function talk(path, text, { end = false } = {}) {
  return new Promise((resolve) => {
    const client = net.connect(path);
    let got = "";
    client.setEncoding("utf8").on("data", (data) => (got += data));
    client.on("error", () => {});
    client.on("close", () => resolve(got));
    if (text) client.write(text);
    if (end) client.end();
  });
}

const gated = (gate) => ({ "rules.lua": files["rules.lua"].replace("t:sleep(0.5)", gate.wait) });

test("status tells what there is, in words and as JSON", async (t) => {
  const gate = await openGate(t);
  const server = await startScene({ bot, files: gated(gate), workers: 2 });
  const waiting = say(server, "wait");
  await gate.holds(1);
  const { code, stdout } = await server.cli("status", "--json");
  const status = JSON.parse(stdout);
  assert.equal(code, 0);
  assert.deepEqual(
    { ...status, version: "", uptime_s: status.uptime_s > 0 && status.uptime_s < 60 },
    { ok: true, state: "running", version: "", bot: "acme", file: join(server.folder, "bot.lua"), pid: server.pid,
      uptime_s: true, generation: 1, workers: 2, turns: 1, waiting_for_session: 0, draining: [] });
  assert.match(status.version, /^\d+\.\d+\.\d+$/);
  await server.control("reload");
  const words = (await server.cli("status")).stdout;
  assert.match(words, /^acme, running$/m);
  assert.match(words, /^turns +1 in flight/m);
  assert.match(words, /^generation +2\n +1 is finishing: 2 turns or connections$/m);
  assert.match(words, /^last reload +done, \d+ s ago/m);
  gate.open();
  await waiting;
  await server.stop();
});

test("stop finishes the turns in flight and waits for the end", async (t) => {
  const gate = await openGate(t);
  const server = await startScene({ bot, files: gated(gate) });
  const waiting = say(server, "wait");
  await gate.holds(1);
  const stopping = server.cli("stop");
  await until(async () => (await server.control("status")).state === "stopping");
  gate.open();
  const stopped = await stopping;
  assert.equal(await waiting, "done");
  assert.deepEqual([stopped.code, stopped.stdout], [0, `process ${server.pid} has ended\n`]);
  assert.deepEqual(await server.ended, { code: 0, signal: null });
  await assert.rejects(stat(server.socket));
});

test("the socket is its owner's alone, and goes with the server", async () => {
  const runtime = await mkdtemp(join(tmpdir(), "repartee-run-"));
  const server = await startBot({ bot, files, env: { XDG_RUNTIME_DIR: runtime } });
  const { stdout } = await runProgram(["status"], server.folder, { XDG_RUNTIME_DIR: runtime });
  assert.match(stdout, /^acme, running$/m);
  const folder = join(runtime, "repartee");
  const { readdir } = await import("node:fs/promises");
  const [name] = await readdir(folder);
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600);
  await server.stop();
  assert.deepEqual(await readdir(folder), []);
  await rm(runtime, { recursive: true });
});

test("who asks looks in both usual places", async () => {
  const server = await startBot({ bot, files, env: { XDG_RUNTIME_DIR: "" } });
  const runtime = await mkdtemp(join(tmpdir(), "repartee-run-"));
  const { code, stdout } = await runProgram(["status"], server.folder, { XDG_RUNTIME_DIR: runtime });
  assert.deepEqual([code, stdout.split("\n")[0]], [0, "acme, running"]);
  const link = await mkdtemp(join(tmpdir(), "repartee-link-"));
  await symlink(join(server.folder, "bot.lua"), join(link, "other.lua")); // the same bot by another name
  assert.equal((await runProgram(["status", "-c", "other.lua"], link, { XDG_RUNTIME_DIR: "" })).code, 0);
  await server.stop();
  const after = await runProgram(["status"], "/", { XDG_RUNTIME_DIR: runtime });
  assert.deepEqual([after.code, after.stdout], [1, ""]);
  await rm(runtime, { recursive: true });
  await rm(link, { recursive: true });
});

test("a folder that others can enter is not used", async () => {
  const runtime = await mkdtemp(join(tmpdir(), "repartee-run-"));
  const folder = join(runtime, "repartee");
  await mkdir(folder);
  await chmod(folder, 0o755);
  await assert.rejects(startBot({ bot, files, env: { XDG_RUNTIME_DIR: runtime } }), /closed to others \(chmod 700\)/);
  await rm(folder, { recursive: true });
  await mkdir(join(runtime, "elsewhere"), { mode: 0o700 });
  await symlink(join(runtime, "elsewhere"), folder);
  await assert.rejects(startBot({ bot, files, env: { XDG_RUNTIME_DIR: runtime } }), /must be a folder of your own/);
  await rm(runtime, { recursive: true });
});

test("a second server on the same bot is refused as long as the first lives", async () => {
  const server = await startScene({ bot, files });
  const again = await runProgram(["run", "--control", server.socket], server.folder);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /a server with this bot is running \(control socket .*control\.sock\); --control gives/);
  const beside = join(server.folder, "second.sock");
  const second = await runProgram(["status", "--control", beside], server.folder);
  assert.equal(second.code, 1);
  process.kill(server.pid, "SIGKILL");
  await server.ended;
  const third = await startScene({ bot, files });
  await third.stop();
});

test("a socket that was left behind is replaced, anything else is not", async () => {
  const folder = await mkdtemp(join(tmpdir(), "repartee-control-"));
  const path = join(folder, "c.sock");
  const first = await startBot({ bot, files, args: ["--control", path] });
  process.kill(first.pid, "SIGKILL");
  await first.ended;
  assert.ok((await stat(path)).isSocket());
  const second = await startBot({ bot, files, args: ["--control", path] });
  assert.equal((await ask(path, { command: "status" })).pid, second.pid);
  await second.stop();
  await writeFile(path, "precious");
  await assert.rejects(startBot({ bot, files, args: ["--control", path] }), /is there, and is no socket/);
  await assert.rejects(startBot({ bot, files, args: ["--control", `/tmp/${"x".repeat(200)}`] }), /longer than 103 bytes/);
  await assert.rejects(startBot({ bot, files, args: ["--control", "/nowhere/c.sock"] }), /cannot be made/);
  await rm(folder, { recursive: true });
});

test("peers that send nonsense, nothing or too much are ended, and harm nobody", async () => {
  const server = await startScene({ bot, files });
  assert.match(await talk(server.socket, "GET / HTTP/1.1\r\n\r\n"), /"ok":false.*one line of JSON/);
  assert.match(await talk(server.socket, '{"command": 7}\n'), /names no command/);
  assert.match(await talk(server.socket, '{"command": "dance"}\n', { end: true }), /there is no such command/);
  assert.match(await talk(server.socket, "\0\xff\n"), /"ok":false/);
  assert.match(await talk(server.socket, "x".repeat(1 << 20)), /the line is too long|^$/);
  assert.equal(await talk(server.socket, null, { end: true }), "");
  const before = performance.now();
  assert.equal(await talk(server.socket, '{"command": '), ""); // and then nothing more
  assert.ok(performance.now() - before > 2000 && performance.now() - before < 9000);
  // Several commands in a row, and the end of what there is to say: all are answered.
  const lines = (await talk(server.socket, '{"command":"status"}\n{"command":"reload"}\n{"command":"status"}\n',
    { end: true })).trim().split("\n").map((line) => JSON.parse(line));
  assert.equal(lines[0].generation, 1);
  assert.equal((await server.control("status")).ok, true);
  await server.stop();
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
});

test("peers for whom there is no room wait until others have gone", async () => {
  const server = await startScene({ bot, files });
  const connect = () => net.connect(server.socket).on("error", () => {});
  const leaving = Array.from({ length: 60 }, connect);
  await pause(200);
  for (const client of leaving) client.destroy();
  assert.equal((await server.control("status")).ok, true);
  const before = performance.now();
  const silent = Array.from({ length: 17 }, connect); // one more than are served at a time
  await pause(200);
  assert.equal((await server.control("status")).ok, true);
  assert.ok(performance.now() - before > 1500); // those that say nothing have had their time
  for (const client of silent) client.destroy();
  assert.equal(await say(server, "hi"), "hello");
  await server.stop();
});

test("a peer that leaves while its reload runs takes nothing with it", async () => {
  const server = await startScene({ bot, files });
  for (let i = 0; i < 20; i++) {
    const client = net.connect(server.socket);
    client.on("error", () => {}); // the server may find it one too many
    client.write('{"command":"reload"}\n', () => client.destroy());
    await new Promise((resolve) => client.on("close", resolve));
  }
  assert.equal((await server.control("reload")).ok, true);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
});

test("usage errors are told with exit code 2", async () => {
  for (const [command, ...args] of [["reload", "now"], ["stop", "--hard"], ["status", "-c"]]) {
    const { code, stderr } = await runProgram([command, ...args], "/");
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`usage: repartee ${command}`));
  }
  for (const command of ["reload", "stop", "status"]) {
    const { code, stdout } = await runProgram([command, "--help"], "/");
    assert.equal(code, 0);
    assert.match(stdout, /--control PATH/);
    assert.equal((await runProgram([command, "-c", "/nowhere/bot.lua"], "/")).code, 1);
  }
});
