// The local engine in the real program: whole and streamed, several bots on one file, busy, leaving, a file that is replaced.
// The model is noise, made by the build; where llama.cpp was not found there is none, and nothing to test.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, test } from "node:test";
import { startScene } from "../reload/scene.mjs";
import { program, startBot } from "../support/repartee.mjs";
import { askBot } from "./scene.mjs";

const noise = join(dirname(program), "tests/plugins/models/llama/noise.gguf");
const it = existsSync(noise) ? test : test.skip;
const bots = [];
after(async () => {
  for (const bot of bots) assert.deepEqual(await bot.stop(), { code: 0, signal: null });
});

const botFile = (options, more = "") => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  models { main = llama { path = "${noise}", threads = 1, temperature = 0, ${options} } ${more} }
  transports { http { on = "web" }, ops { on = "web" } }
  pipeline { rules { dir = "rules" }, ask { model = "main" } }`;

async function startLlama(options, { rules = "", more, workers = "2" } = {}) {
  const bot = await startBot({ bot: botFile(options, more), files: { "rules/a.lua": rules }, args: ["--workers", workers] });
  bots.push(bot);
  return bot;
}

const metrics = async (bot) => (await fetch(`${bot.url}/metrics`)).text();

it("a reply is the same whole and streamed, and counted", async () => {
  const bot = await startLlama("max_tokens = 30");
  const whole = await askBot(bot, false, "hello");
  assert.equal(whole.status, 200);
  assert.ok(whole.text.length > 0);
  assert.deepEqual([whole.done.by, whole.done.finish, whole.done.usage.output_tokens], ["model:main", "length", 30]);
  const streamed = await askBot(bot, true, "hello");
  assert.equal(streamed.text, whole.text);
  assert.match(await metrics(bot), /repartee_model_load_milliseconds\{model="main"\} \d+/);
  assert.match(await metrics(bot), /repartee_model_tokens_total\{[^}]*model="main"[^}]*direction="output"[^}]*\} 60/);
});

it("tools can be given to it", async () => {
  const rules = `tool "stock" { description = "Counts.", run = function() return "7" end }
                 generate "support" { tools = { "stock" }, max_tokens = 10 }`;
  const bot = await startLlama("context = 1024", { rules });
  const { status, text } = await askBot(bot, false, "hello"); // noise cannot write a brace: it speaks
  assert.equal(status, 200);
  assert.ok(text.length > 0);
});

it("more turns than slots and queue: some are answered, the others hear when to come again", async () => {
  const bot = await startLlama("slots = 1, queue = 2, max_tokens = 60");
  const answers = await Promise.all(
    Array.from({ length: 12 }, async (_, i) => {
      const response = await fetch(`${bot.url}/v1/chat`, { method: "POST", body: JSON.stringify({ message: `question ${i}` }) });
      return { status: response.status, after: response.headers.get("retry-after"), body: await response.json() };
    }),
  );
  const busy = answers.filter(({ status }) => status !== 200);
  assert.ok(answers.length - busy.length >= 3);
  assert.ok(busy.length > 0);
  for (const { status, after, body } of busy) {
    assert.deepEqual([status, body.error.code], [503, "overloaded"]);
    assert.ok(Number(after) > 0);
  }
});

it("who leaves frees the slot at once", async () => {
  const rules = `rule "short" { match = "^short", generate = { max_tokens = 5 } }`;
  const bot = await startLlama("slots = 1, queue = 8, context = 4096", { rules });
  const left = Array.from({ length: 6 }, async (_, i) => {
    const controller = new AbortController();
    const body = JSON.stringify({ message: `a long one ${i}`, stream: true });
    const response = await fetch(`${bot.url}/v1/chat`, { method: "POST", body, signal: controller.signal }).catch(() => null);
    if (i === 0) await response?.body.getReader().read();
    controller.abort();
  });
  const { status } = await askBot(bot, false, "short");
  assert.equal(status, 200);
  await Promise.all(left);
  for (let i = 0; !/repartee_llama_running\{model="main"\} 0/.test(await metrics(bot)); i++) {
    assert.ok(i < 200, "a slot is still taken");
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
});

it("models that name the same file share it; a file that is replaced is loaded by the next reload", async () => {
  const bot = `
    listeners { web = httpd { address = "127.0.0.1:0" } }
    models { main = llama { path = "model.gguf", temperature = 0, max_tokens = 20, threads = 1 },
             twin = llama { path = "./model.gguf", temperature = 0, max_tokens = 20, threads = 1, slots = 2 } }
    transports { http { on = "web" } }
    pipeline { rules { "rules.lua" }, ask { model = "main" } }`;
  const rules = `rule "twin" { match = "^twin: (?<text>.*)", generate = { model = "twin" } }`;
  const scene = await startScene({ bot, files: { "rules.lua": rules, "model.gguf": readFileSync(noise) }, workers: 2 });
  bots.push(scene);
  const loads = () => scene.log().filter((line) => /million parameters/.test(line.message ?? line.text ?? "")).length;
  assert.equal(loads(), 1);
  const before = (await askBot(scene, false, "hello")).text;
  assert.equal((await askBot(scene, false, "twin: hello")).done.by, "rule:twin");

  const other = join(scene.folder, "other.gguf");
  execFileSync(join(dirname(noise), "make_gguf"), [other, "32", "1", "64", "2", "512"]);
  renameSync(other, join(scene.folder, "model.gguf"));
  assert.equal((await askBot(scene, false, "hello")).text, before);
  assert.equal((await scene.control("reload")).ok, true);
  assert.equal(loads(), 2);
  const next = await askBot(scene, false, "hello");
  assert.equal(next.status, 200);
  assert.notEqual(next.text, before);
});
