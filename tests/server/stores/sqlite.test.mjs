// Sessions in SQLite outlive the process, however it ends; what cannot be opened is said at the start.
import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";

let folder;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "repartee-sqlite-"));
});
after(() => rm(folder, { recursive: true, force: true }));

const start = (path, workers = "2") =>
  startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      stores { main = sqlite { path = "${path}" } }
      transports { http { on = "web" } }
      pipeline { rules { dir = "rules" } }`,
    files: {
      "rules/count.lua": `
        rule "count" { match = "more", reply = function(t)
          t.session.n = (t.session.n or 0) + 1
          return "{n}", { n = t.session.n }
        end }`,
    },
    args: ["--workers", workers],
  });

async function more(bot, session) {
  const response = await fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message: "more", session, user: "ann" }),
  });
  const body = await response.json();
  assert.equal(response.status, 200, JSON.stringify(body));
  return Number(body.reply);
}

test("what a client was told survives SIGKILL, again and again", async () => {
  const path = join(folder, "data/shop.db");
  const told = {};
  for (let round = 0; round < 4; round++) {
    const bot = await start(path);
    let killed = false;
    const talk = async (session) => {
      while (!killed) {
        const n = await more(bot, session).catch((error) => {
          if (killed) return undefined;
          throw error;
        });
        if (n === undefined) return;
        // The answer to a question whose reply was lost in the kill may have been counted.
        const before = told[session] ?? 0;
        assert.ok(n === before + 1 || (n === before + 2 && told.lost?.has(session)), `${session}: ${before}, ${n}`);
        told.lost?.delete(session);
        told[session] = n;
      }
    };
    const talks = Array.from({ length: 20 }, (_, i) => talk(`s${i}`));
    await new Promise((resolve) => setTimeout(resolve, 400));
    killed = true;
    await bot.stop("SIGKILL");
    await Promise.all(talks);
    told.lost = new Set(Array.from({ length: 20 }, (_, i) => `s${i}`));
    assert.ok(Object.keys(told).length > 20, "every session was answered");
  }
  const bot = await start(path);
  for (let i = 0; i < 20; i++) assert.ok((await more(bot, `s${i}`)) > told[`s${i}`]);
  assert.deepEqual(await bot.stop(), { code: 0, signal: null });
  assert.deepEqual(await readdir(join(folder, "data")), ["shop.db"], "a clean end leaves the one file");
});

test("a file that is no database is refused at the start, with the line and the path", async () => {
  const path = join(folder, "letter.txt");
  await writeFile(path, "Dear aunt, this is no database, and it is longer than a database's head is, so nobody can be misled.");
  await assert.rejects(start(path), (error) => {
    assert.match(error.message, /bot\.lua:3: store 'main': '.*letter\.txt' is not an SQLite database/);
    return true;
  });
});
