// What one sees of a batch: the bar on a pseudo-terminal (played by terminal.py), plain lines elsewhere.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { access } from "node:fs/promises";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { program } from "../support/repartee.mjs";
import { jsonLines, numbers, until, withScene } from "./scene.mjs";

const player = fileURLToPath(new URL("../chat/terminal.py", import.meta.url));
const exists = (path) => access(path).then(() => true, () => false);
const plain = (text) => text.replaceAll(/\x1b\[[0-9;]*[A-Za-z]/g, "");
const pictures = (out) => out.split("\r").map(plain).filter((part) => part.includes("%"));
const OPEN = { touch: "seen" };

// A batch of 40 on a terminal of 80 columns. Half of its items are answered at once, one of them with an error if it
// `fails`; the others when the script has come to OPEN.
async function onTerminal(scene, steps, { fails = false, env = {}, command = [program, "batch", "in.jsonl", "out.jsonl"] } = {}) {
  const gate = until(() => exists(scene.path("seen")), 30_000);
  scene.model.answer = (text) => (Number(text.slice(1)) > 20 ? gate.then(() => "ok") : fails && text === "m7" ? 500 : "ok");
  await scene.write(jsonLines(numbers(1, 40).map((n) => `m${n}`)));
  const child = spawn("python3", [player, JSON.stringify(steps), ...command],
    { cwd: scene.folder, env: { ...process.env, TERM: "xterm", LC_ALL: "C.UTF-8", ...env } });
  let out = "", err = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  return new Promise((resolve, reject) => child.on("error", reject).on("close", (code) => resolve({ code, out, err })));
}

test("a bar with count, share, rate, time left and failures; at its end a summary in its place", () =>
  withScene({}, async (scene) => {
    const { code, out, err } = await onTerminal(scene,
      [{ expect: "20/40 50%" }, { expect: "/s" }, { expect: "left" }, { expect: "1 failed" }, OPEN,
        { expect: "39 replies, 1 failed (1 upstream_error)" }], { fails: true });
    assert.equal(code, 1, out + err);
    assert.match(out, /\[█+·+\] 20\/40 50%, [\d.]+\/s, \d+s left, 1 failed/);
    assert.match(out, /\x1b\[33m/);
    for (const picture of pictures(out)) assert.ok([...picture].length < 80, picture);
    assert.match(out, /\r\x1b\[Krepartee batch: 39 replies/);
  }));

test("a narrow terminal gets no bar, and never more than one row", () =>
  withScene({}, async (scene) => {
    const command = ["sh", "-c", 'stty cols 24; exec "$0" batch in.jsonl out.jsonl', program];
    const { code, out, err } = await onTerminal(scene, [{ expect: "20/40 50%" }, OPEN, { expect: "40 replies" }], { command });
    assert.equal(code, 0, out + err);
    const seen = pictures(out);
    assert.ok(seen.length > 0 && seen.every((picture) => picture.length < 24 && !picture.includes("[")), seen.join("|"));
  }));

test("NO_COLOR takes the colour away, another character set the blocks", () =>
  withScene({}, async (scene) => {
    const { out } = await onTerminal(scene, [{ expect: "20/40" }, OPEN, { expect: "39 replies" }],
      { fails: true, env: { NO_COLOR: "1", LC_ALL: "C" } });
    assert.match(out, /\[#+\.+\] 20\/40/);
    assert.ok(!/\x1b\[\d*m/.test(out));
  }));

test("a dumb terminal sees plain text only; with --quiet there is none", () =>
  withScene({}, async (scene) => {
    const dumb = await onTerminal(scene, [OPEN, { expect: "40 replies" }], { env: { TERM: "dumb" } });
    assert.equal(dumb.code, 0);
    assert.ok(!dumb.out.includes("\x1b") && !dumb.out.includes("%"));
    const quiet = await onTerminal(scene, [OPEN], { command: [program, "batch", "-q", "in.jsonl", "other.jsonl"] });
    assert.deepEqual([quiet.code, quiet.out], [0, ""]);
  }));

test("what is logged stands above the bar", () =>
  withScene({}, async (scene) => {
    const { out } = await onTerminal(scene, [{ expect: "20/40 50%" }, OPEN, { expect: "39 replies" }], { fails: true });
    assert.match(out, /\r\x1b\[K\{"timestamp"[^\r\n]*"code": "upstream_error"[^\r\n]*\}\r?\n/);
  }));

test("Ctrl-C on a terminal stops it, and lets what is under way come to its end", () =>
  withScene({}, async (scene) => {
    const { code, out, err } = await onTerminal(scene,
      [{ expect: "20/40" }, { send: "\x03" }, { expect: "stopping: 8 under way" }, OPEN, { expect: "28 replies" }]);
    assert.equal(code, 1, out + err);
    assert.equal((await scene.lines()).length, 28);
  }));
