// Tools over every provider, streamed and whole: the model calls, the tool asks another server, the model goes on. What
// reaches the client is text only.
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";
import { dialects, startModel, startShop } from "./dialects.mjs";

const rules = `
tool "order_status" {
  description = "Where an order is",
  parameters = {
    type = "object",
    properties = { id = { type = "string", pattern = [[^\\d+$]] } },
    required = { "id" }, additionalProperties = false,
  },
  run = function(t, args)
    local r = t:get(t.config.shop .. "/orders/" .. args.id)
    if not r.ok then return nil, "there is no order " .. args.id end
    return r.json
  end,
}
rule "inside" { match = "^inside", reply = function(t)
  local text, why = t:generate { prompt = "Where is 7?", tools = { "order_status" } }
  return text or why.code
end }
rule "form" { match = "^form", generate = { schema = {
  type = "object", properties = { price = { type = "number" } }, required = { "price" }, additionalProperties = false } } }
rule "classify" { match = "^classify", reply = function(t) return (t:classify(t.text, { "billing", "refund" })) end }
rule "extract" { match = "^extract", reply = function(t)
  local order, why = t:extract(t.text, { type = "object", properties = { id = { type = "string", minLength = 3 } }, required = { "id" } })
  return order and order.id or why.code
end }
generate "support" { system = "Be brief.", tools = { "order_status" } }
`;

async function until(condition, ms = 5000) {
  for (const end = performance.now() + ms; !condition(); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
}

for (const [name, dialect] of Object.entries(dialects)) {
  describe(name, () => {
    let model, shop, bot;
    before(async () => {
      model = await startModel(dialect);
      shop = await startShop({ 7: { id: "7", status: "sent" }, 8: { id: "8", status: "packed" }, 9: "hang" });
      bot = await startBot({
        bot: `
          listeners { web = httpd { address = "127.0.0.1:0" } }
          models { main = ${dialect.bot(model.url)} }
          transports { http { on = "web" }, ops { on = "web" } }
          pipeline { rules { dir = "rules", config = { shop = "${shop.url}" } }, ask { model = "main" } }`,
        files: { "rules/a.lua": rules },
        args: ["--workers", "1"],
      });
    });
    after(async () => {
      assert.deepEqual(await bot.stop(), { code: 0, signal: null });
      model.stop();
      shop.stop();
    });
    beforeEach(() => (model.asked.length = shop.requests.length = 0));

    const post = (message, stream, init) =>
      fetch(`${bot.url}/v1/chat`, { method: "POST", body: JSON.stringify({ message, stream }), ...init });
    async function say(message, stream = false) {
      const response = await post(message, stream);
      if (!stream || response.status !== 200) return response.json();
      const events = parseEvents(await response.text());
      const text = events.filter(({ event }) => event === "delta").map(({ data }) => data.text).join("");
      const end = events.at(-1).data;
      if (end.reply !== undefined) assert.equal(text, end.reply);
      return end;
    }

    for (const stream of [false, true]) {
      const how = stream ? "streamed" : "whole";

      test(`a tool is called and its result told, ${how}`, async () => {
        model.play({ calls: [{ name: "order_status", args: { id: "7" } }] }, { text: "Order 7 is on its way." });
        const reply = await say("where is 7?", stream);
        assert.equal(reply.reply, "Order 7 is on its way.");
        assert.equal(reply.by, "generate:support");
        assert.equal(reply.finish, "stop");
        assert.deepEqual(reply.usage, { input_tokens: 20, output_tokens: 4 });
        const [first, second] = model.asked;
        assert.equal(first.tools[0].name, "order_status");
        assert.equal(first.tools[0].parameters.required[0], "id");
        const [called] = second.messages.filter(({ calls }) => calls);
        assert.deepEqual(called.calls[0].args, { id: "7" });
        const result = second.messages.at(-1);
        assert.equal(result.role, "tool");
        assert.deepEqual(JSON.parse(result.text), { id: "7", status: "sent" });
        assert.equal(result.id, called.calls[0].id);
      });

      test(`text and two calls at once, then a wrong one, ${how}`, async () => {
        model.play(
          { text: "Let me see.", calls: [{ name: "order_status", args: { id: "7" } }, { name: "order_status", args: { id: "8" } }] },
          { calls: [{ name: "order_status", args: { id: "x" } }] },
          { calls: [{ name: "order_status", args: { id: "404" } }] },
          { text: "Both are well." },
        );
        const reply = await say("where are 7 and 8?", stream);
        assert.equal(reply.reply, "Let me see.\n\nBoth are well.");
        assert.equal(shop.requests.length, 3);
        const results = model.asked[3].messages.filter(({ role }) => role === "tool").map(({ text }) => text);
        assert.match(results[0], /sent/);
        assert.match(results[1], /packed/);
        assert.match(results[2], /^Error: the arguments do not fit, nothing was done:\n\/id: must match the pattern/);
        assert.equal(results[3], "Error: there is no order 404");
      });

      test(`t:generate runs tools by itself, ${how}`, async () => {
        model.play({ calls: [{ name: "order_status", args: { id: "7" } }] }, { text: "It is on its way." });
        const reply = await say("inside", stream);
        assert.equal(reply.reply, "It is on its way.");
        assert.equal(reply.by, "rule:inside");
        assert.deepEqual(reply.usage, { input_tokens: 20, output_tokens: 4 });
      });

      test(`a model that only calls tools is stopped, ${how}`, async () => {
        model.play(...Array(20).fill({ calls: [{ name: "order_status", args: { id: "7" } }] }));
        const reply = await say("where is 7?", stream);
        assert.equal(reply.error.code, "tool_limit");
        assert.equal(model.asked.length, 9);
      });

      test(`a reply that must fit is asked for again, ${how}`, async () => {
        model.play({ text: "It costs 3." }, { text: '{"price": "3"}' }, { text: '```json\n{"price": 3}\n```' });
        const reply = await say("form", stream);
        assert.equal(reply.reply, '{"price": 3}');
        assert.equal(reply.by, "rule:form");
        assert.match(model.asked[2].messages.at(-1).text, /\/price: must be a number, not a string/);
        if (model.asked[0].schema) assert.deepEqual(model.asked[0].schema.required, ["price"]);
        else assert.match(JSON.stringify(model.asked[0].messages), /It must fit this JSON Schema/);
      });
    }

    test("labels and values are read out of replies", async () => {
      model.play({ text: "Refund." });
      assert.equal((await say("classify this")).reply, "refund");
      model.play({ text: '{"id": "1"}' }, { text: '{"id": "100202"}' });
      assert.equal((await say("extract this")).reply, "100202");
      assert.equal(model.asked.length, 3);
    });

    test("a client that leaves ends the tool's own call", async () => {
      model.play({ calls: [{ name: "order_status", args: { id: "9" } }] });
      const leaving = new AbortController();
      const response = post("where is 9?", true, { signal: leaving.signal }).then((r) => r.text()).catch(() => null);
      await until(() => shop.requests.length === 1);
      leaving.abort();
      await response;
      await until(() => shop.requests[0].open === false);
    });

    test("calls are counted", async () => {
      const text = await (await fetch(`${bot.url}/metrics`)).text();
      assert.match(text, /^repartee_model_calls_total\{model="main",outcome="ok"\} [1-9]\d*$/m);
      assert.match(text, /^repartee_model_tokens_total\{bot="[^"]*",model="main",direction="input"\} [1-9]\d*$/m);
      assert.match(text, /^repartee_model_seconds_count\{model="main"\} [1-9]\d*$/m);
      assert.match(text, /^repartee_tool_calls_total\{tool="order_status",outcome="invalid"\} 2$/m);
      assert.match(text, /^repartee_tool_calls_total\{tool="order_status",outcome="cancelled"\} 1$/m);
    });
  });
}
