// A bot whose model has a batch endpoint, asked in bulk.
import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { program } from "../support/repartee.mjs";

export const KEY = "sk-this-key-must-never-be-logged";
export const SECOND_KEY = "sk-nor-must-this-one";

const quick = `bulk_wait = "60ms", bulk_poll = "10ms", bulk_poll_max = "40ms", retry_base = "5ms", retry_max = "20ms"`;

export const modelLine = (provider, options = "", keys = `secret "MODEL_KEY"`) =>
  `${provider.wire.name} { base_url = "${provider.url}", api_key = ${keys}, model = "m", ${quick}, ${options} }`;

// By the line of the input, what the last line about it says.
function itemsOf(text) {
  const items = [];
  for (const line of text.split("\n").filter(Boolean)) {
    const item = JSON.parse(line);
    items[item.line - 1] = item;
  }
  return items;
}

// A folder with a bot, in which runs can follow one another.
export async function makeScene(provider, { options = "", keys, bot, files = {}, model } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "repartee-bulk-"));
  const text = bot ?? `
    models { main = ${model ?? modelLine(provider, options, keys)} }
    pipeline { ask { model = "main" } }`;
  await writeFile(join(folder, "bot.lua"), `log { level = "debug" }\n${text}`);
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const out = join(folder, "out.jsonl");
  const state = `${out}.bulk`;

  function start(messages, args = []) {
    writeFileSync(join(folder, "in.jsonl"), messages.map((message) => `${JSON.stringify(message)}\n`).join(""));
    const child = spawn(program, ["batch", "--bulk", "-q", "-c", join(folder, "bot.lua"), ...args, join(folder, "in.jsonl"), out], {
      env: { ...process.env, MODEL_KEY: KEY, MODEL_KEY_2: SECOND_KEY },
      stdio: ["ignore", "ignore", "pipe"],
    });
    let log = "";
    child.stderr.setEncoding("utf8").on("data", (data) => (log += data));
    const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve({ code, signal })))
      .then(async (end) => ({ ...end, items: itemsOf(await readFile(out, "utf8").catch(() => "")), log }));
    return { child, ended, log: () => log };
  }
  return {
    folder, state, start,
    run: (messages, args) => start(messages, args).ended,
    rest: () => rm(out, { force: true }),
    notes: async () => Promise.all((await readdir(state).catch(() => [])).map((name) => readFile(join(state, name), "utf8"))),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}
