// scripts/bench: repartee beside nginx, in one run on one machine.
//
//     node bench.mjs PROGRAM TOOLS [SECONDS [ROUNDS]]     TOOLS: the folder with probe and mock_stream
//
// Each row drives both with the same client, in turns (A B A B …), with one worker each, answers of the same size and
// the same upstream, and shows the medians and their ratio. What is counted is processor time of the server's own
// processes, as the kernel accounts it.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, start, startNginx, stopAll } from "./servers.mjs";

const here = dirname(fileURLToPath(import.meta.url));
const [program, tools, seconds = "3", rounds = "5"] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "repartee-bench-"));
const run = promisify(execFile);

const CONNECTIONS = 64;
const IDLE = 2000;
const DELTA_INTERVAL_MS = 2;

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

function bodyFile(name, body) {
  const path = join(folder, name);
  writeFileSync(path, JSON.stringify(body));
  return path;
}

// "{n}" becomes one of 256 numbers: as many users and sessions.
const pad = "I have been a customer for years and would like to know before I come by this week.";
const bodies = {
  rule: bodyFile("rule.json", { message: `Please repeat the warranty claim. ${pad}`, session: "s{n}", user: "u{n}" }),
  model: bodyFile("model.json", { message: `What shall I cook tonight? ${pad}`, session: "s{n}", user: "u{n}" }),
  stream: bodyFile("stream.json", { message: `What shall I cook tonight? ${pad}`, session: "s{n}", user: "u{n}", stream: true }),
};

// ---- what is driven ----------------------------------------------------------------------------------------------

const completion = JSON.stringify({
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1,
  model: "mock",
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "A lentil soup with carrots and cumin takes half an hour and one pot." },
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 25, completion_tokens: 15, total_tokens: 40 },
});

const proxy = (upstream, more = "") =>
  `location / { proxy_pass http://${upstream}; proxy_http_version 1.1; proxy_set_header Connection ""; ${more} }`;
const upstream = (name, port) => `upstream ${name} { server 127.0.0.1:${port}; keepalive 128; }`;

async function startBot(name, model, ports, more = {}) {
  const port = await freePort();
  return start(name, port, program, ["run", "-c", join(here, "bot/bot.lua"), "--workers", "1", "--control", join(folder, `${name}.sock`)], {
    BENCH_PORT: String(port),
    BENCH_MODEL: model,
    BENCH_MODEL_PORT: String(ports.model),
    BENCH_STREAM_PORT: String(ports.stream),
    ...more,
  });
}

async function post(port, path, file) {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: readFileSync(file, "utf8").replaceAll("{n}", "001"),
  });
  const text = await response.text();
  if (response.status !== 200) throw new Error(`${path} on port ${port}: ${response.status} ${text}`);
  return text;
}

async function startAll() {
  const ports = { model: await freePort(), stream: await freePort() };
  const all = {
    model: await startNginx("model", folder, ports.model, `location / { return 200 '${completion}'; }`),
    stream: await start("mock_stream", ports.stream, join(tools, "mock_stream"), [
      String(ports.stream),
      String(DELTA_INTERVAL_MS),
    ]),
    bot: await startBot("repartee", "plain", ports),
    cacheBot: await startBot("repartee-cache", "plain", ports, { BENCH_CACHE: "yes" }),
    streamBot: await startBot("repartee-stream", "stream", ports),
  };
  const reply = await post(all.bot.port, "/v1/chat", bodies.rule);
  if (JSON.parse(reply).by !== "rule:repeat-warranty") throw new Error(`not what was expected: ${reply}`);
  const same = JSON.stringify({ reply: "x".repeat(reply.length - 12) });
  for (const by of ["model:plain", "cache"]) {
    const answer = JSON.parse(await post(all.cacheBot.port, "/v1/chat", bodies.model));
    if (answer.by !== by) throw new Error(`the cache: not what was expected: ${JSON.stringify(answer)}`);
  }
  all.fixed = await startNginx("fixed", folder, await freePort(), `location / { return 200 '${same}'; }`);
  all.proxy = await startNginx("proxy", folder, await freePort(), proxy("model"), upstream("model", ports.model));
  all.streamProxy = await startNginx(
    "stream-proxy",
    folder,
    await freePort(),
    proxy("stream", "proxy_buffering off;"),
    upstream("stream", ports.stream),
  );
  return all;
}

// ---- measures ------------------------------------------------------------------------------------------------------

async function wrk(server, path, body, duration) {
  const url = `http://127.0.0.1:${server.port}${path}`;
  const args = ["-t1", `-c${CONNECTIONS}`, `-d${duration}s`, "-s", join(here, "wrk.lua"), url];
  const { stdout } = await run("wrk", args, { env: { ...process.env, BENCH_BODY: body } });
  const result = JSON.parse(stdout.trim().split("\n").at(-1));
  if (result.failed > 0 || result.requests === 0) throw new Error(`${server.name}: ${stdout}`);
  return result;
}

// { cpu: µs a request, rate: requests a second }
async function cpuPerRequest({ server, path, body }) {
  const before = server.cpu();
  const { requests, seconds: took } = await wrk(server, path, body, seconds);
  return { cpu: (server.cpu() - before) / requests, rate: requests / took };
}

async function latency({ server, path, body, count }) {
  const file = join(folder, "one.json");
  writeFileSync(file, readFileSync(body, "utf8").replaceAll("{n}", "001"));
  const { stdout } = await run(join(tools, "probe"), ["latency", String(server.port), path, file, String(count)]);
  return JSON.parse(stdout);
}

// The medians over all rounds, of both, measured in turns.
async function compare(measure, ours, theirs) {
  const results = [[], []];
  await measure(ours); // warm up
  await measure(theirs);
  for (let round = 0; round < Number(rounds); round++) {
    results[0].push(await measure(ours));
    results[1].push(await measure(theirs));
  }
  return results.map((list) => Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((r) => r[key]))])));
}

// Resident KiB for each connection that has asked once and waits; on a server that has done nothing yet, so that no
// memory of earlier work is at hand.
async function perConnection(server, path) {
  const before = server.resident();
  const probe = spawn(join(tools, "probe"), ["hold", String(server.port), path, String(IDLE)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const ready = await Promise.race([once(probe.stdout, "data").then(() => true), once(probe, "exit").then(() => false)]);
  if (!ready) throw new Error(`${server.name}: the connections were not all taken`);
  await sleep(300);
  const held = server.resident() - before;
  probe.stdin.end();
  await once(probe, "exit");
  return held / IDLE;
}

// ---- the table -------------------------------------------------------------------------------------------------------

const rows = [["", "repartee", "nginx", "ratio", "unit"]]; // "nginx": or what a row names behind its semicolon
function row(what, ours, theirs, unit, digits = 1) {
  rows.push([what, ours.toFixed(digits), theirs.toFixed(digits), (ours / theirs).toFixed(2), unit]);
  process.stderr.write(`  ${what}\n`);
}

function print() {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((cells) => cells[column].length)));
  for (const cells of rows) {
    const padded = cells.map((cell, i) => (i === 0 || i === 4 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])));
    console.log(padded.join("  ").trimEnd());
  }
}

async function measureAll(all) {
  const idle = [all.bot.resident() / 1024, all.fixed.resident() / 1024];
  row("resident memory, idle", idle[0], idle[1], "MiB");
  const held = [await perConnection(all.bot, "/healthz"), await perConnection(all.fixed, "/")];
  row("memory of an idle keep-alive connection", held[0], held[1], "KiB", 2);

  const rule = { server: all.bot, path: "/v1/chat", body: bodies.rule, count: 5000 };
  const fixed = { server: all.fixed, path: "/", body: bodies.rule, count: 5000 };
  let [ours, theirs] = await compare(cpuPerRequest, rule, fixed);
  row("rule reply: CPU a request; return 200", ours.cpu, theirs.cpu, "µs");
  row("rule reply: requests a second", ours.rate, theirs.rate, "1/s", 0);
  [ours, theirs] = await compare(latency, rule, fixed);
  row("rule reply: latency p50", ours.p50, theirs.p50, "µs");
  row("rule reply: latency p99", ours.p99, theirs.p99, "µs");

  const cached = { server: all.cacheBot, path: "/v1/chat", body: bodies.model, count: 5000 };
  [ours, theirs] = await compare(cpuPerRequest, cached, fixed);
  row("cache hit: CPU a request; return 200", ours.cpu, theirs.cpu, "µs");
  [ours, theirs] = await compare(cpuPerRequest, cached, rule);
  row("cache hit: CPU a request; repartee's own rule reply", ours.cpu, theirs.cpu, "µs");
  [ours, theirs] = await compare(latency, cached, fixed);
  row("cache hit: latency p50", ours.p50, theirs.p50, "µs");

  const model = { server: all.bot, path: "/v1/chat", body: bodies.model, count: 3000 };
  const passed = { server: all.proxy, path: "/v1/chat/completions", body: bodies.model, count: 3000 };
  [ours, theirs] = await compare(cpuPerRequest, model, passed);
  row("model call: CPU a request; proxy_pass", ours.cpu, theirs.cpu, "µs");
  [ours, theirs] = await compare(latency, model, passed);
  const direct = await latency({ ...passed, server: all.model });
  row("model call: latency p50", ours.p50, theirs.p50, "µs");
  row("model call: latency p99", ours.p99, theirs.p99, "µs");
  row("model call: added to p50 of the upstream", ours.p50 - direct.p50, theirs.p50 - direct.p50, "µs");

  const stream = { server: all.streamBot, path: "/v1/chat", body: bodies.stream, count: 20 };
  const streamed = { server: all.streamProxy, path: "/v1/chat/completions", body: bodies.stream, count: 20 };
  [ours, theirs] = await compare(cpuPerRequest, stream, streamed);
  row("stream of 64 deltas: CPU a stream; proxy_pass", ours.cpu, theirs.cpu, "µs", 0);
  [ours, theirs] = await compare(latency, stream, streamed);
  row("stream: first delta p50", ours.first50, theirs.first50, "µs");
  row("stream: first delta p99", ours.first99, theirs.first99, "µs");
  const straight = await latency({ ...streamed, server: all.stream });
  row("stream: added to the first delta p50", ours.first50 - straight.first50, theirs.first50 - straight.first50, "µs");
}

try {
  await measureAll(await startAll());
  print();
} finally {
  await stopAll();
  rmSync(folder, { recursive: true, force: true });
}
