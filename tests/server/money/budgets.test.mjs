// Budgets over real sockets: a crowd never gets more than there is, whatever keeps the ledger and however many processes do;
// a refused turn makes no call; replies that break off and clients that leave are paid for.
import assert from "node:assert/strict";
import { appendFile, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { ask, metric, pause, post, RESERVED, spent, start, startModel, startRedis, until } from "./scene.mjs";

let folder, redis, model, databases = 0;
const running = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repartee-money-"));
  redis = await startRedis(folder);
  model = await startModel();
});
beforeEach(() => {
  model.release();
  Object.assign(model, { calls: 0, left: 0, say: ["Good ", "day."], end: "whole", usage: { prompt_tokens: 6, completion_tokens: 100 } });
});
after(async () => {
  const ends = await Promise.all(running.map((bot) => bot.stop()));
  for (const end of ends) assert.deepEqual(end, { code: 0, signal: null }); /* nothing was leaked, says the sanitizer */
  await model.stop();
  await redis.stop();
  await rm(folder, { recursive: true, force: true });
});

async function startOne(options, more) {
  const bot = await start({ model, ...options }, more);
  running.push(bot);
  return bot;
}

const stores = {
  memory: () => "memory {}",
  sqlite: () => `sqlite { path = "${folder}/${++databases}.db", synchronous = "normal" }`,
  redis: () => `redis { url = "${redis.url}", prefix = "${++databases}:" }`,
};

const TEN = `bot_tokens = "${10 * RESERVED}/day"`;

// All at once; the model keeps each of its replies until nobody is under way to it any more.
async function crowd(bots, count = 50) {
  model.hold();
  const turns = Array.from({ length: count }, (_, i) => ask(bots[i % bots.length], { user: `u${i}` }));
  let refused = 0;
  for (const turn of turns) turn.then(({ code }) => (refused += code === "budget_spent"));
  await until("all have been answered, or asked the model", () => model.calls + refused === count);
  const calls = model.calls;
  model.release();
  const answers = await Promise.all(turns);
  return { calls, answers };
}

for (const [name, store] of Object.entries(stores))
  test(`fifty turns at once make the ten calls that there is money for (${name})`, async () => {
    const bot = await startOne({ store: store(), budgets: TEN });
    const { calls, answers } = await crowd([bot]);
    assert.equal(calls, 10);
    assert.equal(answers.filter(({ status }) => status === 200).length, 10);
    for (const answer of answers.filter(({ status }) => status !== 200)) {
      assert.equal(answer.status, 429);
      assert.equal(answer.code, "budget_spent");
      assert.ok(answer.retryAfter > 0 && answer.retryAfter <= 86400, answer.retryAfter);
    }
    await until("the ledger has what was given back", async () => {
      await ask(bot); /* workers may hear of sums in another order than they came to be: the next call puts that right */
      return (await spent(bot)) === 10 * RESERVED;
    });
    assert.equal(model.calls, 10);
    assert.equal(await metric(bot, `repartee_budget_limit{bot="shop",period="day",unit="tokens"}`), 10 * RESERVED);
    assert.ok((await metric(bot, `repartee_budget_refused_total{bot="shop",of="bot",period="day",unit="tokens"}`)) > 40);
  });

for (const name of ["sqlite", "redis"])
  test(`two processes have one ledger, and it outlives them (${name})`, async () => {
    const options = { store: stores[name](), budgets: TEN };
    const bots = await Promise.all([startOne(options), startOne(options)]);
    const { calls } = await crowd(bots);
    assert.equal(calls, 10);
    await Promise.all(bots.map((bot) => bot.stop()));
    const again = await startOne(options);
    const answer = await ask(again);
    assert.equal(answer.code, "budget_spent");
    assert.equal(model.calls, 10);
  });

test("a reload goes on counting", async () => {
  const bot = await startOne({ budgets: `bot_tokens = "${2 * RESERVED}/day"` });
  assert.equal((await ask(bot)).status, 200);
  await appendFile(join(bot.folder, "bot.lua"), "-- changed\n");
  process.kill(bot.pid, "SIGHUP");
  await bot.logged((one) => one.message?.startsWith("generation 2 serves"));
  assert.equal((await ask(bot)).status, 200);
  assert.equal((await ask(bot)).code, "budget_spent");
});

test("users have their own, and who has no name counts by the address", async () => {
  const bot = await startOne({ budgets: `user_tokens = "${RESERVED}/day"` });
  assert.equal((await ask(bot, { user: "ann" })).status, 200);
  const refused = await ask(bot, { user: "ann" });
  assert.equal(refused.status, 429);
  assert.equal(refused.message, "the user's budget for this day is used up");
  const streamed = await post(bot, { user: "ann", stream: true });
  assert.equal(streamed.status, 429);
  assert.ok(streamed.headers.get("retry-after") > 0);
  assert.equal((await streamed.json()).error.code, "budget_spent");
  assert.equal((await ask(bot, { user: "bob" })).status, 200);
  assert.equal((await ask(bot)).status, 200);
  assert.equal((await ask(bot)).status, 429); /* a new session, but the same address */
  assert.equal(model.calls, 3);
});

test("a route goes on to a model that is free", async () => {
  const bot = await startOne({
    budgets: `user = "${RESERVED / 1000}/day"`,
    models: `cloud = openai { base_url = "${model.url}", model = "gpt-x", max_tokens = 100, retries = 0 },
             here = scripted { "From here." }, main = route { "cloud", "here" }`,
  });
  assert.equal((await ask(bot, { user: "ann" })).reply, "Good day.");
  for (let i = 0; i < 6; i++) assert.equal((await ask(bot, { user: "ann" })).reply, "From here."); /* nor does it rest the model: */
  assert.equal((await ask(bot, { user: "bob" })).reply, "Good day.");
  assert.equal(model.calls, 2);
});

test("a rule learns that the budget is spent", async () => {
  const bot = await startOne(
    { budgets: `bot_tokens = "1/day"`, rules: `rules { dir = "rules" },` },
    {
      files: {
        "rules/a.lua": `rule "sum-up" { match = "hello", reply = function(t)
          local text, problem = t:generate { prompt = "sum it up" }
          return "{text} {code}", { text = tostring(text), code = problem.code }
        end }`,
      },
    },
  );
  assert.equal((await ask(bot)).reply, "nil budget_spent");
  assert.equal(model.calls, 0);
});

test("a reply that breaks off costs what has come, by estimate", async () => {
  const bot = await startOne({ budgets: TEN });
  model.end = "cut";
  assert.equal((await ask(bot)).code, "upstream_truncated");
  await until("it is settled", async () => (await spent(bot)) < RESERVED);
  const tokens = await spent(bot);
  assert.ok(tokens >= 6 + 2 && tokens <= 6 + 8, tokens);
  assert.equal(await metric(bot, `repartee_model_tokens_estimated_total{bot="shop",model="main",direction="input"}`), 6);
  const told = await bot.logged((one) => one.status === "error");
  assert.equal(told.calls[0].estimated, true);
});

test("a client that leaves pays for what has come", async () => {
  const bot = await startOne({ budgets: TEN });
  model.end = "silent";
  const leave = new AbortController();
  const response = await post(bot, { stream: true }, { signal: leave.signal });
  const reader = response.body.getReader();
  await reader.read();
  assert.equal(await spent(bot), RESERVED);
  leave.abort();
  await reader.closed.catch(() => {});
  await until("the model's connection is closed", () => model.left === 1);
  await until("it is settled", async () => (await spent(bot)) < RESERVED);
  const told = await bot.logged((one) => one.status === "cancelled");
  assert.equal(told.calls[0].outcome, "cancelled");
  assert.ok(told.cost > 0 && told.cost < RESERVED / 1000, told.cost);
});

test("a Redis that dies lets no call through, or all of them where that is wanted", async () => {
  const own = await mkdtemp(join(tmpdir(), "repartee-money-"));
  const server = await startRedis(own);
  const store = `redis { url = "${server.url}" }, sessions = memory {}`;
  const file = (extra) => ({ store, budgets: `${TEN}, store = "main" ${extra}`, name: `shop", sessions = "sessions` });
  const [strict, open] = await Promise.all([startOne(file("")), startOne(file(`, when_store_fails = "allow"`))]);
  assert.equal((await ask(strict)).status, 200);
  await server.stop();
  const refused = await ask(strict);
  assert.equal(refused.status, 500);
  assert.equal(refused.code, "io_error");
  assert.equal(refused.message, "the budget cannot be looked up at the moment");
  assert.equal(model.calls, 1);
  assert.equal((await ask(open)).status, 200);
  await rm(own, { recursive: true, force: true });
});

test("what a process had reserved when it was killed stays spent", async () => {
  const options = { store: stores.sqlite(), budgets: TEN };
  const bot = await start({ model, ...options });
  model.hold();
  const turn = ask(bot).catch(() => "gone");
  await until("the model is asked", () => model.calls === 1);
  await bot.stop("SIGKILL");
  assert.equal(await turn, "gone");
  model.release();
  const again = await startOne(options);
  model.usage = { prompt_tokens: 6, completion_tokens: 4 };
  assert.equal((await ask(again)).status, 200);
  assert.equal(await spent(again), RESERVED + 10);
});

test("a stop in the middle of a reply settles what it has cost", async () => {
  const options = { store: stores.sqlite(), budgets: TEN };
  const bot = await startOne(options);
  model.hold();
  const turn = ask(bot);
  await until("the model is asked", () => model.calls === 1);
  model.usage = { prompt_tokens: 6, completion_tokens: 4 };
  const end = bot.stop();
  await pause(100);
  model.release();
  assert.equal((await turn).status, 200);
  assert.equal((await end).code, 0);
  const again = await startOne(options);
  assert.equal((await ask(again)).status, 200);
  assert.equal(await spent(again), 20);
});
