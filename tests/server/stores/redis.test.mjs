// Sessions in Redis: two processes act as one, and a Redis that dies fails turns quickly until it is back.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";

let folder, redis, first, second;

async function startRedis() {
  const socket = join(folder, "redis.sock");
  redis = spawn("redis-server", ["--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder], { stdio: "ignore" });
  redis.ended = new Promise((resolve) => redis.on("close", resolve));
  for (let i = 0; i < 500 && !(await stat(socket).catch(() => null)); i++) await pause(20);
}

async function killRedis() {
  redis.kill("SIGKILL");
  await redis.ended;
  await rm(join(folder, "redis.sock"), { force: true });
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const start = () =>
  startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      stores { shared = redis { url = "redis+unix://${folder}/redis.sock" } }
      transports { http { on = "web" } }
      pipeline { rules { dir = "rules" } }`,
    files: {
      "rules/count.lua": `
        rule "count" { match = "more", reply = function(t)
          t.session.n = (t.session.n or 0) + 1
          return "{n}", { n = t.session.n }
        end }`,
    },
    args: ["--workers", "2"],
  });

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repartee-redis-"));
  await startRedis();
  [first, second] = await Promise.all([start(), start()]);
});
after(async () => {
  await Promise.all([first?.stop(), second?.stop()]);
  await killRedis();
  await rm(folder, { recursive: true, force: true });
});

const post = (bot, session) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message: "more", session, user: "ann" }),
  });

async function more(bot, session) {
  const response = await post(bot, session);
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return Number(body.reply);
}

test("a conversation goes on in another process", async () => {
  for (let n = 1; n <= 20; n++) assert.equal(await more(n % 2 ? first : second, "s1"), n);
});

test("a Redis that dies fails turns at once, is told of once, and is taken up again", async () => {
  await killRedis();
  for (let i = 0; i < 10; i++) {
    const before = Date.now();
    const response = await post(first, "s1");
    assert.equal(response.status, 500);
    assert.equal((await response.json()).error.code, "io_error");
    assert.ok(Date.now() - before < 1500);
  }
  await startRedis();
  let response;
  for (let i = 0; i < 400 && response?.status !== 200; i++) {
    await pause(25);
    response = await post(first, "s2");
    await response.text();
  }
  assert.equal(response.status, 200);
  await first.logged((line) => line.message?.includes("can be reached again"));
  const told = first.log().filter((line) => line.message?.includes("cannot be reached"));
  assert.equal(told.length, 1, first.logText());
});
