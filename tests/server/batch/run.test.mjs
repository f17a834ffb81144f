// One run of `repartee batch`: concurrency, order, items that are wrong, pipes, limits.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { program } from "../support/repartee.mjs";
import { jsonLines, modelLine, numbers, until, withScene } from "./scene.mjs";

const byLine = (a, b) => a.line - b.line;

test("ten thousand items: each has its reply, and as many are under way as may be", () =>
  withScene({ delay: 1 }, async (scene) => {
    const items = numbers(1, 10_000).map((n) => ({ message: `m${n}`, id: n }));
    const { code, out, err } = await scene.batch(items, { args: ["-n", "16"] });
    assert.equal(code, 0, err);
    assert.equal(scene.model.most, 16);
    assert.equal(scene.model.calls.length, 10_000);
    out.sort(byLine);
    assert.deepEqual(out.map(({ line, id, status, reply }) => [line, id, status, reply]),
      numbers(1, 10_000).map((n) => [n, n, 200, `re: m${n}`]));
    assert.match(err, /10000 replies in .*s, [\d.]+\/s\n$/);
  }));

test("messages of a session are answered one after the other, in the order of the input", () =>
  withScene({ delay: 3 }, async (scene) => {
    const now = {}, seen = {};
    scene.model.answer = async (text, messages) => {
      const session = text.split(":")[0];
      assert.equal(messages.length, 2 * (seen[session]?.length ?? 0) + 1, "all earlier messages are known");
      now[session] = (now[session] ?? 0) + 1;
      assert.equal(now[session], 1, "never two at a time");
      (seen[session] ??= []).push(text);
      await new Promise((resolve) => setTimeout(resolve, 3));
      now[session]--;
      return "ok";
    };
    const items = numbers(1, 8).flatMap((n) => ["a", "b", "c", "d", "e"].map((s) => ({ message: `${s}:${n}`, session: s })));
    const { code, err } = await scene.batch(items, { args: ["-n", "20"] });
    assert.equal(code, 0, err);
    for (const s of ["a", "b", "c", "d", "e"]) assert.deepEqual(seen[s], numbers(1, 8).map((n) => `${s}:${n}`));
    assert.equal(scene.model.most, 5);
  }));

test("a long row of one session takes nobody's place, and no item fails for waiting", () =>
  withScene({}, async (scene) => {
    let open;
    const gate = new Promise((resolve) => (open = resolve));
    scene.model.answer = async (text) => (text === "s1" ? gate.then(() => "late") : "soon");
    const items = [...numbers(1, 200).map((n) => ({ message: `s${n}`, session: "s" })), ...numbers(1, 50).map((n) => `o${n}`)];
    await scene.write(jsonLines(items));
    const run = scene.start(["-n", "4"]);
    await until(async () => (await scene.lines()).length === 50);
    assert.equal(scene.model.now, 1);
    open();
    const { code, err } = await run.ended;
    assert.equal(code, 0, err);
    assert.equal((await scene.lines()).length, 250);
  }));

test("a line that is wrong has an error of its own, and the others their replies", () =>
  withScene({}, async (scene) => {
    const long = `"${"x".repeat(3000)}"`;
    const input = Buffer.concat([
      Buffer.from('"fine"\n\n  \r\n{"message": "also fine", "id": "a-1"}\r\nno json\n[1]\n{"id": 5}\n{"message": 7, "id": "b"}\n' +
        `${long}\n{"message":"x","id":{}}\n{"message":"  "}\n`),
      Buffer.from([0x22, 0xff, 0xfe, 0x22, 0x0a]),
      Buffer.from('"the last one, without a line break"'),
    ]);
    await scene.write(input);
    const { code, out, err } = await scene.batch(undefined, { args: ["--line", "2KiB"] });
    assert.equal(code, 1);
    out.sort(byLine);
    assert.deepEqual(out.map(({ line, id, status, error }) => [line, id, status, error?.code]), [
      [1, undefined, 200, undefined],
      [4, "a-1", 200, undefined],
      [5, undefined, 400, "invalid_json"],
      [6, undefined, 400, "invalid_request"],
      [7, 5, 400, "invalid_request"],
      [8, "b", 400, "invalid_request"],
      [9, undefined, 413, "too_large"],
      [10, undefined, 400, "invalid_request"],
      [11, undefined, 400, "invalid_request"],
      [12, undefined, 400, "invalid_utf8"],
      [13, undefined, 200, undefined],
    ]);
    assert.match(err, /3 replies, 8 failed \(5 invalid_request, 1 invalid_json, 1 invalid_utf8, 1 too_large\)/);
  }));

test("on pipes each result comes while the input is still open", () =>
  withScene({}, async (scene) => {
    const run = scene.start(["-q"], { files: ["-", "-"] });
    for (const n of [1, 2, 3]) {
      run.child.stdin.write(`"m${n}"\n`);
      await until(() => run.stdout().split("\n").length === n + 1);
    }
    run.child.stdin.end();
    const { code, err, stdout } = await run.ended;
    assert.deepEqual([code, err], [0, ""]);
    assert.deepEqual(stdout.trim().split("\n").map((line) => JSON.parse(line).reply), ["re: m1", "re: m2", "re: m3"]);
  }));

test("a file as stdin is a file: it is counted and gone on with", () =>
  withScene({}, async (scene) => {
    await scene.write(jsonLines(["a", "b", "c"]));
    const command = 'exec "$0" batch - out.jsonl < in.jsonl';
    for (const says of [/: 3 replies in/, /: 0 replies in .*; 3 were there before/]) {
      const { code, err } = await scene.start(["-c", command, program], { command: "sh" }).ended;
      assert.equal(code, 0, err);
      assert.match(err, says);
    }
    assert.equal(scene.model.calls.length, 3);
  }));

test("a reader that has stopped is waited for, and little is asked ahead of it", () =>
  withScene({}, async (scene) => {
    scene.model.answer = () => "x".repeat(50_000);
    await scene.write(jsonLines(numbers(1, 400).map((n) => `m${n}`)));
    const run = scene.start([], { files: ["in.jsonl", "-"] });
    run.child.stdout.pause();
    let before = -1;
    await until(async () => {
      const still = scene.model.calls.length === before && before > 0;
      before = scene.model.calls.length;
      await new Promise((resolve) => setTimeout(resolve, 300));
      return still;
    });
    assert.ok(before < 200, `${before} were asked`);
    run.child.stdout.resume();
    const { code, stdout } = await run.ended;
    assert.equal(code, 0);
    assert.equal(stdout.trim().split("\n").length, 400);
  }));

const limited = (model) =>
  `models { ${modelLine(model)} } pipeline { ratelimit { rate = "10/s", burst = 2, per = "user" }, ask { model = "main" } }`;

test("what a limit refuses for now is asked again when it says so", () =>
  withScene({ bot: limited }, async (scene) => {
    const items = numbers(1, 8).map((n) => ({ message: `m${n}`, user: "u" }));
    const { code, out, err } = await scene.batch(items);
    assert.equal(code, 0, err);
    assert.equal(out.length, 8);
    assert.equal(scene.model.calls.length, 8);
  }));

test("with --wait 0 it is an error that says when", () =>
  withScene({ bot: limited }, async (scene) => {
    const items = numbers(1, 8).map((n) => ({ message: `m${n}`, user: "u" }));
    const { code, out } = await scene.batch(items, { args: ["--wait", "0"] });
    assert.equal(code, 1);
    const refused = out.filter(({ error }) => error?.code === "rate_limited");
    assert.ok(refused.length >= 4 && refused.every(({ status, error }) => status === 429 && error.retry_after >= 1));
  }));

test("a model that is busy is asked again, one that refuses is not", () =>
  withScene({}, async (scene) => {
    let busy = 3;
    scene.model.answer = (text) => (text === "bad" ? 400 : busy-- > 0 ? 429 : "at last");
    const { code, out } = await scene.batch(["good", "bad"], { args: ["-n", "1"] });
    assert.equal(code, 1);
    assert.deepEqual(out.map(({ reply, error }) => reply ?? error.code), ["at last", "upstream_rejected"]);
    assert.deepEqual(scene.model.calls, ["good", "good", "good", "good", "bad"]);
  }));

test("more under way than the bot's own limits take", () =>
  withScene({ bot: (model) => `limits { turns = 2 } models { ${modelLine(model)} } pipeline { ask { model = "main" } }` },
    async (scene) => {
      let open;
      const gate = new Promise((resolve) => (open = resolve));
      scene.model.answer = () => gate.then(() => "ok");
      await scene.write(jsonLines(numbers(1, 40).map((n) => `m${n}`)));
      const run = scene.start(["-n", "32"]);
      await until(() => scene.model.now === 32);
      open();
      assert.equal((await run.ended).code, 0);
    }));

test("what turns tell the world outside is told before the end, and no event is lost on the way", async () => {
  const told = [];
  const desk = http.createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    await new Promise((resolve) => setTimeout(resolve, 50));
    told.push(JSON.parse(body));
    response.end();
  });
  desk.listen(0, "127.0.0.1");
  await once(desk, "listening");
  const bot = () => `events { url = "http://127.0.0.1:${desk.address().port}/", queue = 40 } pipeline { rules { dir = "rules" } }`;
  const rule = `rule "order" { match = "order", reply = function(t) t:event("order", { text = t.text }); return "done" end }`;
  await withScene({ bot, files: { "rules/order.lua": rule } }, async (scene) => {
    const texts = numbers(1, 200).map((n) => `order ${n}`);
    const { code, err } = await scene.batch(texts);
    assert.equal(code, 0, err);
    assert.deepEqual(told.map(({ event, data }) => `${event}: ${data.text}`).sort(), texts.map((text) => `order: ${text}`).sort());
  });
  desk.close();
  desk.closeAllConnections();
});

test("an item can ask why", () =>
  withScene({}, async (scene) => {
    const { out } = await scene.batch([{ message: "hi", explain: true }]);
    assert.equal(out[0].explain.stages[0].stage, "ask");
  }));

test("what is no number, time or size is refused, as are too few files", () =>
  withScene({}, async (scene) => {
    for (const args of [["-n", "0"], ["-n", "10001"], ["-n", "4x"], ["--wait", "soon"], ["--line", "1GiB"], ["--odd"]]) {
      const { code, err } = await scene.start(args).ended;
      assert.equal(code, 2, args.join(" "));
      assert.match(err, /repartee/);
    }
    const { code } = await scene.start([], { files: ["in.jsonl", "--bulk"] }).ended;
    assert.equal(code, 2);
    assert.equal((await scene.start(["--bulk"], { files: ["in.jsonl", "-"] }).ended).code, 2);
    assert.equal(scene.model.calls.length, 0);
  }));
