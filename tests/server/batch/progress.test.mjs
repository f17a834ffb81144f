// What one sees of a batch: the bar on a pseudo-terminal (played by terminal.py), plain lines elsewhere.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { program } from "../support/repartee.mjs";
import { jsonLines, numbers, withScene } from "./scene.mjs";

const player = fileURLToPath(new URL("../chat/terminal.py", import.meta.url));

// The batch on a terminal of 80 columns; the items named in `gates` wait until the picture shows what is expected.
function onTerminal(scene, steps, { env = {}, command = [program, "batch", "in.jsonl", "out.jsonl"] } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn("python3", [player, JSON.stringify(steps), ...command],
      { cwd: scene.folder, env: { ...process.env, TERM: "xterm", LC_ALL: "C.UTF-8", ...env } });
    let out = "", err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

// Half of the items are answered at once, the others when `ms` have passed.
async function halfLate(scene, ms, { fails = false } = {}) {
  const late = new Promise((resolve) => setTimeout(resolve, ms));
  scene.model.answer = (text) => {
    const n = Number(text.slice(1));
    if (n <= 20) return fails && n === 7 ? 500 : "ok";
    return late.then(() => "ok");
  };
  await scene.write(jsonLines(numbers(1, 40).map((n) => `m${n}`)));
}

test("a bar with count, share, rate, time left and failures; at its end a summary in its place", () =>
  withScene({}, async (scene) => {
    await halfLate(scene, 1500, { fails: true });
    const { code, out, err } = await onTerminal(scene, [{ expect: "20/40 50%" }, { expect: "/s" }, { expect: "left" }, { expect: "1 failed" }, { expect: "39 replies, 1 failed (1 upstream_error)" }]);
    assert.equal(code, 1, out + err);
    assert.match(out, /\[█+·+\] 20\/40 50%, [\d.]+\/s, \d+s left, 1 failed/);
    assert.match(out, /\x1b\[33m/);
    for (const picture of out.split("\r").filter((part) => part.includes("%")))
      assert.ok([...picture.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "")].length < 80, picture);
    assert.match(out, /\r\x1b\[Krepartee batch: 39 replies/);
  }));

test("a narrow terminal gets no bar, and never more than one row", () =>
  withScene({}, async (scene) => {
    await halfLate(scene, 800);
    const command = ["sh", "-c", `stty cols 24; exec "$0" batch in.jsonl out.jsonl`, program];
    const { code, out } = await onTerminal(scene, [{ expect: "20/40 50%" }, { expect: "40 replies" }], { command });
    assert.equal(code, 0);
    const pictures = out.split("\r").filter((part) => part.includes("%")).map((part) => part.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, ""));
    assert.ok(pictures.length > 0 && pictures.every((picture) => picture.length < 24 && !picture.includes("[")), pictures.join("|"));
  }));

test("NO_COLOR takes the colour away, another character set the blocks", () =>
  withScene({}, async (scene) => {
    await halfLate(scene, 800, { fails: true });
    const { out } = await onTerminal(scene, [{ expect: "20/40" }, { expect: "39 replies" }], { env: { NO_COLOR: "1", LC_ALL: "C" } });
    assert.match(out, /\[#+\.+\] 20\/40/);
    assert.ok(!/\x1b\[\d*m/.test(out));
  }));

test("a dumb terminal and a pipe see plain text only; --quiet sees none", () =>
  withScene({}, async (scene) => {
    await halfLate(scene, 600);
    const dumb = await onTerminal(scene, [{ expect: "40 replies" }], { env: { TERM: "dumb" } });
    assert.equal(dumb.code, 0);
    assert.ok(!dumb.out.includes("\x1b") && !dumb.out.includes("%"));
    const quiet = await onTerminal(scene, [], { command: [program, "batch", "-q", "in.jsonl", "other.jsonl"] });
    assert.deepEqual([quiet.code, quiet.out], [0, ""]);
  }));

test("Ctrl-C on a terminal stops it, and lets what is under way come to its end", () =>
  withScene({}, async (scene) => {
    await halfLate(scene, 1200);
    const { code, out } = await onTerminal(scene, [{ expect: "20/40" }, { send: "\x03" }, { expect: "stopping: 8 under way" }, { expect: "28 replies" }]);
    assert.equal(code, 1, out);
    assert.equal((await scene.lines()).length, 28);
  }));
