// The same bot over every provider, with an independent mock of all three APIs as the upstream: swapping the model changes
// one line of the bot file and nothing else, neither for the client nor for the rules.
import { LLMock } from "@copilotkit/aimock";
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { askBot } from "./scene.mjs";

// The one line.
const models = {
  openai: (url) => `openai { base_url = "${url}/v1", model = "gpt-4o-mini", api_key = secret "MODEL_KEY" }`,
  anthropic: (url) => `anthropic { base_url = "${url}", model = "claude-sonnet-4-5", api_key = secret "MODEL_KEY" }`,
  ollama: (url) => `ollama { base_url = "${url}", model = "llama3.2" }`,
};

// What the mock says was spent, and of which ends it can tell.
const counts = {
  openai: { input_tokens: 7, output_tokens: 3 },
  anthropic: { input_tokens: 7, output_tokens: 3 },
  ollama: { input_tokens: 0, output_tokens: 0 },
};
const knowsLength = { openai: true, anthropic: true, ollama: false };

const botFile = (line) => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  models {
    main = ${line},
  }
  transports { http { on = "web" } }
  pipeline { rules { dir = "rules" }, ask { model = "main" } }`;

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
  mock.onMessage("half", { content: LONG }, { chunkSize: 7, truncateAfterChunks: 9, latency: 5 });
  mock.on({ userMessage: "lamp", hasToolResult: true }, { content: "We have 7 lamps." });
  mock.on({ userMessage: "lamp", hasToolResult: false }, { toolCalls: [{ id: "call_1", name: "stock", arguments: '{"thing":"lamps"}' }] });
  mock.onMessage("cut short", { content: "This is not all of", finishReason: "length" });
  await mock.start();
  return mock;
}

for (const [name, line] of Object.entries(models)) {
  let mock, bot;
  before(async () => {
    mock = await startMock();
    bot = await startBot({ bot: botFile(line(mock.url)), files: { "rules/shop.lua": rules }, env: { MODEL_KEY: "sk-1" }, args: ["--workers", "1"] });
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
      mock.nextRequestError(401, { message: "no", type: "authentication_error" });
      assert.equal((await askBot(bot, stream, "hello")).code, "upstream_refused");
      mock.nextRequestError(400, { message: "no", type: "invalid_request_error" });
      assert.equal((await askBot(bot, stream, "hello")).code, "upstream_rejected");
    });
  }

  test(`${name}: a stream that is cut is not taken for a reply`, async () => {
    const { text, done, code } = await askBot(bot, true, "half of it");
    assert.equal(code, "upstream_truncated");
    assert.equal(done, undefined);
    assert.ok(LONG.startsWith(text) && text.length < LONG.length);
  });
}
