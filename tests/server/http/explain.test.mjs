// Explanations: who may see them, that they tell what happened, and that they tell nothing that is masked.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openClient } from "../websocket/client.mjs";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { program, startBot } from "../support/repartee.mjs";

const bot = (transports, more = "") => ({
  bot: `
    listeners { web = httpd { address = "127.0.0.1:0" } }
    models { main = scripted { replies = { "Write to secret@example.org, {message}" } } }
    transports { ${transports} }
    ${more}
    pipeline { ratelimit { rate = "1000/s" }, redact { "email", "phone_cn" }, rules { dir = "rules" }, ask { model = "main" } }`,
  files: {
    "rules/a.lua": `
      rule "shy" { match = "hello", when = function(t) return false end, reply = "no" }
      rule "silent" { match = "hello", reply = function(t) return nil end }
      rule "near" { match = [[hello\\d]], reply = "never" }
      rule "kind" { match = { "greetings", "hello" }, when = function(t) return true end, reply = "Hello! {0}" }
      rule "late" { match = "hello", reply = "too late" }
      rule "broken" { match = "break", reply = function(t) error("it broke") end }`,
  },
  args: ["--workers", "2"],
});

let closed, local, guarded;
before(async () => {
  closed = await startBot(bot(`http { on = "web" }, websocket { on = "web" }`, "trace { keep = 100 }"));
  local = await startBot(bot(`http { on = "web", explain = "local" }, websocket { on = "web", explain = "local" }`,
                             `trace { keep = 3, bytes = "64KiB" }`));
  guarded = await startBot(bot(`http { on = "web", explain_token = "let-me-see" }`));
});
after(() => Promise.all([closed?.stop(), local?.stop(), guarded?.stop()]));

const post = (to, body, headers = {}) => fetch(`${to.url}/v1/chat`, { method: "POST", body: JSON.stringify(body), headers });
const stage = (explain, name) => explain.stages.find((one) => one.stage === name);

test("by default nobody may see one, and nothing is done then", async () => {
  const response = await post(closed, { message: "hello", explain: true });
  assert.equal(response.status, 403);
  const { error } = await response.json();
  assert.equal(error.code, "forbidden");
  assert.match(error.message, /explain_token/);
  const plain = await (await post(closed, { message: "hello", explain: false })).json();
  assert.ok(!("explain" in plain)); // although every turn has its record here
  assert.equal((await fetch(`${closed.url}/v1/trace/${plain.id}`)).status, 403);
  assert.equal((await post(closed, { message: "hello", explain: "yes" })).status, 400);
});

test("a token opens what is closed", async () => {
  assert.equal((await post(guarded, { message: "hello", explain: true })).status, 403);
  assert.equal((await post(guarded, { message: "hello", explain: true }, { "X-Explain-Token": "let-me-seE" })).status, 403);
  assert.equal((await post(guarded, { message: "hello", explain: true }, { "X-Explain-Token": "let-me" })).status, 403);
  const reply = await (await post(guarded, { message: "hello", explain: true }, { "X-Explain-Token": "let-me-see" })).json();
  assert.equal(reply.explain.reply.by, "rule:kind");
});

test("each rule that could have answered is there, with the reason why it did not", async () => {
  const { explain, reply } = await (await post(local, { message: "hello ｗorld", explain: true })).json();
  assert.equal(reply, "Hello! hello");
  const rules = stage(explain, "rules");
  assert.equal(rules.outcome, "answered");
  assert.ok(rules.us > 0);
  const notes = Object.fromEntries(rules.notes.filter((note) => note.what === "rule").map((note) => [note.rule, note]));
  assert.equal(notes.near.outcome, "no pattern matches");
  assert.equal(notes.shy.outcome, "`when` said no");
  assert.equal(notes.silent.outcome, "its function returned nothing");
  assert.equal(notes.kind.outcome, "answered");
  assert.equal(notes.kind.pattern, "hello");
  assert.equal(notes.kind.at, "rules/a.lua:5");
  assert.equal(notes.late.outcome, "matches too, but comes later");
  assert.ok(!("broken" in notes)); // it has no word of the message in its pattern
  assert.equal(rules.notes.find((note) => note.what === "matching").text, "hello world");
});

test("what a stream ends with has it too", async () => {
  const text = await (await post(local, { message: "hello", stream: true, explain: true })).text();
  const done = JSON.parse(/event: done\ndata: (.*)/.exec(text)[1]);
  assert.equal(stage(done.explain, "rules").outcome, "answered");
});

test("masked text is counted, and nowhere to be read", async () => {
  const message = "call 13812345678 or 13912345678, or mail me@example.org";
  const { id, explain, reply } = await (await post(local, { message, explain: true })).json();
  assert.match(reply, /^Write to \[email\]/);
  const notes = stage(explain, "redact").notes;
  assert.deepEqual(notes.find((note) => note.in === "message").kinds, { phone_cn: 2, email: 1 });
  assert.deepEqual(notes.find((note) => note.in === "reply").kinds, { email: 1 });
  const kept = await (await fetch(`${local.url}/v1/trace/${id}`)).text();
  for (const text of [JSON.stringify(explain), kept]) assert.doesNotMatch(text, /example\.org|138123|139123/);
  assert.equal(explain.usage.output_tokens > 0, true);
  assert.ok(stage(explain, "ask").notes.some((note) => note.what === "model"));
});

test("records are kept by request id, the last of them, errors included", async () => {
  const ids = [];
  for (let i = 0; i < 4; i++) ids.push((await (await post(local, { message: `hello ${i}` })).json()).id);
  const broken = await post(local, { message: "break" });
  assert.equal(broken.status, 500);
  const { error } = await broken.json();
  const statuses = await Promise.all(ids.map(async (id) => (await fetch(`${local.url}/v1/trace/${id}`)).status));
  assert.deepEqual(statuses, [404, 404, 200, 200]);
  const kept = await fetch(`${local.url}/v1/trace/${error.request_id}`);
  assert.equal(kept.headers.get("content-type"), "application/json");
  const record = await kept.json();
  assert.equal(record.id, error.request_id);
  assert.equal(record.error, "rule_error");
  assert.equal(stage(record, "rules").notes.find((note) => note.rule === "broken").outcome, "failed");
  assert.equal((await fetch(`${local.url}/v1/trace/`)).status, 404);
  assert.equal((await fetch(`${local.url}/v1/trace/${ids[3]}`, { method: "POST" })).status, 405);
});

test("a WebSocket asks for it message by message", async () => {
  const refused = await openClient(closed);
  assert.equal((await refused.ask("hello", { explain: true })).end.error.code, "forbidden");
  assert.equal((await refused.ask("hello")).end.type, "reply");
  await refused.end();
  const client = await openClient(local);
  assert.equal((await client.ask("hello", { explain: true })).end.explain.reply.by, "rule:kind");
  assert.ok(!("explain" in (await client.ask("hello")).end));
  await client.end();
});

test("whoever owns the server asks it by its control socket", async () => {
  const ask = (bot, ...args) =>
    promisify(execFile)(program, ["explain", "-c", `${bot.folder}/bot.lua`, ...args]).catch((error) => error);
  const { error } = await (await post(local, { message: "break" })).json();
  const shown = await ask(local, "--id", error.request_id);
  assert.match(shown.stdout, /rule broken \(rules\/a.lua:7\): failed/);
  assert.match(shown.stdout, /refused {4}rule_error/);
  const record = JSON.parse((await ask(local, "--json", "--id", error.request_id)).stdout);
  assert.equal(record.id, error.request_id);
  const unknown = await ask(local, "--id", "nobody");
  assert.equal(unknown.code, 1);
  assert.match(unknown.stderr, /no record of this turn/);
  assert.match((await ask(guarded, "--id", "nobody")).stderr, /no trace \{ \}/);
});
