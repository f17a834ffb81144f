// What goes wrong between a batch and its provider: nothing is paid twice, and nobody is left without an answer or an error.
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import http from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { cut, hang, lose, refuse, startProvider } from "./provider.mjs";
import { KEY, SECOND_KEY, makeScene, modelLine } from "./run.mjs";

const MESSAGES = ["one", "two", "three"];
const ECHOES = MESSAGES.map((message) => `echo: ${message}`);
const replies = ({ items }) => items.map(({ reply }) => reply);
const codes = ({ items }) => items.map(({ error }) => error?.code);
const times = (text, pattern) => text.match(new RegExp(pattern, "g"))?.length ?? 0;
const many = (n, fault) => Array.from({ length: n }, () => fault);
const keyOf = ({ headers }) => headers["x-api-key"] ?? headers.authorization?.replace("Bearer ", "");

export function testFaults(name) {
  const uploads = name === "openai";
  const first = uploads ? "upload" : "submit";
  let provider, scene;
  const fresh = async (options) => {
    await scene?.remove();
    scene = await makeScene(provider, options);
  };
  // Waits until the provider has been asked for `step` so many times.
  const until = async (step, n = 1) => {
    for (let i = 0; i < 1000 && provider.only(step).length < n; i++) await sleep(10);
    assert.ok(provider.only(step).length >= n, `${step} does not come`);
  };
  const paidOnce = (messages = MESSAGES) => assert.equal(provider.paid.length, messages.length);
  const allIsWell = (run, messages = MESSAGES) => {
    assert.deepEqual(replies(run), messages.map((message) => `echo: ${message}`), run.log);
    assert.equal(run.code, 0);
    paidOnce(messages);
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

  // ---- handing in ---------------------------------------------------------------------------------------------------

  test(`${name}: a batch that is refused is one line in the log and an error for each`, async () => {
    provider.play(first, refuse(400, provider.wire.failure("not like this")));
    const run = await scene.run(MESSAGES);
    assert.deepEqual(codes(run), many(3, "upstream_rejected"));
    assert.equal(times(run.log, "not like this"), 1);
    assert.deepEqual(await scene.notes(), []);
    assert.equal((await scene.run(MESSAGES)).code, 0, "the same command tries again");
    paidOnce();
  });

  test(`${name}: a key that is refused is told, or gives way to the next, which goes on with the batch`, async () => {
    provider.always = { [first]: (response, call, go) => (keyOf(call) === KEY ? refuse(401, provider.wire.failure("who?", "authentication_error"))(response) : go()) };
    assert.deepEqual(codes(await scene.run(MESSAGES)), many(3, "upstream_refused"));
    await fresh({ keys: `{ secret "MODEL_KEY", secret "MODEL_KEY_2" }` });
    provider.calls.length = 0;
    const run = await scene.run(MESSAGES);
    allIsWell(run);
    for (const call of provider.calls.slice(1)) assert.equal(keyOf(call), SECOND_KEY, call.step);
    assert.ok(!run.log.includes(KEY) && !run.log.includes(SECOND_KEY));
  });

  test(`${name}: one that comes too soon is handed in again when it is told to`, async () => {
    provider.play("submit", refuse(429, undefined, { "Retry-After": "1" }));
    allIsWell(await scene.run(MESSAGES));
    const [one, two] = provider.only("submit");
    assert.ok(two.at - one.at >= 995);
  });

  test(`${name}: a provider that takes no more for now is asked again for longer than a usual attempt`, async () => {
    provider.play("submit", ...many(7, refuse(429)));
    allIsWell(await scene.run(MESSAGES));
  });

  test(`${name}: a used up quota is an error at once`, async () => {
    provider.play(first, refuse(429, provider.wire.failure("you exceeded your current quota", "insufficient_quota")));
    assert.deepEqual(codes(await scene.run(MESSAGES)), many(3, "upstream_quota"));
    assert.equal(provider.only(first).length, 1);
  });

  if (uploads) {
    test(`${name}: an upload that breaks off is made again`, async () => {
      provider.play("upload", cut, refuse(503));
      allIsWell(await scene.run(MESSAGES));
      assert.equal(provider.only("upload").length, 3);
    });

    test(`${name}: an upload that is answered with something else is an error`, async () => {
      provider.play("upload", (response) => response.end("<html>It works!</html>"));
      assert.deepEqual(codes(await scene.run(MESSAGES)), many(3, "upstream_error"));
    });

    test(`${name}: a batch that the provider finds faulty is an error for each, with what it said`, async () => {
      provider.failWith = { code: "invalid_json_line", message: "This line is not parseable", line: 2 };
      const run = await scene.run(MESSAGES);
      assert.deepEqual(codes(run), many(3, "upstream_rejected"));
      assert.match(run.log, /This line is not parseable/);
      assert.deepEqual(await scene.notes(), []);
    });

    test(`${name}: with too much in the provider's queue a batch is handed in again later`, async () => {
      provider.failWith = { code: "token_limit_exceeded", message: "Enqueued token limit reached" };
      setTimeout(() => (provider.failWith = undefined), 400);
      assert.deepEqual(replies(await scene.run(MESSAGES)), ECHOES);
      assert.ok(provider.batches.length > 1);
    });
  }

  for (const [what, fault] of [
    ["whose answer is lost", lose],
    ["whose answer is a gateway's error", (response, call, go) => {
      const head = response.writeHead.bind(response);
      response.writeHead = () => head(502);
      go();
    }],
    ["whose answer is not understood", (response, call, go) => {
      const end = response.end.bind(response);
      response.end = () => end('{"id": 7}');
      go();
    }],
  ]) {
    test(`${name}: a batch ${what} is found in the list, and not handed in again`, async () => {
      provider.play("submit", fault);
      allIsWell(await scene.run(MESSAGES));
      assert.equal(provider.only("submit").length, 1);
    });
  }

  test(`${name}: a batch that never arrived is handed in again, once that is certain`, async () => {
    provider.play("submit", cut);
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("submit").length, 2);
    assert.equal(provider.only("list").length, 2);
  });

  test(`${name}: a provider that takes no batch, and does not say so, is an error in the end`, async () => {
    provider.always = { submit: refuse(500) };
    assert.deepEqual(codes(await scene.run(MESSAGES)), many(3, "upstream_error"));
    assert.equal(provider.only("submit").length, 3);
    assert.deepEqual(await scene.notes(), []);
  });

  test(`${name}: a lost batch is found behind the pages of others`, async () => {
    provider.page = 2;
    for (let i = 0; i < 5; i++) provider.take([{ id: `other-${i}`, body: {} }]);
    provider.paid.length = 0;
    provider.play("submit", (response, call, go) => {
      lose(response, call, go);
      for (let i = 0; i < 3; i++) provider.take([{ id: `later-${i}`, body: {} }]);
      provider.paid.length -= 3;
    });
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("submit").length, 1);
  });

  test(`${name}: as long as it is not known whether a batch was taken, it is not handed in again`, async () => {
    provider.play("submit", lose);
    provider.play("list", ...many(3, refuse(500)));
    const run = await scene.run(MESSAGES);
    assert.equal(provider.only("submit").length, 1);
    if (run.code !== 0) allIsWell(await scene.run(MESSAGES));
    paidOnce();
    assert.match(run.log, /whether it was taken is not known/);
  });

  if (uploads) {
    test(`${name}: where no marks are kept a lost batch is found all the same`, async () => {
      provider.unmarked = true;
      provider.take([{ id: "other", body: {} }]);
      provider.paid.length = 0;
      provider.play("submit", lose);
      allIsWell(await scene.run(MESSAGES));
      assert.equal(provider.only("submit").length, 1);
    });
  }

  test(`${name}: a batch that only looks like the lost one is not taken for it`, async () => {
    provider.unmarked = true;
    const other = provider.take(MESSAGES.map((message, i) => ({ id: `other-${i}`, body: { messages: [{ role: "user", content: message }] } })));
    provider.paid.length = 0;
    provider.play("submit", cut);
    allIsWell(await scene.run(MESSAGES));
    assert.ok(provider.only("results").some(({ batch }) => batch === other), "it was looked at");
    assert.equal(provider.only("submit").length, 2);
  });

  if (!uploads) {
    test(`${name}: results at another host are asked for where the key belongs`, async () => {
      const strangers = [];
      const stranger = http.createServer((request, response) => { strangers.push(request.url); response.end(); });
      await new Promise((resolve) => stranger.listen(0, "127.0.0.1", resolve));
      for (const lead of [`http://127.0.0.1:${stranger.address().port}`, `${provider.url.replace("/v1", "")}@127.0.0.1:${stranger.address().port}`, "file://"]) {
        provider.resultsUrl = (batch) => `${lead}/v1/messages/batches/${batch.id}/results`;
        await scene.rest();
        assert.deepEqual(replies(await scene.run(MESSAGES)), ECHOES);
      }
      stranger.close();
      assert.deepEqual(strangers, []);
    });
  }

  for (const status of [404, 405, 501]) {
    test(`${name}: where there is no batch endpoint (${status}) requests are made one by one, a few at a time`, async () => {
      let open = 0, most = 0;
      provider.always = {
        upload: refuse(status), submit: refuse(status),
        single: async (response, call, go) => {
          most = Math.max(most, ++open);
          await sleep(5);
          open--;
          go();
        },
      };
      const messages = Array.from({ length: 60 }, (_, i) => `message ${i}`);
      const run = await scene.run(messages);
      allIsWell(run, messages);
      assert.ok(most <= 8, `${most} at once`);
      assert.equal(times(run.log, "there is no batch endpoint"), 1);
      assert.deepEqual(await scene.notes(), []);
    });
  }

  test(`${name}: bulk = false asks one by one`, async () => {
    await fresh({ options: "bulk = false" });
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("single").length, 3);
  });

  // ---- waiting ------------------------------------------------------------------------------------------------------

  test(`${name}: looks that fail are made again`, async () => {
    provider.play("poll", refuse(500), cut, refuse(404), (response) => response.end("[]"), refuse(429));
    allIsWell(await scene.run(MESSAGES));
  });

  test(`${name}: a provider that has gone is given up some time, and the next run waits again`, async () => {
    provider.always = { poll: refuse(500) };
    await fresh({ options: "retries = 0" });
    const run = await scene.run(MESSAGES);
    assert.deepEqual(codes(run), many(3, "upstream_error"));
    assert.equal((await scene.notes()).length, 1);
    provider.always = undefined;
    allIsWell(await scene.run(MESSAGES));
    assert.deepEqual(await scene.notes(), []);
  });

  test(`${name}: a batch that the provider does not know any more is an error`, async () => {
    provider.play("poll", ...many(3, refuse(404)));
    assert.ok(codes(await scene.run(MESSAGES)).every(Boolean));
    assert.deepEqual(await scene.notes(), []);
  });

  test(`${name}: results that are refused are asked for again`, async () => {
    provider.play("results", refuse(500), cut);
    allIsWell(await scene.run(MESSAGES));
  });

  test(`${name}: results that cannot be had are an error, and the next run has them`, async () => {
    provider.always = { results: refuse(500) };
    await fresh({ options: "retries = 0" });
    assert.deepEqual(codes(await scene.run(MESSAGES)), many(3, "upstream_error"));
    provider.always = undefined;
    allIsWell(await scene.run(MESSAGES));
  });

  // ---- runs that end early --------------------------------------------------------------------------------------------

  test(`${name}: an interrupted run leaves its batch to the next`, async () => {
    provider.polls = 1e9;
    const run = scene.start(MESSAGES);
    await until("poll", 2);
    run.child.kill("SIGINT");
    await run.ended;
    assert.equal(provider.only("cancel").length, 0);
    assert.equal((await scene.notes()).length, 1);
    provider.polls = 1;
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("submit").length, 1);
    assert.deepEqual(await scene.notes(), []);
  });

  test(`${name}: a reply that takes too long is an error, and the next run waits for the same batch`, async () => {
    provider.polls = 1e9;
    const run = await scene.run(MESSAGES, ["--wait", "1s"]);
    assert.deepEqual(codes(run), many(3, "deadline_exceeded"));
    provider.polls = 1;
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("submit").length, 1);
  });

  const stages = [
    ["its upload is under way", "upload", hang],
    ["it is handed in", "submit", (response, call, go) => { response.end = () => {}; response.writeHead = () => {}; go(); }],
    ["it is about to be handed in", "submit", hang],
    ["the provider works on it", "poll", hang],
    ["its results are about to come", "results", hang],
    ["its results come", "results", (response, call, go) => { response.end = (text) => response.write(text.slice(0, text.indexOf("\n") + 5)); go(); }],
  ];
  for (const [when, step, fault] of stages) {
    if (step === "upload" && !uploads) continue;
    test(`${name}: killed while ${when}, the next run pays nothing twice`, async () => {
      provider.play(step, fault);
      const run = scene.start(MESSAGES);
      await until(step);
      await sleep(100);
      run.child.kill("SIGKILL");
      await run.ended;
      allIsWell(await scene.run(MESSAGES));
      assert.deepEqual(await scene.notes(), []);
    });
  }

  test(`${name}: killed in the second round of a tool, the next run pays neither round twice`, async () => {
    await fresh({
      files: {
        "rules/shop.lua": `
          tool "stock" { description = "How many are left", parameters = { type = "object", properties = { item = { type = "string" } } },
            run = function(t, args) return "7 of " .. args.item end }
          generate "shop" { tools = { "stock" } }`,
      },
      bot: `models { main = ${modelLine(provider)} } pipeline { rules { dir = "rules" }, ask { model = "main" } }`,
    });
    provider.answer = (body) =>
      JSON.stringify(body.messages.at(-1)).includes("7 of") ? { text: "Seven." } : { tools: [{ id: "call_1", name: "stock", input: { item: "pens" } }] };
    provider.always = { poll: (response, call, go) => (provider.batches.length > 1 ? undefined : go()) };
    const run = scene.start(["pens?", "any pens?"]);
    await until("submit", 2);
    await until("poll", 3);
    run.child.kill("SIGKILL");
    await run.ended;
    assert.equal((await scene.notes()).length, 2);
    provider.always = undefined;
    const next = await scene.run(["pens?", "any pens?"]);
    assert.deepEqual(replies(next), ["Seven.", "Seven."], next.log);
    assert.equal(provider.paid.length, 4);
    assert.deepEqual(await scene.notes(), []);
  });

  test(`${name}: what an earlier run's batch did not answer is asked anew`, async () => {
    provider.polls = 1e9;
    const run = scene.start(MESSAGES);
    await until("poll");
    run.child.kill("SIGKILL");
    await run.ended;
    provider.polls = 1;
    let before = true;
    provider.answer = (body) => {
      if (provider.said(body) === "two" && before) { before = false; return { cancelled: true }; }
      return { text: `echo: ${provider.said(body)}` };
    };
    const next = await scene.run(MESSAGES);
    assert.deepEqual(replies(next), ECHOES, next.log);
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length), [1, 3]);
  });

  test(`${name}: a run with further messages asks only those`, async () => {
    provider.polls = 1e9;
    const run = scene.start(MESSAGES);
    await until("poll");
    run.child.kill("SIGKILL");
    await run.ended;
    provider.polls = 1;
    const messages = [...MESSAGES, "four", "five"];
    allIsWell(await scene.run(messages), messages);
    assert.deepEqual(provider.batches.map(({ requests }) => requests.length), [2, 3]);
  });

  test(`${name}: a torn note of the provider's id is as good as none`, async () => {
    provider.polls = 1e9;
    const run = scene.start(MESSAGES);
    await until("poll");
    run.child.kill("SIGKILL");
    await run.ended;
    provider.polls = 1;
    const [file] = await readdir(scene.state);
    const [note] = await scene.notes();
    assert.equal(note.split("\n").length, 3);
    await writeFile(join(scene.state, file), note.slice(0, -10));
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("submit").length, 1);
  });

  test(`${name}: a note that was torn at once was of nothing`, async () => {
    provider.play(first, hang);
    const run = scene.start(MESSAGES);
    await until(first);
    run.child.kill("SIGKILL");
    await run.ended;
    const [file] = await readdir(scene.state);
    await writeFile(join(scene.state, file), (await scene.notes())[0].slice(0, -10));
    allIsWell(await scene.run(MESSAGES));
    assert.equal(provider.only("list").length, 0);
  });

  test(`${name}: a note that is none is told with its place`, async () => {
    provider.polls = 1e9;
    const run = scene.start(MESSAGES);
    await until("poll");
    run.child.kill("SIGKILL");
    await run.ended;
    const [file] = await readdir(scene.state);
    await writeFile(join(scene.state, file), `${(await scene.notes())[0].split("\n")[0]}\n{"batch": 7}\n`);
    const next = await scene.run(MESSAGES);
    assert.equal(next.code, 1);
    assert.ok(next.log.includes(`${join(scene.state, file)}:2: `), next.log);
  });

  test(`${name}: where no notes can be kept, nothing is handed in`, async () => {
    await writeFile(scene.state, "in the way");
    const run = await scene.run(MESSAGES);
    assert.equal(run.code, 1);
    assert.equal(provider.paid.length, 0);
  });
}
