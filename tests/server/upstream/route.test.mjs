// Strategies, hedging, breaker, retries and checks of routes, counted at the servers that they lead to.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { startScene } from "../reload/scene.mjs";
import { retryAfter, startUpstream } from "./faulty.mjs";
import { askBot, modelLine, notesOf } from "./scene.mjs";
import { begun, chunk, completion, stream, streamHead, wires } from "./wires.mjs";

const NAMES = ["a", "b", "c"];
const PROTOCOLS = [wires.openai, wires.anthropic, wires.ollama];

const closing = [];
after(async () => {
  const ends = await Promise.allSettled(closing.map((close) => close()));
  for (const { reason } of ends) if (reason) throw reason;
});

async function until(condition, ms = 20_000) {
  for (const end = performance.now() + ms; !(await condition()); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
}

// Returns when it gives the same for a while.
async function standsStill(count, ms = 350) {
  for (let last = -1, since = 0, now; since + ms > performance.now() || last < 0; await sleep(10))
    if ((now = count()) !== last) [last, since] = [now, performance.now()];
}

// What servers wait for before they reply.
function makeGate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  closing.unshift(open); // a test that failed leaves nobody waiting
  return { opened, open };
}

// Servers a, b and c that say who they are, and a route over them. `options`: of the models.
async function startRoute(route, { count = 2, options = "", workers = 1, more = "" } = {}) {
  const upstreams = [];
  for (const wire of PROTOCOLS.slice(0, count)) upstreams.push(await startUpstream({ wire }));
  const names = NAMES.slice(0, count);
  const text = (route) => `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models {
        ${names.map((name, i) => `${name} = ${modelLine(upstreams[i].wire, upstreams[i].url, options)},`).join("\n")}
        main = route { ${names.map((name) => `"${name}"`).join(", ")}, retry_base = "5ms", retry_max = "20ms", ${route} },
        ${more}
      }
      trace { keep = 1000 }
      transports { http { on = "web", explain = "local" }, ops { on = "web" } }
      pipeline { ask { model = "${more ? "outer" : "main"}" } }`;
  const bot = await startScene({
    bot: text(route),
    env: { MODEL_KEY: "sk-1" },
    workers,
  }).catch(async (error) => {
    for (const upstream of upstreams) await upstream.stop();
    throw error;
  });
  const says = (i, before) => async (socket, { body }) => {
    await (typeof before === "function" ? before() : before > 0 && sleep(before));
    socket.write(body.stream ? stream(upstreams[i].wire, [names[i]]) : completion(upstreams[i].wire, names[i]));
  };
  // From now on server i plays these acts, the last of them for ever; a number is a good reply after so many ms, and
  // { once } is one when that function's promise is kept.
  const plays = (i, ...acts) => {
    const written = acts.map((act) => (typeof act === "function" ? act : says(i, act.once ?? act)));
    upstreams[i].play(...written.slice(0, -1), ...Array(1000).fill(written.at(-1)));
  };
  names.forEach((_, i) => plays(i, 0));
  const scene = {
    bot,
    upstreams,
    plays,
    fault: (i, name) => upstreams[i].faults[name],
    ask: (streamed = true, body = {}) => askBot(bot, streamed, "hello", { body: JSON.stringify({ message: "hello", stream: streamed, ...body }) }),
    counts: () => upstreams.map(({ requests }) => requests.length),
    // The route is told something else.
    async retell(route) {
      await bot.write("bot.lua", text(route));
      assert.equal((await bot.control("reload")).ok, true);
    },
    clear: () => upstreams.forEach((upstream) => (upstream.requests.length = 0)),
    notes: (reply) => notesOf(bot, reply.id),
    metric: async (pattern) => Number((await (await fetch(`${bot.url}/metrics`)).text()).match(pattern)?.[1] ?? 0),
  };
  closing.push(async () => {
    const end = await bot.stop();
    for (const upstream of upstreams) await upstream.stop();
    assert.deepEqual(end, { code: 0, signal: null });
  });
  return scene;
}

/* ---- strategies -------------------------------------------------------------------------------------------------- */

test("weighted meets its targets in proportion, and those without weight only when the others fail", async () => {
  const scene = await startRoute(`strategy = "weighted", targets = { a = { weight = 3 }, c = { weight = 0 } }, breaker_failures = 0`, { count: 3 });
  for (let i = 0; i < 20; i++) await Promise.all(Array.from({ length: 20 }, () => scene.ask()));
  const [a, b, c] = scene.counts();
  assert.ok(a > 240 && a < 355, `a: ${a}`); // 300, and six standard deviations
  assert.deepEqual([a + b, c], [400, 0]);
  for (const i of [0, 1]) scene.plays(i, scene.fault(i, "serverError"));
  assert.equal((await scene.ask()).text, "c");
});

test("hash keeps a session where it is, moves it while its target is out, and brings it back", async () => {
  const scene = await startRoute(`strategy = "hash", breaker_failures = 2, breaker_window = 2, breaker_rest = "200ms"`, { count: 3, workers: 2 });
  const sessions = Array.from({ length: 30 }, (_, i) => `session-${i}`);
  const meet = async () => Object.fromEntries(await Promise.all(sessions.map(async (session) => [session, (await scene.ask(true, { session })).text])));
  const first = await meet();
  assert.deepEqual(new Set(Object.values(first)), new Set(NAMES));
  assert.deepEqual(await meet(), first);
  scene.plays(1, scene.fault(1, "unavailable"));
  const without = await meet();
  for (const session of sessions) {
    if (first[session] === "b") assert.notEqual(without[session], "b");
    else assert.equal(without[session], first[session]);
  }
  assert.ok(new Set(sessions.filter((session) => first[session] === "b").map((session) => without[session])).size === 2, "all went to the same");
  assert.deepEqual(await meet(), without);
  scene.plays(1, 0);
  await until(async () => JSON.stringify(await meet()) === JSON.stringify(first));
});

test("hash goes by the user where it is told to", async () => {
  const scene = await startRoute(`strategy = "hash", hash_by = "user"`, { count: 3 });
  for (const user of ["u1", "u2", "u3", "u4"]) {
    const met = new Set();
    for (let i = 0; i < 4; i++) met.add((await scene.ask(true, { user })).text);
    assert.equal(met.size, 1);
  }
});

// Times are those of this run: the slow are held until the quick one has shown how quick it is on this machine.
test("least_latency learns who is quick, whole replies and streams alike", async () => {
  const scene = await startRoute(`strategy = "least_latency"`, { count: 3 });
  const slow = makeGate();
  for (const i of [0, 2]) scene.plays(i, { once: () => slow.opened });
  const from = performance.now();
  const held = [];
  for (let i = 0; i < 3; i++) {
    // each once, to know them
    const reply = scene.ask(i % 2 === 0);
    if (i === 1) await reply;
    else held.push(reply);
    await until(() => scene.counts()[i] === 1);
  }
  for (let i = 3; i < 13; i++) await scene.ask(i % 2 === 0);
  await sleep(500 - (performance.now() - from));
  slow.open();
  await Promise.all(held);
  const atMost = performance.now() - from; // what a and c are known for
  for (let i = 13; i < 30; i++) await scene.ask(i % 2 === 0);
  assert.deepEqual(scene.counts(), [1, 28, 1]);

  // now the others are quick, and b is twice as slow as they were, for as many as it takes to believe it
  for (const i of [0, 2]) scene.plays(i, 0);
  const slower = makeGate();
  scene.plays(1, { once: () => slower.opened });
  scene.clear();
  const late = Array.from({ length: 12 }, (_, i) => scene.ask(i % 2 === 0));
  await until(() => scene.counts()[1] === 12);
  await sleep(2 * atMost);
  slower.open();
  await Promise.all(late);
  for (let i = 0; i < 20; i++) await scene.ask(i % 2 === 0);
  const [a, b, c] = scene.counts();
  assert.deepEqual([a + c, b], [20, 12]);
});

test("least_latency does not send all that come at once to a target that nobody knows yet", async () => {
  const scene = await startRoute(`strategy = "least_latency"`);
  const gate = makeGate();
  for (const i of [0, 1]) scene.plays(i, { once: () => gate.opened });
  const replies = Array.from({ length: 20 }, () => scene.ask());
  await until(() => scene.counts()[0] + scene.counts()[1] === 20);
  const [a, b] = scene.counts();
  assert.ok(a >= 8 && b >= 8, `${a} went to a, ${b} to b`);
  gate.open();
  await Promise.all(replies);
});

/* ---- limits of time ---------------------------------------------------------------------------------------------- */

const between = (scene) => scene.upstreams[1].requests[0].at - scene.upstreams[0].requests[0].at;

test("a target has a time of its own to its first token, whether it sends its head or not", async () => {
  const scene = await startRoute(`targets = { a = { first = "150ms" } }, first = "20s", breaker_failures = 0`);
  for (const fault of ["hang", "headOnly", "headAndPings"]) {
    for (const streamed of [true, false]) {
      scene.clear();
      scene.plays(0, scene.fault(0, fault));
      assert.equal((await scene.ask(streamed)).text, "b");
      assert.ok(between(scene) >= 75 && between(scene) < 5000, `${fault}: ${between(scene)} ms`);
      await until(() => !scene.upstreams[0].requests[0].open);
    }
  }
});

test("a target has a time of its own to connect", async () => {
  const deaf = await startUpstream(); // speaks no TLS: the connection never stands
  closing.push(() => deaf.stop());
  const scene = await startRoute("", {
    count: 1,
    more: `deaf = openai { base_url = "${deaf.url.replace("http", "https")}", model = "m" },
           outer = route { "deaf", "main", connect = "20s", targets = { deaf = { connect = "150ms" } } }`,
  });
  const reply = await scene.ask();
  assert.equal(reply.text, "a");
  const [first] = (await scene.notes(reply)).filter(({ what }) => what === "try");
  assert.deepEqual([first.target, first.code], ["deaf", "upstream_timeout"]);
  assert.ok(first.ms >= 140 && first.ms < 5000, `${first.ms} ms`);
});

test("a target has a time of its own between two tokens", async () => {
  const scene = await startRoute(`targets = { a = { stall = "150ms" } }, breaker_failures = 0`);
  for (const fault of ["withoutEnd", "pingsInStream"]) {
    scene.plays(0, scene.fault(0, fault));
    const reply = await scene.ask(true);
    assert.deepEqual([reply.code, reply.text], ["upstream_timeout", "Hello"]);
    assert.equal((await scene.ask(false)).text, "b");
  }
});

test("who thinks is neither late nor stands still", async () => {
  const scene = await startRoute(`first = "2s", stall = "2s"`);
  const thought = { choices: [{ index: 0, delta: { reasoning_content: "hm" }, finish_reason: null }] };
  scene.plays(0, async (socket) => {
    socket.write(streamHead(wires.openai));
    // for longer than either may last
    for (const end = performance.now() + 3000; performance.now() < end; await sleep(30))
      socket.write(chunk(wires.openai.frame(thought)));
    socket.write(stream(wires.openai, ["a"]).slice(streamHead(wires.openai).length));
  });
  const replies = await Promise.all([true, false].map((streamed) => scene.ask(streamed)));
  assert.deepEqual(replies.map(({ text }) => text), ["a", "a"]);
  assert.deepEqual(scene.counts(), [2, 0]);
});

/* ---- retries ----------------------------------------------------------------------------------------------------- */

test("retries are shared along the route: they add up, whatever the models are told", async () => {
  const scene = await startRoute("retries = 2, breaker_failures = 0", { count: 3, options: "retries = 5" });
  scene.upstreams.forEach((_, i) => scene.plays(i, scene.fault(i, "unavailable")));
  for (const streamed of [true, false]) {
    scene.clear();
    const reply = await scene.ask(streamed);
    assert.equal(reply.code, "upstream_error");
    assert.deepEqual(scene.counts(), [2, 2, 1]); // three, and two more
    const notes = await scene.notes(reply);
    assert.deepEqual(notes.filter(({ what }) => what === "try").map(({ target, code }) => `${target} ${code}`),
                     ["a", "b", "c", "a", "b"].map((name) => `${name} upstream_error`));
    assert.equal(notes.filter(({ what }) => what === "all have failed").length, 1);
    assert.equal(notes.find(({ what }) => what === "given up").why, "no retries are left");
  }
});

test("a route in a route does not multiply them either", async () => {
  const scene = await startRoute("retries = 5, breaker_failures = 0", { count: 2, options: "retries = 5", more: `outer = route { "main", retries = 1, breaker_failures = 0 }` });
  scene.upstreams.forEach((_, i) => scene.plays(i, scene.fault(i, "unavailable")));
  assert.equal((await scene.ask()).code, "upstream_error");
  assert.deepEqual(scene.counts(), [2, 2]);
});

test("what no try can mend is not tried again", async () => {
  const scene = await startRoute("retries = 5, breaker_failures = 0");
  scene.plays(0, scene.fault(0, "badRequest"));
  scene.plays(1, scene.fault(1, "unauthorized"));
  const reply = await scene.ask();
  assert.equal(reply.code, "upstream_refused");
  assert.deepEqual(scene.counts(), [1, 1]);
  assert.equal((await scene.notes(reply)).find(({ what }) => what === "given up").why, "none is left that could do it");
});

test("a second round waits as long as it was told to", async () => {
  const scene = await startRoute("retries = 1");
  for (const i of [0, 1]) scene.plays(i, retryAfter({ "retry-after-ms": "900" }, "429 Too Many Requests", scene.upstreams[i].wire), 0);
  const reply = await scene.ask();
  assert.equal(reply.text, "a");
  const [first, second] = scene.upstreams[0].requests;
  assert.ok(second.at - first.at >= 895, `${second.at - first.at} ms`);
});

test("a server that says again what it goes on from is heard once", async () => {
  const wire = wires.openai;
  const scene = await startRoute("resume = true, retries = 0, breaker_failures = 0", { count: 1, options: `goes_on = "echo"`, more: `outer = route { "main", "a", resume = true, breaker_failures = 0, retries = 0 }` });
  const whole = (text) => (socket) => socket.write(stream(wire, [text]));
  const pieces = (...texts) => (socket) => socket.write(stream(wire, texts));
  for (const [act, text] of [
    [pieces("He", "llo", ", you"), "Hello, you"],
    [whole("Hello, you"), "Hello, you"],
    [whole(", you"), "Hello, you"],
    [pieces("H", "ey, you"), "HelloHey, you"], // no echo: it only begins like one
    [pieces("He"), "HelloHe"],
    [pieces("Hello"), "Hello"],
  ]) {
    scene.upstreams[0].play(scene.fault(0, "cut"), act);
    const reply = await scene.ask(true);
    assert.deepEqual([reply.code, reply.text], [undefined, text]);
  }
  // one that breaks off within its echo has said nothing
  scene.upstreams[0].play(scene.fault(0, "cut"), (socket) => socket.end(begun(wire, "Hel")));
  const reply = await scene.ask(true);
  assert.deepEqual([reply.code, reply.text], ["upstream_truncated", "Hello"]);
});

/* ---- breaker and checks ------------------------------------------------------------------------------------------ */

const resting = (scene) => scene.metric(/repartee_route_target_resting\{[^}]*target="a"[^}]*\} (\d)/);

test("who fails too often is left alone", async () => {
  const scene = await startRoute(`breaker_failures = 3, breaker_window = 5, breaker_rest = "1h"`, { workers: 2 });
  scene.plays(0, scene.fault(0, "unavailable"));
  for (let i = 0; i < 10; i++) assert.equal((await scene.ask()).text, "b");
  assert.deepEqual(scene.counts(), [3, 10]);
  await scene.bot.logged((line) => line.component === "route" && line.message.includes("'a' is left alone"));
  assert.equal(await resting(scene), 1);
});

test("after its rest one turn of many looks whether it is well", async () => {
  const scene = await startRoute(`breaker_failures = 3, breaker_window = 5, breaker_rest = "100ms"`, { workers: 2 });
  scene.plays(0, scene.fault(0, "unavailable"));
  await Promise.all(Array.from({ length: 5 }, () => scene.ask()));
  await scene.bot.logged((line) => line.component === "route" && line.message.includes("'a' is left alone"));
  scene.clear();
  const look = makeGate();
  scene.plays(0, { once: () => look.opened }, 0);
  await sleep(250); // its rest, doubled where another looked in the meantime
  const many = Array.from({ length: 20 }, () => scene.ask());
  await until(() => scene.counts()[1] === 19);
  assert.deepEqual(scene.counts(), [1, 19]); // exactly one, whichever worker it is on
  look.open();
  const replies = await Promise.all(many);
  assert.equal(replies.filter(({ text }) => text === "a").length, 1);
  await until(async () => (await scene.ask()).text === "a");
  assert.equal(await resting(scene), 0);
});

test("what is the request's fault, and what a filter withholds, is not held against a target", async () => {
  const scene = await startRoute("breaker_failures = 1, breaker_window = 1");
  for (const fault of ["badRequest", "tooLarge"]) {
    scene.plays(0, scene.fault(0, fault), 0);
    await scene.ask();
    assert.equal((await scene.ask()).text, "a");
  }
  scene.plays(0, (socket) => socket.write(stream(scene.upstreams[0].wire, ["no"], { finish: "content_filter" })), 0);
  assert.equal((await scene.ask()).done.finish, "content_filter");
  assert.equal((await scene.ask()).text, "a");
  const leaving = new AbortController();
  scene.plays(0, scene.fault(0, "hang"), 0);
  const gone = fetch(`${scene.bot.url}/v1/chat`, { method: "POST", body: JSON.stringify({ message: "hello" }), signal: leaving.signal }).catch(() => null);
  scene.clear();
  await until(() => scene.counts()[0] === 1);
  leaving.abort(); // nor that a client has left
  await gone;
  await until(() => !scene.upstreams[0].requests[0].open);
  assert.equal((await scene.ask()).text, "a");
});

test("checks notice who has gone before a turn does, and who has come back", async () => {
  const scene = await startRoute(`check_every = "500ms"`); // the time that a check has for its answer, too
  const probes = () => scene.upstreams[0].probes.length;
  await until(() => scene.upstreams.every(({ probes }) => probes.length >= 2));
  for (const { wire, probes } of scene.upstreams) assert.deepEqual([probes[0].method, probes[0].path], ["GET", wire.probe]);
  scene.upstreams[0].onProbe = scene.fault(0, "unavailable");
  await scene.bot.logged((line) => line.message?.includes("'a' fails its checks"));
  const reply = await scene.ask();
  assert.equal(reply.text, "b");
  assert.equal(scene.counts()[0], 0);
  assert.equal((await scene.notes(reply)).find(({ what }) => what === "skipped").why, "it fails its checks");
  scene.upstreams[0].onProbe = scene.fault(0, "hang"); // no answer is one too
  const from = probes();
  await until(() => probes() >= from + 2);
  assert.equal((await scene.ask()).text, "b");
  scene.upstreams[0].onProbe = scene.fault(0, "forbidden"); // a key that may only ask models
  await scene.bot.logged((line) => line.message?.includes("'a' passes its checks again"));
  assert.equal((await scene.ask()).text, "a");
});

test("a reload ends the checks of what it replaces, also one that is under way, and begins anew", async () => {
  const scene = await startRoute(`check_every = "100ms"`);
  const probes = () => scene.upstreams[1].probes.length;
  scene.upstreams[0].onProbe = scene.fault(0, "hang");
  await scene.bot.logged((line) => line.message?.includes("'a' fails its checks"));
  for (let i = 0; i < 10; i++) assert.equal((await scene.bot.control("reload")).ok, true);
  const before = probes();
  await scene.retell(`check_every = "1h"`);
  await until(async () => (await scene.bot.control("status")).draining.length === 0);
  await until(() => probes() > before);
  await standsStill(probes); // nobody looks every 100 ms any more
  assert.equal((await scene.ask()).text, "a"); // nothing is known of it yet
  const from = probes();
  await scene.retell(`check_every = "100ms"`);
  await until(() => probes() >= from + 4);
});

/* ---- hedging ----------------------------------------------------------------------------------------------------- */

// As many as it takes to know what is late; as long as that is not known no second is asked, however busy this machine is.
const ENOUGH = 20;
const measured = async (scene) => {
  for (let i = 0; i < ENOUGH; i++) assert.equal((await scene.ask(i % 2 === 0)).text, "a");
  assert.deepEqual(scene.counts(), [ENOUGH, 0]);
  scene.clear();
};

test("a second is asked when the first is later than measured, and the one that loses is cancelled at its server", async () => {
  const scene = await startRoute("hedge = 1");
  scene.plays(0, ...Array(ENOUGH).fill(5), scene.fault(0, "hang"));
  await measured(scene);
  const reply = await scene.ask();
  assert.equal(reply.text, "b");
  assert.deepEqual(scene.counts(), [1, 1]);
  const notes = (await scene.notes(reply)).filter(({ what }) => what === "try");
  assert.deepEqual(notes.map(({ target, outcome, hedge }) => [target, outcome, hedge]), [["a", "lost", undefined], ["b", "answered", true]]);
  await until(() => !scene.upstreams[0].requests[0].open);
  assert.equal(await scene.metric(/repartee_route_hedges_total\{[^}]*\} (\d+)/), 1);
});

test("the first may still win, and then the second is cancelled", async () => {
  const scene = await startRoute("hedge = 1");
  scene.plays(0, ...Array(ENOUGH).fill(5), { once: () => until(() => scene.counts()[1] === 1) });
  scene.plays(1, scene.fault(1, "headOnly"));
  await measured(scene);
  assert.equal((await scene.ask()).text, "a");
  assert.deepEqual(scene.counts(), [1, 1]);
  await until(() => !scene.upstreams[1].requests[0].open);
});

test("under load extra calls keep to their share, however late the first is", async () => {
  const scene = await startRoute("hedge = 0.1", { workers: 2 });
  scene.plays(0, ...Array(ENOUGH).fill(5), 0);
  scene.plays(1, 0);
  await measured(scene);
  for (let i = 0; i < 10; i++) {
    const before = scene.counts()[1];
    // all are late: none comes before a second has been asked for one of them, and its others would have been
    const gate = makeGate();
    scene.plays(0, { once: () => gate.opened });
    const replies = Array.from({ length: 20 }, (_, k) => scene.ask(k % 2 === 0));
    await until(() => scene.counts()[0] === 20 * (i + 1) && scene.counts()[1] > before);
    await sleep(30);
    gate.open();
    await Promise.all(replies);
  }
  const [a, b] = scene.counts();
  assert.equal(a, 200);
  assert.ok(b >= 10 && b <= 0.1 * (ENOUGH + 200), `${b} extra calls`);
});
