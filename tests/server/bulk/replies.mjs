// Turns asked in bulk, whatever the provider: who gets which answer, in how many batches, and what an item's failure is.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { gzipSync } from "node:zlib";
import { refuse, startProvider } from "./provider.mjs";
import { KEY, makeScene, modelLine } from "./run.mjs";

const count = (n) => Array.from({ length: n }, (_, i) => `message ${i}`);
const replies = ({ items }) => items.map(({ reply }) => reply);
const codes = ({ items }) => items.map(({ error }) => error?.code);

export function testReplies(name) {
  let provider, scene;
  const fresh = async (options) => {
    await scene?.remove();
    scene = await makeScene(provider, options);
  };
  beforeEach(async () => {
    provider = await startProvider(name);
    await fresh();
  });
  afterEach(async () => {
    await provider.stop();
    await scene.remove();
    scene = undefined;
  });

  test(`${name}: many messages are one batch, and each gets its own reply`, async () => {
    const messages = count(300);
    provider.order = (rows) => rows.toReversed();
    const run = await scene.run(messages);
    assert.equal(run.code, 0, run.log);
    assert.deepEqual(replies(run), messages.map((message) => `echo: ${message}`));
    assert.equal(provider.batches.length, 1);
    assert.equal(provider.paid.length, 300);
    assert.deepEqual(run.items[0].usage, { input_tokens: 10, output_tokens: 3 });
    assert.deepEqual(await scene.notes(), [], "what is settled is taken away");
  });

  test(`${name}: the same message is asked once, and everybody gets the answer`, async () => {
    const run = await scene.run(["same", "other", "same", "same"]);
    assert.deepEqual(replies(run), ["echo: same", "echo: other", "echo: same", "echo: same"]);
    assert.equal(provider.paid.length, 2);
  });

  test(`${name}: more messages than a batch takes are several batches`, async () => {
    await fresh({ options: "bulk_count = 4" });
    const run = await scene.run(count(10));
    assert.deepEqual(replies(run), count(10).map((message) => `echo: ${message}`));
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length).toSorted(), [2, 4, 4]);
  });

  test(`${name}: more bytes than a batch takes are several batches`, async () => {
    await fresh({ options: 'bulk_size = "16MiB"' });
    const long = "x".repeat(30_000);
    const messages = Array.from({ length: 700 }, (_, i) => `${i} ${long}`);
    provider.answer = (body) => ({ text: provider.said(body).split(" ")[0] });
    const run = await scene.run(messages);
    assert.deepEqual(replies(run), messages.map((_, i) => `${i}`));
    assert.equal(provider.batches.length, 2);
    for (const call of provider.only(name === "openai" ? "upload" : "submit")) assert.ok(call.body.length <= 16 << 20);
  });

  test(`${name}: looks at a batch come in growing intervals`, async () => {
    await fresh({ options: "", model: modelLine(provider).replace(`bulk_poll_max = "40ms"`, `bulk_poll_max = "10s"`) });
    provider.polls = 7;
    assert.equal((await scene.run(["one"])).code, 0);
    const at = provider.only("poll").map((call) => call.at);
    assert.equal(at.length, 7);
    assert.ok(at[6] - at[5] >= 100, `${at.map((each) => each - at[0])}`); // no sooner; ten milliseconds were the first
  });

  test(`${name}: a look that is told to come later comes later`, async () => {
    provider.play("poll", refuse(429, undefined, { "Retry-After": "1" }));
    assert.equal((await scene.run(["one"])).code, 0);
    const [first, second] = provider.only("poll");
    assert.ok(second.at - first.at >= 995, `${second.at - first.at} ms`);
  });

  test(`${name}: an item's failure is its own`, async () => {
    provider.answer = (body) =>
      provider.said(body) === "bad" ? { status: 400, body: provider.wire.failure("too odd") } : { text: "fine" };
    const run = await scene.run(["one", "bad", "two"]);
    assert.equal(run.code, 1);
    assert.deepEqual(codes(run), [undefined, "upstream_rejected", undefined]);
    assert.equal(provider.batches.length, 1, "what the model cannot take is not asked again");
    assert.match(run.log, /too odd/);
  });

  test(`${name}: what failed for the provider's reasons is asked again in another batch`, async () => {
    let first = true;
    provider.answer = (body) => {
      if (provider.said(body) !== "unlucky" || !first) return { text: "fine" };
      first = false;
      return { status: 529, body: provider.wire.failure("busy", "overloaded_error") };
    };
    const run = await scene.run(["one", "unlucky", "two"]);
    assert.deepEqual(replies(run), ["fine", "fine", "fine"]);
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length), [1, 3]);
  });

  test(`${name}: expired requests go into the next batch, until their attempts are used up`, async () => {
    let rounds = 0;
    provider.answer = (body) => (provider.said(body).startsWith("late") && rounds++ < 2 ? { expired: true } : { text: "fine" });
    const run = await scene.run(["one", "late 1", "late 2"]);
    assert.deepEqual(replies(run), ["fine", "fine", "fine"]);
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length), [2, 3]);
    await scene.rest();
    provider.answer = () => ({ expired: true });
    const again = await scene.run(["late 3"], ["--wait", "2s"]);
    assert.deepEqual(codes(again), ["upstream_timeout"]);
  });

  test(`${name}: cancelled at the provider is an error, and not asked again by itself`, async () => {
    provider.answer = (body) => (provider.said(body) === "stop" ? { cancelled: true } : { text: "fine" });
    const run = await scene.run(["one", "stop"]);
    assert.deepEqual(codes(run), [undefined, "upstream_error"]);
    assert.equal(provider.batches.length, 1);
  });

  test(`${name}: a request that is missing in the results is an error`, async () => {
    provider.answer = (body) => (provider.said(body) === "lost" ? { missing: true } : { text: "fine" });
    const run = await scene.run(["one", "lost"]);
    assert.deepEqual(codes(run), [undefined, "upstream_error"]);
    assert.match(run.log, /without a result for 1 of its requests/);
  });

  test(`${name}: a second result for a request changes nothing`, async () => {
    provider.order = (rows) => [...rows, ...rows.map((row) => ({ ...row, text: row.text.replace("echo", "wrong") }))];
    assert.deepEqual(replies(await scene.run(["one", "two"])), ["echo: one", "echo: two"]);
  });

  test(`${name}: results of others are passed over`, async () => {
    provider.order = (rows) => [{ ...rows[0], text: rows[0].text.replace(/"custom_id":"[^"]+"/, `"custom_id":"request-1"`) }, ...rows];
    assert.deepEqual(replies(await scene.run(["one", "two"])), ["echo: one", "echo: two"]);
  });

  test(`${name}: results come a byte at a time, characters torn apart`, async () => {
    provider.answer = () => ({ text: "Grüße 你好 😀" });
    provider.write = async (response, text) => {
      for (const byte of Buffer.from(text)) {
        response.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      response.end();
    };
    assert.deepEqual(replies(await scene.run(["one", "two"])), ["Grüße 你好 😀", "Grüße 你好 😀"]);
  });

  test(`${name}: results come compressed`, async () => {
    provider.always = {
      results: (response, call, go) => {
        const head = response.writeHead.bind(response);
        response.writeHead = (status, fields) => head(status, { ...fields, "Content-Encoding": "gzip" });
        provider.write = (_, text) => response.end(gzipSync(text));
        go();
      },
    };
    assert.deepEqual(replies(await scene.run(["one", "two"])), ["echo: one", "echo: two"]);
  });

  test(`${name}: results that break off are read again, from those that are missing on`, async () => {
    let times = 0;
    provider.write = (response, text) => {
      if (times++) return response.end(text);
      response.write(text.slice(0, text.indexOf("\n") + 30));
      setTimeout(() => response.socket.resetAndDestroy(), 50);
    };
    const run = await scene.run(["one", "two", "three"]);
    assert.deepEqual(replies(run), ["echo: one", "echo: two", "echo: three"]);
    assert.equal(provider.only("results").length, 2);
    assert.equal(provider.batches.length, 1);
  });

  test(`${name}: results that end inside a line, as if they were whole, are read again`, async () => {
    let times = 0;
    provider.write = (response, text) => response.end(times++ ? text : text.slice(0, -20));
    assert.deepEqual(replies(await scene.run(["one", "two"])), ["echo: one", "echo: two"]);
    assert.equal(provider.batches.length, 1);
  });

  test(`${name}: results that never get whole leave what they have, and an error for the rest`, async () => {
    provider.write = (response, text) => response.end(text.slice(0, -20));
    const run = await scene.run(["one", "two"]);
    assert.equal(codes(run).filter(Boolean).length, 1);
    assert.equal(run.code, 1);
  });

  test(`${name}: garbage among the results is passed over`, async () => {
    provider.write = (response, text) => response.end(`null\n<html>\n{"custom_id":7}\n${text}\u0000\n`);
    const run = await scene.run(["one", "two"]);
    assert.deepEqual(replies(run), ["echo: one", "echo: two"]);
  });

  test(`${name}: broken UTF-8 in a result is an error of that item`, async () => {
    provider.write = (response, text) => {
      const bytes = Buffer.from(text);
      bytes[bytes.indexOf("echo: two") + 6] = 0xff;
      response.end(bytes);
    };
    const run = await scene.run(["one", "two"]);
    assert.deepEqual(codes(run), [undefined, "upstream_error"]);
  });

  test(`${name}: tools take as many batches as rounds`, async () => {
    await fresh({
      files: {
        "rules/shop.lua": `
          tool "stock" { description = "How many are left", parameters = { type = "object", properties = { item = { type = "string" } } },
            run = function(t, args) return "7 of " .. args.item end }
          generate "shop" { tools = { "stock" } }`,
      },
      bot: `models { main = ${modelLine(provider)} } pipeline { rules { dir = "rules" }, ask { model = "main" } }`,
    });
    provider.answer = (body) => {
      const last = JSON.stringify(body.messages.at(-1));
      return last.includes("7 of") ? { text: "There are seven." } : { tools: [{ id: "call_1", name: "stock", input: { item: "pens" } }] };
    };
    const run = await scene.run(["how many pens?", "are there pens?"]);
    assert.deepEqual(replies(run), ["There are seven.", "There are seven."]);
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length), [2, 2]);
  });

  test(`${name}: a rule may ask the model, however long its batch takes`, async () => {
    await fresh({
      files: { "rules/shop.lua": `rule "ask" { match = "^ask (.*)", reply = function(t)
        local text, err = t:generate { prompt = t.match[1] }
        return (text or err.code) .. "!"
      end }` },
      bot: `models { main = ${modelLine(provider)} } pipeline { rules { dir = "rules", time = "500ms" }, ask { model = "main" } }`,
    });
    provider.polls = 25; // for longer than a rule has time
    const run = await scene.run(["ask one", "ask two", "three"]);
    assert.deepEqual(replies(run), ["echo: one!", "echo: two!", "echo: three"], run.log);
    assert.equal(provider.batches.length, 1);
  });

  test(`${name}: a batch costs what its price says, and what is asked one by one the whole`, async () => {
    const costs = (run) => [...run.log.matchAll(/"cost": ?"?([0-9.]+)/g)].map(([, cost]) => Number(cost));
    const money = (row) => ({ options: "", bot: `prices { main = { input = 1000000, output = 1000000, ${row} } }
      models { main = ${modelLine(provider)} } pipeline { ask { model = "main" } }` });
    await fresh(money(""));
    const run = await scene.run(["one"]);
    assert.ok(costs(run).length > 0 && costs(run).every((cost) => cost === 6.5), run.log);
    await fresh(money("bulk = 0.25"));
    assert.ok(costs(await scene.run(["one"])).every((cost) => cost === 3.25));
    await fresh(money(""));
    provider.always = { upload: refuse(404), submit: refuse(404) };
    assert.ok(costs(await scene.run(["one"])).every((cost) => cost === 13));
  });

  test(`${name}: what is left to another run has cost nothing yet`, async () => {
    await fresh({ bot: `prices { main = { input = 1000000, output = 1000000 } }
      models { main = ${modelLine(provider)} } pipeline { ask { model = "main" } }` });
    provider.polls = 1e9;
    const run = await scene.run(["one"], ["--wait", "300ms"]);
    assert.equal(codes(run)[0], "deadline_exceeded");
    assert.doesNotMatch(run.log, /"cost": ?"?[0-9.]*[1-9]/);
    assert.doesNotMatch(run.log, /estimated/);
  });

  test(`${name}: the key is sent, and told to nobody`, async () => {
    const run = await scene.run(["one"]);
    for (const { headers } of provider.calls) assert.ok(JSON.stringify(headers).includes(KEY));
    assert.ok(!run.log.includes(KEY));
  });
}
