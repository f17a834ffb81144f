// Bulk runs through a route: what one provider does not answer goes to the next one's batch endpoint, or to a model that has
// none.
import assert from "node:assert/strict";
import { afterEach, beforeEach, test } from "node:test";
import { startProvider } from "./provider.mjs";
import { makeScene, modelLine } from "./run.mjs";

const MESSAGES = ["one", "two", "three"];
let first, second, scene;

beforeEach(async () => {
  first = await startProvider("openai");
  second = await startProvider("anthropic");
  second.answer = (body) => ({ text: `second: ${second.said(body)}` });
});
afterEach(async () => {
  await first.stop();
  await second.stop();
  await scene.remove();
});

const run = async (other = modelLine(second)) => {
  scene = await makeScene(first, {
    bot: `models { first = ${modelLine(first)}, other = ${other}, main = route { "first", "other", hedge = 0.5, first = "10ms" } }
      pipeline { ask { model = "main" } }`,
  });
  const { items, log } = await scene.run(MESSAGES);
  return items.map(({ reply, error }) => reply ?? `${error.code} ${log}`);
};

test("as long as the first answers nobody else is asked, however long it takes", async () => {
  first.polls = 20;
  assert.deepEqual(await run(), MESSAGES.map((message) => `echo: ${message}`));
  assert.equal(first.batches.length, 1);
  assert.equal(second.calls.length, 0);
});

test("a batch that fails goes to the next provider as a batch", async () => {
  first.failWith = { code: "invalid_model", message: "no such model" };
  assert.deepEqual(await run(), MESSAGES.map((message) => `second: ${message}`));
  assert.equal(second.batches.length, 1);
});

test("single requests that fail do so by themselves", async () => {
  first.answer = (body) => (first.said(body) === "two" ? { expired: true } : { text: "first" });
  assert.deepEqual(await run(), ["first", "second: two", "first"]);
  assert.deepEqual(second.batches.map(({ requests }) => requests.length), [1]);
});

test("the next may be a model without batches", async () => {
  first.failWith = { code: "invalid_model", message: "no such model" };
  assert.deepEqual(await run(`scripted { "from a script", cycle = true }`), MESSAGES.map(() => "from a script"));
});
