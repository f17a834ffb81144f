// A batch that was stopped, killed, or ran into a full disk goes on with the same command: nothing is lost, nothing that
// has a reply is asked again, and nothing that is not a batch's own is touched.
import assert from "node:assert/strict";
import { chmod, lstat, readFile, rename, stat, symlink, writeFile } from "node:fs/promises";
import { test } from "node:test";
import { program } from "../support/repartee.mjs";
import { jsonLines, numbers, until, withScene } from "./scene.mjs";

const messages = (count) => numbers(1, count).map((n) => `m${n}`);
const linesOf = (out) => out.map(({ line }) => line).sort((a, b) => a - b);

// Starts a batch and waits until `enough` of its results are written.
async function startUntil(scene, enough, args = ["-n", "5"], options) {
  const run = scene.start(args, options);
  await until(async () => (await scene.read()).split("\n").length > enough);
  return run;
}

for (const round of [1, 2, 3]) {
  test(`killed in the middle (${round}): only what was under way is asked twice`, () =>
    withScene({ delay: 2 }, async (scene) => {
      await scene.write(jsonLines(messages(400)));
      const run = await startUntil(scene, round * 60);
      run.child.kill("SIGKILL");
      await run.ended;
      await until(() => scene.model.now === 0); // what it had asked has come to the model, and is given up there
      const left = await scene.read();
      const whole = left.slice(0, left.lastIndexOf("\n") + 1).split("\n").length - 1;
      const asked = new Set(scene.model.calls).size;
      assert.ok(asked > whole && asked < whole + 100, `${asked} asked, ${whole} written`);
      const { code, out, err } = await scene.batch();
      assert.equal(code, 0, err);
      assert.deepEqual(linesOf(out), numbers(1, 400));
      assert.equal(scene.model.calls.length, 400 + asked - whole);
      assert.match(err, new RegExp(`; ${whole} were there before`));
    }));
}

test("a last line that was torn is asked again", () =>
  withScene({}, async (scene) => {
    await scene.batch(messages(10));
    const text = await scene.read();
    for (const torn of [text.slice(0, -1), text.slice(0, -30), text.slice(0, text.lastIndexOf('{"line":') + 3), text.slice(0, -9) + "\0\0\0"]) {
      await writeFile(scene.path("out.jsonl"), torn);
      scene.model.calls.length = 0;
      const { code, out, err } = await scene.batch();
      assert.equal(code, 0, err);
      assert.equal(scene.model.calls.length, 1);
      assert.deepEqual(linesOf(out), numbers(1, 10));
    }
  }));

test("what failed is asked again, and its old error is gone", () =>
  withScene({}, async (scene) => {
    scene.model.answer = (text) => (/[37]$/.test(text) ? 500 : "fine");
    const first = await scene.batch(messages(20));
    assert.equal(first.code, 1);
    assert.equal(first.out.filter(({ error }) => error?.code === "upstream_error").length, 4);
    scene.model.answer = () => "fine now";
    scene.model.calls.length = 0;
    const { code, out, err } = await scene.batch();
    assert.equal(code, 0, err);
    assert.deepEqual(scene.model.calls.sort(), ["m13", "m17", "m3", "m7"]);
    assert.deepEqual(linesOf(out), numbers(1, 20));
    assert.ok(out.every(({ error }) => !error));
  }));

test("when all is there nothing is asked, not even the bot is opened", () =>
  withScene({}, async (scene) => {
    await scene.batch(messages(5));
    const before = await scene.read();
    scene.model.calls.length = 0;
    const { code, err } = await scene.batch();
    assert.equal(code, 0);
    assert.match(err, /0 replies.*; 5 were there before/);
    assert.equal(scene.model.calls.length, 0);
    assert.equal(await scene.read(), before);
  }));

test("an input that has changed is refused before anything is asked or written; one that has grown is not", () =>
  withScene({}, async (scene) => {
    await scene.batch(["a", "b", "c"]);
    const before = await scene.read();
    for (const [items, says] of [
      [["a", "other", "c"], /in\.jsonl:2: this line is not what it was when 'out\.jsonl' got its reply/],
      [["a", "b"], /has replies to lines that 'in\.jsonl' does not have/],
      ['"a"\n\n"b"\n"c"\n', /in\.jsonl:3: this line is not what it was/],
      ["", /does not have/],
    ]) {
      const { code, err } = await scene.batch(items);
      assert.equal(code, 1);
      assert.match(err, says);
      assert.equal(await scene.read(), before);
    }
    assert.deepEqual(scene.model.calls.sort(), ["a", "b", "c"]);
    const { code, out } = await scene.batch(["a", "b", "c", "d"]);
    assert.equal(code, 0);
    assert.equal(out.length, 4);
    assert.deepEqual(scene.model.calls.sort(), ["a", "b", "c", "d"]);
  }));

test("a pipe whose items have changed is stopped at the first of them", () =>
  withScene({}, async (scene) => {
    await scene.batch(["a", "b", "c"]);
    const run = scene.start(["-n", "1"], { files: ["-", "out.jsonl"] });
    run.child.stdin.end('"a"\n"other"\n"new"\n');
    const { code, err } = await run.ended;
    assert.equal(code, 1);
    assert.match(err, /stdin:2: this line is not what it was/);
    assert.equal((await scene.lines()).length, 3);
    assert.equal(scene.model.calls.length, 3);
  }));

test("a line that had only an error may be put right", () =>
  withScene({}, async (scene) => {
    assert.equal((await scene.batch('"a"\n{"mesage": "b"}\n"c"\n')).code, 1);
    const { code, out } = await scene.batch('"a"\n{"message": "b"}\n"c"\n');
    assert.equal(code, 0);
    assert.deepEqual(linesOf(out), [1, 2, 3]);
  }));

test("a signal: what is under way is finished, the rest is left for the next run", () =>
  withScene({ delay: 20 }, async (scene) => {
    for (const signal of ["SIGINT", "SIGTERM"]) {
      await writeFile(scene.path("out.jsonl"), "");
      scene.model.calls.length = 0;
      await scene.write(jsonLines(messages(100)));
      const run = await startUntil(scene, 20);
      run.child.kill(signal);
      const { code, err } = await run.ended;
      assert.equal(code, 1);
      assert.match(err, /stopping: 5 under way are finished.*\n.*stopped early: the same command goes on/);
      const written = (await scene.lines()).length;
      assert.ok(written < 100);
      assert.equal(scene.model.calls.length, written, "all that was asked is written");
      assert.equal(scene.model.left, 0);
      assert.equal((await scene.batch()).code, 0);
      assert.equal(scene.model.calls.length, 100);
    }
  }));

test("a signal is heard while a line is read that has no end", () =>
  withScene({}, async (scene) => {
    const run = scene.start([], { files: ["/dev/zero", "out.jsonl"] });
    const status = () => readFile(`/proc/${run.child.pid}/status`, "utf8");
    let end;
    run.ended.then((given) => (end = given));
    try {
      await until(async () => parseInt(/SigCgt:\t.*(.)\n/.exec(await status())[1], 16) & 2); // it looks for SIGINT
      run.child.kill("SIGINT");
      await until(() => end);
      assert.equal(end.code, 1);
      assert.match(end.err, /0 replies in .*; stopped early/);
    } finally {
      run.child.kill("SIGKILL");
    }
  }));

test("a second signal ends at once", () =>
  withScene({}, async (scene) => {
    scene.model.answer = () => new Promise(() => {});
    await scene.write(jsonLines(messages(10)));
    const run = scene.start(["-n", "5"]);
    await until(() => scene.model.now === 5);
    run.child.kill("SIGINT");
    await until(() => scene.model.now === 5);
    await new Promise((resolve) => setTimeout(resolve, 200));
    run.child.kill("SIGINT");
    const { code } = await run.ended;
    assert.equal(code, 130);
    assert.equal(await scene.read(), "");
  }));

test("what does not end is left behind after the bot's own drain limit", () =>
  withScene({ bot: (model) => `limits { drain = "1s" } models { main = openai { base_url = "${model.url}", api_key = "k", model = "m" } }
                               pipeline { ask { model = "main" } }` }, async (scene) => {
    scene.model.answer = (text) => (text === "m1" ? "fine" : new Promise(() => {}));
    await scene.write(jsonLines(messages(10)));
    const run = await startUntil(scene, 1);
    run.child.kill("SIGINT");
    const { code, err } = await run.ended;
    assert.equal(code, 1);
    assert.match(err, /1 replies in/);
    assert.equal((await scene.lines()).length, 1);
  }));

test("a full disk: told, the file has whole lines only, and the next run goes on", () =>
  withScene({}, async (scene) => {
    scene.model.answer = (text) => `${text} ${"x".repeat(700)}`;
    await scene.write(jsonLines(messages(60)));
    const limited = 'ulimit -f 16; exec "$0" batch -n 3 in.jsonl out.jsonl';
    const { code, err } = await scene.start(["-c", limited, program], { command: "sh" }).ended;
    assert.equal(code, 1, err);
    assert.match(err, /cannot write to 'out\.jsonl': File too large\n.*\d+ results are written, \d+ are not/);
    const text = await scene.read();
    assert.ok(text.endsWith("}\n") && text.length <= 16 * 1024, `${text.length} bytes`);
    const written = (await scene.lines()).length;
    assert.ok(written > 5 && written < 40);
    const again = await scene.batch();
    assert.equal(again.code, 0, again.err);
    assert.deepEqual(linesOf(again.out), numbers(1, 60));
    assert.equal(new Set(scene.model.calls).size, 60);
  }));

test("what is no result of a batch is left alone", () =>
  withScene({}, async (scene) => {
    await scene.write(jsonLines(messages(3)));
    const notes = { "notes.txt": "my notes\n", "short.txt": "my", "data.jsonl": '{"line":1}\n', "cut.jsonl": '{"name":"' };
    for (const [name, text] of Object.entries(notes)) {
      await scene.write(text, name);
      const { code, err } = await scene.start([], { files: ["in.jsonl", name] }).ended;
      assert.equal(code, 1, name);
      assert.match(err, new RegExp(`${name}:1: this is no result of a batch`));
      assert.equal(await readFile(scene.path(name), "utf8"), text);
    }
    for (const [files, says] of [
      [["in.jsonl", "in.jsonl"], /'in\.jsonl' is the input/],
      [["in.jsonl", "no/such/out.jsonl"], /cannot write to 'no\/such\/out\.jsonl'/],
      [["in.jsonl", "."], /cannot write to '\.'/],
      [["nothing.jsonl", "out.jsonl"], /cannot read 'nothing\.jsonl'/],
      [[".", "out.jsonl"], /cannot read '\.'/],
    ]) {
      const { code, err } = await scene.start([], { files }).ended;
      assert.equal(code, 1);
      assert.match(err, says);
    }
    assert.equal(scene.model.calls.length, 0);
  }));

test("an input is never taken for a file of the batch's own", () =>
  withScene({}, async (scene) => {
    scene.model.answer = () => 500;
    assert.equal((await scene.batch(["m1"])).code, 1); // an error that is to be taken out
    const input = jsonLines(["m1", "m2"]);
    await scene.write(input, "out.jsonl.tidy");
    const beside = await scene.start([], { files: ["out.jsonl.tidy", "out.jsonl"] }).ended;
    assert.equal(beside.code, 1);
    assert.match(beside.err, /'out\.jsonl\.tidy' is what 'out\.jsonl' would be rewritten to/);
    assert.equal(await readFile(scene.path("out.jsonl.tidy"), "utf8"), input);
    const appended = 'exec "$0" batch in.jsonl - >> in.jsonl';
    const { code, err } = await scene.start(["-c", appended, program], { command: "sh" }).ended;
    assert.equal(code, 1);
    assert.match(err, /'stdout' is the input/);
    assert.equal(await readFile(scene.path("in.jsonl"), "utf8"), jsonLines(["m1"]));
    assert.equal(scene.model.calls.length, 1);
  }));

test("two at a time: the second is refused, and the first goes on", () =>
  withScene({ delay: 10 }, async (scene) => {
    scene.model.answer = (text) => (text === "m1" && scene.model.calls.length === 1 ? 500 : "ok");
    await scene.batch(["m1"]); // an error to be taken out, so that the file is replaced
    await scene.write(jsonLines(messages(100)));
    const run = await startUntil(scene, 10);
    const second = await scene.start().ended;
    assert.equal(second.code, 1);
    assert.match(second.err, /another batch writes to 'out\.jsonl'/);
    assert.equal((await run.ended).code, 0);
    assert.deepEqual(linesOf(await scene.lines()), numbers(1, 100));
  }));

test("a file that is replaced keeps its mode, and a link to it stays one", () =>
  withScene({}, async (scene) => {
    scene.model.answer = () => (scene.model.calls.length === 1 ? 500 : "ok");
    await scene.batch(messages(3), { args: ["-n", "1"] });
    await rename(scene.path("out.jsonl"), scene.path("real.jsonl"));
    await chmod(scene.path("real.jsonl"), 0o604);
    await symlink("real.jsonl", scene.path("out.jsonl"));
    const { code, out } = await scene.batch();
    assert.equal(code, 0);
    assert.deepEqual(linesOf(out), [1, 2, 3]);
    assert.ok((await lstat(scene.path("out.jsonl"))).isSymbolicLink());
    assert.equal((await stat(scene.path("real.jsonl"))).mode & 0o777, 0o604);
  }));
