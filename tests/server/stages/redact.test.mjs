// Redaction over HTTP: nothing of a number reaches the model, the client or the log, wherever the reply is cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";

const phone = "+86 138-1234-5678";

async function start(t, replies, redact) {
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = scripted { ${replies.map((text) => JSON.stringify(text)).join(", ")} } }
      transports { http { on = "web" } }
      pipeline { redact ${redact}, ask { model = "main" } }`,
    args: ["--workers", "1"],
  });
  t.after(() => bot.stop());
  const post = (body) =>
    fetch(`${bot.url}/v1/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message: "hi", session: "s", ...body }),
    });
  return { bot, post };
}

async function streamed(response) {
  const events = parseEvents(await response.text());
  const deltas = events.filter(({ event }) => event === "delta").map(({ data }) => data.text);
  return { deltas, text: deltas.join(""), last: events.at(-1) };
}

test("a streamed reply is masked wherever the model cuts it", async (t) => {
  const reply = `Ring ${phone} or mail bob@example.com`;
  const cuts = Array.from({ length: reply.length - 1 }, (_, i) => `${reply.slice(0, i + 1)}|${reply.slice(i + 1)}`);
  cuts.push([...reply].join("|"));
  const { post } = await start(t, cuts, `{ "phone_cn", "email" }`);
  for (const cut of cuts) {
    const { deltas, text, last } = await streamed(await post({ stream: true }));
    assert.equal(text, "Ring [phone] or mail [email]", cut);
    assert.ok(!deltas.some((delta) => /\d|bob/.test(delta)), cut);
    assert.equal(last.event, "done");
    assert.equal(last.data.reply, "Ring [phone] or mail [email]", cut);
  }
  const whole = await (await post({})).json();
  assert.equal(whole.reply, "Ring [phone] or mail [email]");
});

test("the model and the log get the masked message", async (t) => {
  const own = String.raw`{ name = "order", match = [[(?<!\w)A\d{6}\b]] }`;
  const { bot, post } = await start(t, ["You wrote: {message}"], `{ "phone_cn", ${own}, on = "message" }`);
  const { reply, id } = await (await post({ message: `call 13812345678 about A123456, 电话${phone}。` })).json();
  assert.equal(reply, "You wrote: call [phone] about [order], 电话[phone]。");
  const line = await bot.logged((entry) => entry.request_id === id);
  assert.equal(line.prompt, "call [phone] about [order], 电话[phone]。");
  await bot.stop();
  assert.ok(!/13812345678|1234-5678|A123456/.test(bot.logText()));
});

test("a reply that breaks takes its undecided digits with it", async (t) => {
  const { post } = await start(t, ["Ring 138|1234|!upstream_error"], `{ "phone_cn" }`);
  const { text, last } = await streamed(await post({ stream: true }));
  assert.equal(text, "Ring ");
  assert.equal(last.event, "error");
  assert.equal(last.data.error.code, "upstream_error");
});

test("a reply that cannot be decided ends as an error, not as a leak", async (t) => {
  const long = `x a${"|cccccccccccccccccccc".repeat(100)}`;
  const { bot, post } = await start(t, [long], `{ { name = "endless", match = "a.*b" }, hold = "1KiB" }`);
  const { text, last } = await streamed(await post({ stream: true }));
  assert.equal(text, "x ");
  assert.equal(last.event, "error");
  assert.equal(last.data.error.code, "regex_limit");
  await bot.logged((entry) => /pattern 'endless'/.test(entry.message ?? ""));
});

test("a mistake in the bot file is told with file and line", async (t) => {
  await assert.rejects(start(t, ["ok"], `{ "phnoe_cn" }`), /bot\.lua:5: .*no built-in pattern 'phnoe_cn'/);
  await assert.rejects(start(t, ["ok"], `{ { name = "x", match = "(a" } }`), /bot\.lua:5: .*pattern 'x': /);
  await assert.rejects(start(t, ["ok"], `{}`), /bot\.lua:5: .*patterns/);
});
