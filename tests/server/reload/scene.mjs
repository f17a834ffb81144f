// A server with a control socket in its own folder, and the ways to reload it.
//
//   const scene = await startScene({ bot, files, workers })
//   await scene.write("rules.lua", "…")     replaces a file, as an editor does
//   await scene.control("reload")           over the socket; the answer
//   await scene.cli("reload", "--json")     the program: { code, stdout, stderr }
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import net from "node:net";
import { join } from "node:path";
import { program, startBot } from "../support/repartee.mjs";

export async function startScene({ bot, files = {}, workers = 3, env = {}, folder }) {
  const server = await startBot({ bot, files, env, args: ["--workers", String(workers), "--control", "control.sock"] });
  const socket = join(server.folder, "control.sock");
  const write = async (name, text) => {
    const path = join(server.folder, name);
    await writeFile(`${path}.new`, text, { mode: 0o640 });
    await rename(`${path}.new`, path);
  };
  return {
    ...server,
    socket,
    write,
    control: (command) => ask(socket, { command }),
    cli: (command, ...args) => runProgram([command, "--control", socket, ...args], server.folder),
    // Writes the rules and reloads; fails when that is refused.
    async rules(text, name = "rules.lua") {
      await write(name, text);
      const answer = await ask(socket, { command: "reload" });
      if (!answer.ok) throw new Error(`refused: ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}

export function ask(socket, request) {
  return new Promise((resolve, reject) => {
    const client = net.connect(socket);
    let text = "";
    client.setEncoding("utf8");
    client.on("error", reject);
    client.on("data", (data) => {
      text += data;
      if (!text.endsWith("\n")) return;
      client.destroy();
      resolve(JSON.parse(text));
    });
    client.on("close", () => reject(new Error(`closed without an answer: ${text}`)));
    client.write(JSON.stringify(request) + "\n");
  });
}

export function runProgram(args, cwd, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "", stderr = "";
    child.stdout.setEncoding("utf8").on("data", (data) => (stdout += data));
    child.stderr.setEncoding("utf8").on("data", (data) => (stderr += data));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

export const post = async (bot, message, more = {}) => {
  const response = await fetch(`${bot.url}/v1/chat`, { method: "POST", body: JSON.stringify({ message, ...more }) });
  return { status: response.status, body: await response.json() };
};

export const say = async (bot, message, more) => (await post(bot, message, more)).body.reply;

const told = (bot, what) => readFile(`/proc/${bot.pid}/${what}`, "utf8").catch(() => "");

// What the process has in memory, in KiB; 0 where nobody tells.
export async function memory(bot) {
  return Number(/^VmRSS:\s+(\d+)/m.exec(await told(bot, "status"))?.[1] ?? 0);
}

// Whether a file called so is mapped into the process.
export const holds = async (bot, name) => (await told(bot, "maps")).includes(name);

export async function until(ready, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const value = await ready();
    if (value) return value;
    if (Date.now() > end) throw new Error("it did not come to that");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

// A server that lets nobody go before it is opened: turns that ask it last as long as the test wants. `wait` is Lua for
// the body of a rule's function.
export async function openGate(t) {
  const waiting = [];
  let opened = false;
  const server = createServer((request, response) => (opened ? response.end() : waiting.push(response)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return {
    wait: `t:get("http://127.0.0.1:${server.address().port}/", { timeout = 55 })`,
    holds: (count) => until(() => waiting.length === count),
    open: () => {
      opened = true;
      for (const response of waiting) response.end();
    },
  };
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
