// A model server that counts what it is asked, and `repartee batch` in a folder of its own.
//
//   const scene = await openScene({ delay: 5 });
//   scene.model.calls                      the messages that came, in order
//   scene.model.most                       how many were asked at the same time, at most
//   scene.model.answer = (text) => …       a text, a number (that status), or a promise of either
//   const { code, out, err } = await scene.batch(items, { args: ["-n", "4"] });   out: the lines of OUT, parsed
//   const run = scene.start(["-n", "4"]);  the same without waiting: run.child, await run.ended
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { program } from "../support/repartee.mjs";

const completion = (text) =>
  JSON.stringify({
    id: "c1", object: "chat.completion", model: "m",
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1 },
  });

async function readBody(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return JSON.parse(Buffer.concat(parts).toString());
}

export async function startModel({ delay = 0 } = {}) {
  const model = { calls: [], now: 0, most: 0, left: 0, answer: (text) => `re: ${text}` };
  const server = http.createServer(async (request, response) => {
    const { messages } = await readBody(request);
    const text = messages.at(-1).content;
    model.calls.push(text);
    model.most = Math.max(model.most, ++model.now);
    response.on("close", () => {
      model.now--;
      if (!response.writableFinished) model.left++;
    });
    if (delay) await sleep(delay);
    const answer = await model.answer(text, messages);
    const status = typeof answer === "number" ? answer : 200;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(status === 200 ? completion(answer) : JSON.stringify({ error: { message: "no" } }));
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  model.url = `http://127.0.0.1:${server.address().port}/v1`;
  model.stop = () => {
    server.closeAllConnections();
    server.close();
  };
  return model;
}

export const modelLine = (model, options = "") =>
  `main = openai { base_url = "${model.url}", api_key = "k", model = "m", retries = 0, ${options} }`;

const lines = (text) => text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
export const jsonLines = (items) => items.map((item) => JSON.stringify(item) + "\n").join("");

export async function openScene({ delay, bot, files = {} } = {}) {
  const model = await startModel({ delay });
  const folder = await mkdtemp(join(tmpdir(), "repartee-batch-"));
  const path = (name) => join(folder, name);
  await writeFile(path("bot.lua"), bot?.(model) ?? `models { ${modelLine(model)} } pipeline { ask { model = "main" } }`,
    { mode: 0o640 });
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(path(name)), { recursive: true });
    await writeFile(path(name), text, { mode: 0o640 });
  }

  function start(args = [], { files: [from, to] = ["in.jsonl", "out.jsonl"], command = program, env = {} } = {}) {
    const words = command === program ? ["batch", ...args, from, to] : args;
    const child = spawn(command, words, { cwd: folder, env: { ...process.env, ...env } });
    let out = "", err = "";
    child.stdin.on("error", () => {});
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    const ended = once(child, "close").then(([code, signal]) => ({ code, signal, err, stdout: out }));
    return { child, ended, stdout: () => out };
  }

  const read = () => readFile(path("out.jsonl"), "utf8").catch(() => "");
  const scene = {
    model, folder, path, start, read,
    lines: async () => lines(await read()),
    write: (text, name = "in.jsonl") => writeFile(path(name), text),
    async batch(items, { args, ...more } = {}) {
      if (items !== undefined) await scene.write(typeof items === "string" ? items : jsonLines(items));
      const run = start(args, more);
      const { code, err } = await run.ended;
      return { code, err, out: lines(await read()) };
    },
    async stop() {
      model.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return scene;
}

export async function withScene(options, use) {
  const scene = await openScene(options);
  try {
    await use(scene);
  } finally {
    await scene.stop();
  }
}

export async function until(ready, ms = 20_000) {
  for (const end = Date.now() + ms; !(await ready()); await sleep(10)) if (Date.now() > end) throw new Error(`not in time: ${ready}`);
}

export const numbers = (from, to) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
