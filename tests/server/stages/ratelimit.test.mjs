// A rate limit over HTTP: who is refused, and what a refusal looks like.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";

let bot;
before(async () => {
  bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = scripted { "ok" } }
      transports { http { on = "web" } }
      pipeline {
        ratelimit { rate = "10/h", burst = 5, per = "user" },
        ask { model = "main" },
      }`,
    args: ["--workers", "2"],
  });
});
after(() => bot?.stop());

const post = (body) =>
  fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message: "hi", ...body }),
  });

async function refused(response) {
  assert.equal(response.status, 429);
  const seconds = Number(response.headers.get("retry-after"));
  assert.ok(seconds >= 300 && seconds <= 360, `Retry-After: ${seconds}`); // one message in six minutes
  const { error } = await response.json();
  assert.equal(error.code, "rate_limited");
  assert.equal(error.request_id, response.headers.get("x-request-id"));
  return error.request_id;
}

test("a burst passes, then 429 with Retry-After", async () => {
  for (let i = 0; i < 5; i++) assert.equal((await post({ user: "ann" })).status, 200);
  const id = await refused(await post({ user: "ann" }));
  const line = await bot.logged((entry) => entry.request_id === id && entry.status === "error");
  assert.equal(line.code, "rate_limited");
});

test("another user is not concerned", async () => {
  assert.equal((await post({ user: "bob" })).status, 200);
});

test("workers share one limit, however the messages are spread", async () => {
  const all = await Promise.all(Array.from({ length: 40 }, () => post({ user: "eve" })));
  const statuses = all.map((response) => response.status);
  assert.equal(statuses.filter((status) => status === 200).length, 5);
  assert.equal(statuses.filter((status) => status === 429).length, 35);
  await Promise.all(all.map((response) => response.text()));
});

test("a stream is refused before it begins, with the same status", async () => {
  for (let i = 0; i < 5; i++) await (await post({ user: "sue", stream: true })).text();
  await refused(await post({ user: "sue", stream: true }));
});

test("nobody in particular counts for the address", async () => {
  for (let i = 0; i < 5; i++) assert.equal((await post({ session: `s${i}` })).status, 200);
  await refused(await post({ session: "s9" }));
});
