// The same bot over every provider, with an independent mock of all three APIs as the upstream, the local engine, and a route:
// swapping the model changes one line of the bot file and nothing else, neither for the client nor for the rules; also in the
// middle of a conversation, by a reload.
import { LLMock } from "@copilotkit/aimock";
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { startScene } from "../reload/scene.mjs";
import { program, startBot } from "../support/repartee.mjs";
import { askBot } from "./scene.mjs";

// The one line. The local engine's model is noise, made by the build where llama.cpp was found.
const noise = join(dirname(program), "tests/plugins/models/llama/noise.gguf");
const models = {
  openai: (url) => `openai { base_url = "${url}/v1", model = "gpt-4o-mini", api_key = secret "MODEL_KEY" }`,
  anthropic: (url) => `anthropic { base_url = "${url}", model = "claude-sonnet-4-5", api_key = secret "MODEL_KEY" }`,
  ollama: (url) => `ollama { base_url = "${url}", model = "llama3.2" }`,
  route: () => `route { "cloud", "spare" }`,
  ...(existsSync(noise) && { llama: () => `llama { path = "${noise}", threads = 1, temperature = 0, max_tokens = 20, context = 4096 }` }),
};
const mocked = Object.keys(models).filter((name) => name !== "llama");

// What the mock says was spent, and of which ends it can tell.
const counts = {
  openai: { input_tokens: 7, output_tokens: 3 },
  anthropic: { input_tokens: 7, output_tokens: 3 },
  ollama: { input_tokens: 0, output_tokens: 0 },
  route: { input_tokens: 7, output_tokens: 3 },
};
const knowsLength = { openai: true, anthropic: true, ollama: false, route: true };

const botFile = (url, line) => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  models {
    cloud = ${models.openai(url)},
    spare = ${models.anthropic(url)},
    main = ${line},
  }
  transports { http { on = "web" } }
  pipeline { rules { dir = "rules" }, ask { model = "main", history = 40 } }`;

const rules = `
  tool "stock" {
    description = "How many of a thing are in stock.",
    parameters = { type = "object", properties = { thing = { type = "string" } }, required = { "thing" } },
    run = function(t, args) return "7 pieces of " .. args.thing end,
  }
  generate "support" { system = "You help in a shop.", temperature = 0.2, max_tokens = 100, tools = { "stock" } }
  rule "hours" { match = "opening hours", reply = "9 to 18" }`;

const LONG = "The quick brown fox jumps over the lazy dog. Grüße, 你好 😀! ".repeat(20).trim();
const sorted = (object) => Object.keys(object).sort();

async function startMock() {
  const mock = new LLMock({ port: 0 });
  mock.onMessage("hello", { content: "Hi there!", usage: { prompt_tokens: 7, completion_tokens: 3 } });
  mock.onMessage("long", { content: LONG }, { chunkSize: 7 });
  mock.onMessage("slow", { content: LONG }, { chunkSize: 100, latency: 20 });
  mock.onMessage("half", { content: LONG }, { chunkSize: 7, truncateAfterChunks: 9, latency: 5 });
  mock.on({ userMessage: "lamp", hasToolResult: true }, { content: "We have 7 lamps." });
  mock.on({ userMessage: "lamp", hasToolResult: false }, { toolCalls: [{ id: "call_1", name: "stock", arguments: '{"thing":"lamps"}' }] });
  mock.onMessage("cut short", { content: "This is not all of", finishReason: "length" });
  await mock.start();
  return mock;
}

test("two bots differ in one line", () => {
  const files = Object.values(models).map((line) => botFile("http://127.0.0.1:1", line("http://127.0.0.1:1")).split("\n"));
  for (const file of files.slice(1)) {
    assert.equal(file.length, files[0].length);
    assert.equal(file.filter((line, i) => line !== files[0][i]).length, 1);
  }
});

// What any client may rely on, whoever replies.
async function talk(bot) {
  const whole = await askBot(bot, false, "hello");
  assert.equal(whole.status, 200);
  const streamed = await askBot(bot, true, "hello");
  for (const { text, done, code } of [whole, streamed]) {
    assert.equal(code, undefined);
    assert.ok(text.length > 0);
    assert.equal(done.reply, text);
    assert.deepEqual(sorted(done), ["by", "finish", "id", "ms", "reply", "session", "usage"]);
    assert.equal(done.by, "generate:support");
    assert.ok(["stop", "length"].includes(done.finish));
  }
  for (const stream of [true, false]) {
    const { done } = await askBot(bot, stream, "opening hours");
    assert.deepEqual([done.by, done.reply], ["rule:hours", "9 to 18"]);
  }
}

for (const [name, line] of Object.entries(models)) {
  test(`${name}: the same client`, async () => {
    const mock = await startMock();
    const bot = await startBot({ bot: botFile(mock.url, line(mock.url)), files: { "rules/shop.lua": rules }, env: { MODEL_KEY: "sk-1" }, args: ["--workers", "2"] });
    await talk(bot);
    assert.deepEqual(await bot.stop(), { code: 0, signal: null });
    await mock.stop();
  });
}

test("in the middle of a conversation: it goes on, nothing fails, and the next turn comes from the new model", async (t) => {
  const mock = await startMock();
  const scene = await startScene({ bot: botFile(mock.url, models.openai(mock.url)), files: { "rules/shop.lua": rules }, env: { MODEL_KEY: "sk-1" }, workers: 2 });
  let going = true;
  t.after(async () => {
    going = false;
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
    await mock.stop();
  });
  const paths = { openai: "/v1/chat/completions", anthropic: "/v1/messages", ollama: "/api/chat", route: "/v1/chat/completions" };
  const messages = [];
  let said = 0;
  const say = async (stream) => {
    const message = `hello, this is number ${++said}.`;
    const { text, code } = await askBot(scene, stream, message, { body: JSON.stringify({ message, session: "s1", stream }) });
    assert.equal(code, undefined);
    assert.ok(text.length > 0);
    messages.push(message);
    return mock.getRequests().filter(({ body }) => JSON.stringify(body).includes(message)).at(-1);
  };
  const others = Array.from({ length: 4 }, async (_, i) => {
    for (let count = 0; ; count++) {
      if (!going) return count;
      const { done, code } = await askBot(scene, (i + count) % 2 === 0, "hello");
      assert.ok(done, code);
    }
  });

  let now = "openai";
  assert.equal((await say(true)).path, paths[now]);
  for (const name of [...Object.keys(models).slice(1), "openai"]) {
    const long = askBot(scene, true, "a slow one please"); // a stream that the reload finds on its way
    await scene.write("bot.lua", botFile(mock.url, models[name](mock.url)));
    const { code, stdout, stderr } = await scene.cli("reload");
    assert.equal(code, 0, stdout + stderr);
    for (const stream of [true, false]) {
      const request = await say(stream);
      if (name === "llama") {
        assert.equal(request, undefined); // nobody else was asked
        continue;
      }
      assert.equal(request.path, paths[name]);
      const asked = JSON.stringify(request.body);
      for (const message of messages) assert.ok(asked.includes(message), `${name} was not told '${message}'`);
    }
    const slow = await long;
    assert.equal(slow.code, undefined);
    assert.ok(now === "llama" ? slow.text.length > 0 : slow.text === LONG, `${slow.text} from ${now}`);
    now = name;
  }
  going = false;
  for (const count of await Promise.all(others)) assert.ok(count > 10);
});

for (const name of mocked) {
  const line = models[name];
  let mock, bot;
  before(async () => {
    mock = await startMock();
    bot = await startBot({ bot: botFile(mock.url, line(mock.url)), files: { "rules/shop.lua": rules }, env: { MODEL_KEY: "sk-1" }, args: ["--workers", "1"] });
  });
  after(async () => {
    assert.deepEqual(await bot?.stop(), { code: 0, signal: null });
    await mock?.stop();
  });

  for (const stream of [true, false]) {
    const how = `${name}, ${stream ? "streamed" : "whole"}`;

    test(`${how}: a reply`, async () => {
      const { status, text, done } = await askBot(bot, stream, "hello");
      assert.equal(status, 200);
      assert.equal(text, "Hi there!");
      assert.deepEqual(sorted(done), ["by", "finish", "id", "ms", "reply", "session", "usage"]);
      assert.deepEqual([done.by, done.finish, done.reply], ["generate:support", "stop", "Hi there!"]);
      assert.deepEqual(done.usage, counts[name]);
    });

    test(`${how}: a long reply comes whole, whatever it is cut into`, async () => {
      assert.equal((await askBot(bot, stream, "a long one please")).text, LONG);
    });

    test(`${how}: a reply that reached its limit says so`, async () => {
      assert.equal((await askBot(bot, stream, "cut short")).done.finish, knowsLength[name] ? "length" : "stop");
    });

    test(`${how}: a tool is called, and its result told`, async () => {
      mock.clearRequests();
      const { text, done } = await askBot(bot, stream, "how many lamps?");
      assert.equal(text, "We have 7 lamps.");
      assert.equal(done.finish, "stop");
      const sent = JSON.stringify(mock.getLastRequest().body);
      assert.ok(sent.includes("7 pieces of lamps"), sent);
      assert.equal(mock.getRequests().length, 2);
    });

    test(`${how}: rules are not touched by it`, async () => {
      const { done } = await askBot(bot, stream, "opening hours");
      assert.deepEqual([done.by, done.reply], ["rule:hours", "9 to 18"]);
    });

    test(`${how}: what passes is tried again, what does not is told`, async () => {
      mock.nextRequestError(503, { message: "busy" });
      assert.equal((await askBot(bot, stream, "hello")).text, "Hi there!");
      const spared = name === "route"; // another one replies
      mock.nextRequestError(401, { message: "no", type: "authentication_error" });
      assert.equal((await askBot(bot, stream, "hello")).code, spared ? undefined : "upstream_refused");
      mock.nextRequestError(400, { message: "no", type: "invalid_request_error" });
      assert.equal((await askBot(bot, stream, "hello")).code, spared ? undefined : "upstream_rejected");
    });
  }

  test(`${name}: a stream that is cut is not taken for a reply`, async () => {
    const { text, done, code } = await askBot(bot, true, "half of it");
    assert.equal(code, "upstream_truncated");
    assert.equal(done, undefined);
    assert.ok(LONG.startsWith(text) && text.length < LONG.length);
  });
}
