// Everything at once: three providers that break in every way there is, by chance, behind a route, with rules, a guard, a
// cache, budgets and sessions on disk; clients that leave when they like, and reloads in between. Whatever happens, a client
// gets a whole reply or one error, nobody's words reach anybody else, and nothing is left behind.
//
// CHAOS_SECONDS says how long it goes on, CHAOS_SEED with which chances.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { descriptors } from "../upstream/faults.mjs";
import { startUpstream } from "../upstream/faulty.mjs";
import { startScene } from "../reload/scene.mjs";
import { wires } from "../upstream/wires.mjs";
import { parseEvents } from "../support/wire.mjs";

const SECONDS = Number(process.env.CHAOS_SECONDS ?? 8);
const CLIENTS = 24;
const TOO_MUCH = ["gibibyteOfText", "gibibyteOfBody", "answer"]; // they would fill the time alone

let state = Number(process.env.CHAOS_SEED ?? Date.now() % 1e9);
const seed = state;
const below = (n) => {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * n);
};
const pick = (list) => list[below(list.length)];

// Half of the requests go well, and say whom they are for; the others get any fault.
function startChaos(wire) {
  return startUpstream({ wire }).then((upstream) => {
    const names = Object.keys(upstream.faults).filter((name) => !TOO_MUCH.includes(name));
    const good = (socket, request) => {
      const asked = JSON.stringify(request.body.messages).match(/question (\d+-\d+)/g)?.at(-1).slice(9);
      upstream.faults.answer(socket, request, `answer ${asked}, I guarantee`);
    };
    upstream.onRequest = () => (below(2) ? good : upstream.faults[pick(names)]);
    return upstream;
  });
}

const botFile = (upstreams, strategy) => `
  listeners { web = httpd { address = "127.0.0.1:0" } }
  stores { main = sqlite { path = "sessions.db", synchronous = "normal" } }
  prices { m = { input = 1, output = 2 } }
  budgets { bot = "1000/day", user_tokens = "100M/day" }
  models {
    ${upstreams
      .map(
        ({ wire, url }) => `${wire.name} = ${wire.name} { base_url = "${url}", model = "m", api_key = "k", timeout_connect = "2s",
          timeout_first = "300ms", timeout_stall = "300ms", timeout = "3s", max_tokens = 100 }`,
      )
      .join(",\n")},
    main = route { ${upstreams.map(({ wire }) => `"${wire.name}"`).join(", ")}, strategy = "${strategy}", retries = 1, retry_base = "5ms",
                   retry_max = "20ms", hedge = 0.1, breaker_failures = 9, breaker_rest = "100ms" },
  }
  limits { turn = "8s" }
  log { prompts = "none" }
  transports { http { on = "web" }, ops { on = "web" } }
  pipeline { redact { "email" }, rules { "rules.lua" }, cache { ttl = "1s", history = "key" }, ask { model = "main", history = 6 } }`;

const rules = (n) => `
  -- ${n}
  rule "hours" { match = "opening hours", reply = "9 to 18" }
  guard "no-promises" { on = "reply", match = "guarantee", action = "replace", with = "hope" }`;

async function say(scene, client, n) {
  const stream = below(2) === 0;
  const easy = below(10) === 0;
  const message = easy ? "opening hours?" : `question ${client}-${n}`;
  const controller = new AbortController();
  const leaves = below(6) === 0 && setTimeout(() => controller.abort(), below(120));
  try {
    const response = await fetch(`${scene.url}/v1/chat`, {
      method: "POST",
      signal: controller.signal,
      body: JSON.stringify({ message, stream, session: `s${client}`, user: `u${client}` }),
    });
    const text = await response.text();
    if (!stream || !response.headers.get("content-type").startsWith("text/event-stream")) return { easy, message, end: JSON.parse(text) };
    const events = parseEvents(text);
    const deltas = events.filter(({ event }) => event === "delta").map(({ data }) => data.text).join("");
    assert.ok(["done", "error"].includes(events.at(-1)?.event), `no end: ${text}`);
    return { easy, message, deltas, end: events.at(-1).data };
  } catch (error) {
    if (controller.signal.aborted) return null;
    throw error;
  } finally {
    clearTimeout(leaves);
  }
}

const ODD = ["Hello, world", "Hello, world!", "Grüße 你好 😀", "Hello"];

function judge({ easy, message, deltas, end }, codes) {
  if (end.error) {
    codes[end.error.code] = (codes[end.error.code] ?? 0) + 1;
    assert.ok(!easy, `a rule's reply failed: ${JSON.stringify(end)}`);
    assert.match(end.error.code, /^upstream_|^overloaded$|^deadline_exceeded$/);
    return;
  }
  codes.good = (codes.good ?? 0) + 1;
  if (deltas !== undefined) assert.equal(deltas, end.reply);
  if (easy) return assert.equal(end.reply, "9 to 18");
  const own = `answer ${message.slice(9)}, I hope`;
  assert.ok(end.reply === own || ODD.includes(end.reply), `'${message}' is answered '${end.reply}'`);
}

test("nothing gets lost, mixed up or left behind", async (t) => {
  t.diagnostic(`CHAOS_SEED=${seed}`);
  const upstreams = await Promise.all(Object.values(wires).map(startChaos));
  t.after(() => Promise.all(upstreams.map((upstream) => upstream.stop())));
  const strategies = ["fallback", "weighted", "least_latency", "hash"];
  const scene = await startScene({ bot: botFile(upstreams, "fallback"), files: { "rules.lua": rules(0) }, workers: 2 });
  const codes = {};
  try {
    const atFirst = descriptors(scene.pid);
    const until = Date.now() + SECONDS * 1000;
    const clients = Array.from({ length: CLIENTS }, async (_, client) => {
      for (let n = 0; Date.now() < until; n++) {
        const reply = await say(scene, client, n);
        if (reply) judge(reply, codes);
      }
    });
    const reloads = (async () => {
      for (let n = 1; Date.now() < until; n++) {
        await sleep(200);
        writeFileSync(join(scene.folder, "bot.lua"), botFile(upstreams, pick(strategies)));
        const answer = await scene.control("reload");
        assert.ok(answer.ok || /generations are still at work/.test(answer.mistakes?.[0]), JSON.stringify(answer));
        if (n % 3 === 0) await scene.write("rules.lua", rules(n));
      }
    })();
    await Promise.all([...clients, reloads]);
    t.diagnostic(JSON.stringify(codes));
    assert.ok(codes.good > 50, JSON.stringify(codes));

    const idle = async () => {
      const { turns, draining } = await scene.control("status");
      return turns === 0 && draining.length === 0;
    };
    for (let i = 0; !(await idle()); i++) {
      assert.ok(i < 400, `still at work: ${JSON.stringify(await scene.control("status"))}`);
      await sleep(25);
    }
    assert.ok(descriptors(scene.pid) < atFirst + 3 * 2 * CLIENTS, "connections pile up");
  } finally {
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  }
});
