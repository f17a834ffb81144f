// Starts the real program with a bot file of its own on an ephemeral port, and ends it again.
//
//   const bot = await startBot({ bot: `listeners { web = httpd { address = "127.0.0.1:0" } } …`,
//                                files: { "rules/a.lua": "…" }, env: { KEY: "…" }, args: ["--workers", "2"] });
//   bot.port, bot.url, bot.pid      where it listens
//   bot.log()                       the log so far: one object per line ({ text } where a line is no JSON)
//   await bot.logged((line) => …)   the first line, past or future, for which this is true
//   await bot.stop()                SIGTERM, then { code, signal } of its end; again: the same answer
//
// REPARTEE_BIN names the program; build/repartee beside the sources is the default.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
export const program = process.env.REPARTEE_BIN ?? join(here, "../../../build/repartee");

const START_MS = 20_000;
const STOP_MS = 20_000;

async function makeFolder(bot, files) {
  const folder = await mkdtemp(join(tmpdir(), "repartee-test-"));
  for (const [name, text] of Object.entries({ ...files, "bot.lua": bot })) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), text, { mode: 0o640 });
  }
  return folder;
}

function parseLine(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { text };
  }
}

// Collects the lines of a stream and tells those who wait for one.
function watchLines(stream) {
  const lines = [];
  const waiting = new Set();
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const parts = (rest + text).split("\n");
    rest = parts.pop();
    for (const part of parts.map(parseLine)) {
      lines.push(part);
      for (const waiter of waiting) waiter(part);
    }
  });
  const logged = (wanted, ms = 10_000) =>
    new Promise((resolve, reject) => {
      const old = lines.find(wanted);
      if (old) return resolve(old);
      const waiter = (line) => {
        if (!wanted(line)) return;
        clearTimeout(timer);
        waiting.delete(waiter);
        resolve(line);
      };
      const timer = setTimeout(() => {
        waiting.delete(waiter);
        reject(new Error(`no such log line within ${ms} ms; the log:\n${show(lines)}`));
      }, ms).unref(); // the program's life is what is waited for
      waiting.add(waiter);
    });
  return { lines, logged };
}

function show(lines) {
  return lines.map((line) => line.text ?? JSON.stringify(line)).join("\n");
}

const LISTENING = /^listening on http:\/\/(.*):(\d+)$/;

export async function startBot({ bot, files = {}, env = {}, args = [] }) {
  const folder = await makeFolder(bot, files);
  const child = spawn(program, ["run", "-c", join(folder, "bot.lua"), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { lines, logged } = watchLines(child.stderr);
  const ended = new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal }));
  }).finally(() => rm(folder, { recursive: true, force: true }));

  const listening = logged((line) => LISTENING.test(line.message ?? ""), START_MS);
  const first = await Promise.race([listening, ended.then((end) => ({ end }))]).catch(async (error) => {
    child.kill("SIGKILL");
    throw error;
  });
  if (first.end) {
    listening.catch(() => {});
    throw new Error(`${program} ended with ${JSON.stringify(first.end)}:\n${show(lines)}`);
  }
  const [, host, port] = LISTENING.exec(first.message);

  let stopping;
  async function stop(signal = "SIGTERM") {
    stopping ??= (async () => {
      child.kill(signal);
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      const end = await ended;
      clearTimeout(timer);
      return end;
    })();
    return stopping;
  }
  return {
    port: Number(port),
    url: `http://${host}:${port}`,
    pid: child.pid,
    folder,
    log: () => [...lines],
    logText: () => show(lines),
    logged,
    ended,
    stop,
  };
}
