// A model that counts its calls and can be made to wait, a Redis of the test's own, and bots that pay for what they ask.
//
//   const model = await startModel()
//   model.calls, model.hold(), model.release()    with hold() replies wait for release()
//   model.say = ["some ", "text"]; model.end = "whole" | "cut" | "silent"; model.usage = { prompt_tokens, … } | null
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createServer } from "node:http";
import { stat } from "node:fs/promises";
import { startBot } from "../support/repartee.mjs";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(what, ready) {
  for (let i = 0; i < 1000; i++) {
    if (await ready()) return;
    await pause(10);
  }
  assert.fail(`it never came to this: ${what}`);
}

const line = (data) => `data: ${JSON.stringify(data)}\n\n`;

// "hello" and what stands around it are estimated as six tokens, and max_tokens below is 100: a call reserves 106.
export const RESERVED = 106;

export async function startModel() {
  const model = { calls: 0, left: 0, say: ["Good ", "day."], end: "whole", usage: { prompt_tokens: 6, completion_tokens: 100 } };
  let gate = Promise.resolve(), open = () => {};
  model.hold = () => (gate = new Promise((resolve) => (open = resolve)));
  model.release = () => open();
  const server = createServer(async (request, response) => {
    for await (const _ of request);
    model.calls++;
    response.on("close", () => (model.left += response.writableFinished ? 0 : 1));
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    for (const text of model.say) response.write(line({ choices: [{ delta: { content: text } }] }));
    await gate;
    if (model.end === "cut") return setTimeout(() => response.destroy(), 20);
    if (model.end === "silent") return;
    response.write(line({ choices: [{ delta: {}, finish_reason: "stop" }], ...(model.usage && { usage: model.usage }) }));
    response.end("data: [DONE]\n\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  model.url = `http://127.0.0.1:${server.address().port}/v1`;
  model.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return model;
}

export async function startRedis(folder) {
  const socket = `${folder}/redis.sock`;
  const redis = spawn("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], { stdio: "ignore" });
  const ended = new Promise((resolve) => redis.on("close", resolve));
  await until("Redis is there", () => stat(socket).catch(() => null));
  return {
    url: `redis+unix://${socket}`,
    async stop() {
      redis.kill("SIGKILL");
      await ended;
    },
  };
}

export const botFile = ({ model, store, budgets, models = "", rules = "", ask = `ask { model = "main" }`, limits = "", name = "shop" }) => `
  bot { name = "${name}" }
  listeners { web = httpd { address = "127.0.0.1:0" } }
  stores { main = ${store ?? "memory {}"} }
  prices { currency = "USD", ["gpt-x"] = { input = 1000, output = 1000 }, here = { input = 0, output = 0 } }
  ${budgets ? `budgets { ${budgets} }` : ""}
  limits { ${limits} }
  models { ${models || `main = openai { base_url = "${model.url}", model = "gpt-x", max_tokens = 100, retries = 0 }`} }
  transports { http { on = "web" }, ops { on = "web" } }
  pipeline { ${rules} ${ask} }`;

export const start = (options, more = {}) => startBot({ bot: botFile(options), args: ["--workers", "2"], ...more });

export const post = (bot, body = {}, init = {}) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message: "hello", ...body }),
    ...init,
  });

export async function ask(bot, body) {
  const response = await post(bot, body);
  const answer = await response.json();
  return { status: response.status, code: answer.error?.code, message: answer.error?.message, reply: answer.reply, retryAfter: response.headers.get("retry-after") };
}

// The value of a series in /metrics, 0 where it is not there.
export async function metric(bot, series) {
  const text = await (await fetch(`${bot.url}/metrics`)).text();
  const found = text.split("\n").find((one) => one.startsWith(`${series} `));
  return found ? Number(found.slice(series.length + 1)) : 0;
}

export const spent = (bot, unit = "tokens", name = "shop") => metric(bot, `repartee_budget_spent{bot="${name}",period="day",unit="${unit}"}`);
