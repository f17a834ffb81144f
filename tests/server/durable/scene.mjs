// A bot whose sessions are in SQLite, that can be killed and started again on the same file, and beside it a web server
// that counts what it is asked to do.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startBot } from "../support/repartee.mjs";

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

// The server: `requests` has { method, path, key, body } for each; `on` is called with each before it is answered, and may
// return a promise to let it wait.
export async function startApi() {
  const api = { requests: [], on: () => undefined };
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    const seen = { method: request.method, path: request.url, key: request.headers["idempotency-key"], body };
    api.requests.push(seen);
    await api.on(seen);
    response.writeHead(200, { "Content-Type": "application/json", Connection: "close" });
    response.end(JSON.stringify({ n: api.requests.length, path: seen.path }));
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  api.url = `http://127.0.0.1:${server.address().port}`;
  api.posts = (path) => api.requests.filter((seen) => seen.method === "POST" && (!path || seen.path === path));
  api.stop = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return api;
}

// `rules` is the text of the one rule file.
export async function startScene({ rules, api, args = ["--workers", "1"], options = "" }) {
  const data = await mkdtemp(join(tmpdir(), "repartee-durable-"));
  const scene = { rules };
  scene.start = async () => {
    scene.bot = await startBot({
      bot: `
        listeners { web = httpd { address = "127.0.0.1:0" } }
        stores { main = sqlite { path = "${data}/sessions.db" } }
        transports { http { on = "web" } }
        pipeline { rules { dir = "rules", config = { api = "${api?.url ?? ""}" }, ${options} } }`,
      files: { "rules/a.lua": scene.rules },
      args,
    });
  };
  let past = []; // the lines of processes that are gone
  scene.kill = async () => {
    await scene.bot.stop("SIGKILL");
    past = scene.log();
    scene.bot.log = () => [];
  };
  scene.log = () => [...past, ...scene.bot.log()];
  scene.events = (name) => scene.log().filter((line) => line.component === "event" && line.event === name);
  scene.restart = async () => {
    await scene.kill();
    await scene.start();
  };
  // Other rules, by a reload of the running program.
  scene.change = async (text) => {
    const loads = () => scene.bot.log().filter((line) => /^generation \d+ serves/.test(line.message ?? "")).length;
    const before = loads();
    scene.rules = text;
    await writeFile(join(scene.bot.folder, "rules/a.lua"), text);
    process.kill(scene.bot.pid, "SIGHUP");
    for (let i = 0; loads() === before; i++) {
      if (i > 1000) throw new Error(`the reload did not happen:\n${scene.bot.logText()}`);
      await pause(10);
    }
  };
  scene.stop = async () => {
    await scene.bot.stop();
    await rm(data, { recursive: true, force: true });
  };
  // A message; the object that the bot answers with, or throws when the connection breaks.
  scene.post = async (message, session) => {
    const response = await fetch(`${scene.bot.url}/v1/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json", Connection: "close" },
      body: JSON.stringify({ message, session, user: "ann" }),
    });
    return response.json();
  };
  scene.answer = async (message, session = "s") => {
    const body = await scene.post(message, session);
    if (body.error) throw new Error(`'${message}': ${JSON.stringify(body.error)}\n${scene.bot.logText()}`);
    return body;
  };
  scene.say = async (message, session) => (await scene.answer(message, session)).reply;
  await scene.start();
  return scene;
}
