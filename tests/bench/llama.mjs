// scripts/bench llama: the local engine beside llama.cpp's own server, the same file, the same questions, in one run.
//
//     node llama.mjs PROGRAM LLAMA_SERVER MODEL [ROUNDS [TOKENS]]
//
// One conversation at a time, then eight at once; both choose the likeliest token, with as many threads as there are
// cores. The two are asked in turns (A B A B …). Tokens a second by the clock of whoever asks: medians and their ratio.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, start, stopAll } from "./servers.mjs";

const [program, llamaServer, model, rounds = "9", tokens = "128"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "repartee-bench-"));
const threads = availableParallelism();
const CONTEXT = 1024;
const SLOTS = 8;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

async function post(port, path, body) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function startOurs() {
  const port = await freePort();
  writeFileSync(
    join(folder, "bot.lua"),
    `listeners { web = httpd { address = "127.0.0.1:${port}" } }
     models { main = llama { path = "${model}", context = ${CONTEXT}, slots = ${SLOTS}, threads = ${threads}, temperature = 0,
                             max_tokens = ${tokens} } }
     transports { http { on = "web" } }
     log { level = "warn" }
     pipeline { ask { model = "main", history = 0 } }`,
  );
  await start("repartee", port, program, ["run", "-c", join(folder, "bot.lua"), "--workers", "1"]);
  return async (message) => (await post(port, "/v1/chat", { message })).usage.output_tokens;
}

async function startTheirs() {
  const port = await freePort();
  const args = ["-m", model, "--host", "127.0.0.1", "--port", port, "-c", CONTEXT * SLOTS, "-np", SLOTS, "-t", threads];
  await start("llama-server", port, llamaServer, [...args, "--no-webui", "--log-disable"].map(String));
  for (let i = 0; (await fetch(`http://127.0.0.1:${port}/health`)).status !== 200; i++) {
    if (i === 300) throw new Error("llama-server does not get ready");
    await sleep(100);
  }
  return async (message) => {
    const body = { messages: [{ role: "user", content: message }], temperature: 0, max_tokens: Number(tokens) };
    return (await post(port, "/v1/chat/completions", body)).usage.completion_tokens;
  };
}

let asked = 0;
// A new question each time, so that nobody profits from the last.
const question = () => `Question ${++asked}: ${"what would you do in my place, and why? ".repeat(4)}`;

async function speed(ask, atOnce) {
  const begun = performance.now();
  const counts = await Promise.all(Array.from({ length: atOnce }, () => ask(question())));
  return counts.reduce((a, b) => a + b) / ((performance.now() - begun) / 1000);
}

async function measure(ours, theirs, atOnce) {
  const results = { ours: [], theirs: [] };
  for (let i = 0; i < Number(rounds); i++) {
    results.ours.push(await speed(ours, atOnce));
    results.theirs.push(await speed(theirs, atOnce));
  }
  return { ours: median(results.ours), theirs: median(results.theirs) };
}

try {
  const ours = await startOurs();
  const theirs = await startTheirs();
  await speed(ours, 1);
  await speed(theirs, 1);
  console.log("| tokens a second | repartee | llama.cpp's server | ratio |\n|---|---|---|---|");
  for (const [name, atOnce] of [["one turn", 1], ["eight turns at once", SLOTS]]) {
    const { ours: a, theirs: b } = await measure(ours, theirs, atOnce);
    console.log(`| ${name} | ${a.toFixed(1)} | ${b.toFixed(1)} | ${(a / b).toFixed(2)} |`);
  }
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}
