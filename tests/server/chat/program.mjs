// Runs `repartee chat` on pipes or on a pseudo-terminal, in a folder of its own.
//
//   const { code, out, err } = await chat({ bot, args: ["--json"], input: "hi\n" });
//   const { code, out } = await onTerminal({ bot, steps: [{ expect: "you> " }, { send: "hi\r" }] });
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { program } from "../support/repartee.mjs";

const player = fileURLToPath(new URL("terminal.py", import.meta.url));

export function scriptedBot(replies, { delay = 0, extra = "" } = {}) {
  const list = replies.map((reply) => JSON.stringify(reply)).join(", ");
  return `models { main = scripted { replies = { ${list} }, delay = "${delay}ms" } }
pipeline { ask { model = "main" } }
${extra}`;
}

function collect(child, input) {
  return new Promise((resolve, reject) => {
    let out = "", err = "";
    child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    child.stdin.on("error", () => {});
    if (input !== undefined) child.stdin.end(input);
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });
}

export async function inFolder(bot, run) {
  const folder = await mkdtemp(join(tmpdir(), "repartee-chat-"));
  try {
    await writeFile(join(folder, "bot.lua"), bot, { mode: 0o640 });
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function start(folder, command, args, env) {
  return spawn(command, args, {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_STATE_HOME: join(folder, "state"), USER: "tester", ...env },
  });
}

export function chat({ bot, args = [], input = "", env = {} }) {
  return inFolder(bot, async (folder) => {
    const result = await collect(start(folder, program, ["chat", ...args], env), input);
    const log = await readFile(join(folder, "log"), "utf8").catch(() => "");
    return log ? { ...result, log } : result;
  });
}

// The program with its streams still open, for tests that come and go in the middle.
export function startChat(folder, args = [], env = {}) {
  return start(folder, program, ["chat", ...args], env);
}

export function onTerminal({ bot, steps, command = "chat", args = [], env = {} }) {
  return inFolder(bot, async (folder) => {
    const script = [player, JSON.stringify(steps), program, command, ...args];
    const result = await collect(start(folder, "python3", script, { TERM: "xterm", ...env }), "");
    const history = await readFile(join(folder, "state/repartee/history"), "utf8").catch(() => undefined);
    return { ...result, history };
  });
}
