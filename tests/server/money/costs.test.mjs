// What calls have cost, in the log, the metrics and the explanation: no budgets here.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ask, metric, pause, post, start, startModel, until } from "./scene.mjs";

let model, bot;

before(async () => {
  model = await startModel();
  model.usage = { prompt_tokens: 12, completion_tokens: 3 };
  bot = await start({
    model,
    limits: "metric_users = 2",
    models: `main = openai { base_url = "${model.url}", model = "gpt-x" }, here = scripted { "From here." }`,
    rules: `rules { dir = "rules" },`,
  }, { files: { "rules/a.lua": `
    rule "fixed" { match = "^fixed", reply = "No model is asked." }
    rule "both" { match = "^both", reply = function(t)
      return t:generate { prompt = "one" } .. t:generate { prompt = "two", model = "here" }
    end }` } });
});
after(async () => {
  assert.deepEqual(await bot.stop(), { code: 0, signal: null });
  await model.stop();
});

const lineOf = (id) => bot.logged((one) => one.request_id === id && one.status);

async function turn(body) {
  const response = await post(bot, body);
  return { answer: await response.json(), line: await lineOf(response.headers.get("x-request-id")) };
}

test("the line of a turn has its tokens, its cost and its calls", async () => {
  const { answer, line } = await turn({ user: "ann" });
  assert.deepEqual(answer.usage, { input_tokens: 12, output_tokens: 3 });
  assert.equal(line.user_id, "ann");
  assert.equal(line.input_tokens, 12);
  assert.equal(line.output_tokens, 3);
  assert.equal(line.cost, 0.015);
  assert.equal(line.currency, "USD");
  assert.deepEqual(line.calls, [{ model: "main", outcome: "ok", input_tokens: 12, output_tokens: 3, cost: 0.015 }]);
});

test("calls of several models can be told apart", async () => {
  const { line } = await turn({ message: "both", user: "ann" });
  assert.deepEqual(line.calls.map(({ model, cost }) => [model, cost]), [["main", 0.015], ["here", 0]]);
  assert.equal(line.cost, 0.015);
});

test("a rule's reply costs nothing and says nothing of costs", async () => {
  const { line } = await turn({ message: "fixed", user: "ann" });
  for (const key of ["calls", "cost", "currency", "input_tokens"]) assert.equal(line[key], undefined);
});

test("metrics are for each model, and for as many users as are allowed", async () => {
  for (const user of ["bob", "carl", "dora"]) await ask(bot, { user });
  assert.equal(await metric(bot, `repartee_model_tokens_total{bot="shop",model="main",direction="input"}`), 5 * 12);
  assert.equal(await metric(bot, `repartee_model_cost_total{bot="shop",model="main"}`), 5 * 15_000_000);
  assert.equal(await metric(bot, `repartee_user_tokens_total{bot="shop",user="bob",direction="output"}`), 3);
  assert.equal(await metric(bot, `repartee_user_cost_total{bot="shop",user="other"}`), 2 * 15_000_000);
  assert.equal(await metric(bot, `repartee_user_cost_total{bot="shop",user="carl"}`), 0);
});

test("a model that says nothing of its use is estimated, and that is told", async () => {
  model.usage = null;
  const { line } = await turn({ user: "ann" });
  assert.equal(line.calls[0].estimated, true);
  assert.equal(line.input_tokens, 6);
  assert.ok(line.output_tokens >= 2 && line.output_tokens <= 6);
});

test("a crowd that shares a call has its cost in one line", async () => {
  model.usage = { prompt_tokens: 12, completion_tokens: 3 };
  model.calls = 0;
  const shared = await start({ model, ask: `cache {}, ask { model = "main" }` });
  model.hold();
  const turns = Array.from({ length: 5 }, (_, i) => post(shared, { user: `u${i}` }));
  await until("the model is asked", () => model.calls === 1);
  await pause(200);
  model.release();
  const answers = await Promise.all(turns);
  const ids = answers.map((response) => response.headers.get("x-request-id"));
  for (const response of answers) assert.equal(response.status, 200);
  const lines = await Promise.all(ids.map((id) => shared.logged((one) => one.request_id === id && one.status)));
  const costs = lines.filter(({ cost }) => cost !== undefined);
  assert.equal(model.calls, 1);
  assert.deepEqual(costs.map(({ cost, calls }) => [cost, calls.length]), [[0.015, 1]]);
  assert.equal(await metric(shared, `repartee_model_cost_total{bot="shop",model="main"}`), 15_000_000);
  assert.deepEqual(await shared.stop(), { code: 0, signal: null });
});
