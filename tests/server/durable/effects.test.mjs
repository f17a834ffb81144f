// A refund is never posted twice, whenever the process is killed: before, behind and in the middle of the request.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pause, startApi, startScene } from "./scene.mjs";

const rules = (safe) => `
  dialog "refund" {
    match = "^refund",
    run = function(t)
      local id = t:ask("Which order?", { match = [[\\d+]] })
      t:event("asked", { order = id })
      local r = t:post(config.api .. "/refunds/" .. id, { json = { order = id }${safe ? ", idempotent = true" : ""} })
      if r.unknown then return "Please ask a person about " .. id .. "." end
      t:say("Refunded " .. id .. ".")
      t:post(config.api .. "/letters/" .. id, { json = { order = id }${safe ? ", idempotent = true" : ""} })
      t:ask "Anything else?"
      return "Goodbye."
    end,
  }`;

let api;
before(async () => {
  api = await startApi();
});
after(() => api.stop());

async function withScene(safe, run) {
  api.requests.length = 0;
  api.on = () => undefined;
  const scene = await startScene({ rules: rules(safe), api });
  try {
    await run(scene);
  } finally {
    await scene.stop();
  }
}

// Kills the process when the server has the request for this path, before it answers.
const killAt = (scene, path) =>
  new Promise((resolve) => {
    api.on = async (seen) => {
      if (!seen.path.startsWith(path)) return;
      api.on = () => undefined;
      await scene.kill();
      resolve();
    };
  });

// A message whose process does not live to answer it.
async function sayAndDie(scene, message, session, killed) {
  await assert.rejects(Promise.all([scene.say(message, session), killed]));
  await killed;
  await scene.start();
}

test("a request that was on its way when the process died is not sent again: the dialog is told", () =>
  withScene(false, async (scene) => {
    assert.equal(await scene.say("refund"), "Which order?");
    await sayAndDie(scene, "17", "s", killAt(scene, "/refunds"));
    assert.equal(await scene.say("hello?"), "Please ask a person about 17.");
    assert.equal(api.posts().length, 1);
    assert.equal(api.posts()[0].key, undefined);
  }));

test("one that is safe is sent again, with the same key, and the dialog goes on", () =>
  withScene(true, async (scene) => {
    assert.equal(await scene.say("refund"), "Which order?");
    await sayAndDie(scene, "17", "s", killAt(scene, "/refunds"));
    await sayAndDie(scene, "hello?", "s", killAt(scene, "/refunds"));
    assert.equal(await scene.say("hello?"), "Refunded 17.\nAnything else?");
    const [first, second, third] = api.posts("/refunds/17").map((seen) => seen.key);
    assert.ok(first.length > 20);
    assert.deepEqual([second, third], [first, first]);
    assert.equal(api.posts("/letters/17").length, 1);
    assert.notEqual(api.posts("/letters/17")[0].key, first);
    assert.equal(await scene.say("no"), "Goodbye.");
  }));

test("the second effect dies, the first is known and is not done again", () =>
  withScene(false, async (scene) => {
    assert.equal(await scene.say("refund"), "Which order?");
    await sayAndDie(scene, "17", "s", killAt(scene, "/letters"));
    assert.equal(await scene.say("hello?"), "Refunded 17.\nAnything else?");
    assert.equal(api.posts("/refunds/17").length, 1);
    assert.equal(api.posts("/letters/17").length, 1);
    assert.equal(await scene.say("no"), "Goodbye.");
    await scene.bot.logged((line) => line.event === "asked");
    assert.equal(scene.events("asked").length, 1); // the turn that died has told nobody: the next one does
  }));

// At any moment whatever: many conversations at once, killed again and again.
for (const safe of [false, true]) {
  test(`killed at random, no order is refunded twice (${safe ? "safe to repeat" : "not safe"})`, () =>
    withScene(safe, async (scene) => {
      api.on = () => pause(Math.random() * 8);
      let next = 1;
      const orders = new Map(); // session → order
      const talk = async (session) => {
        for (;;) {
          const order = next++;
          let said = "";
          while (!/Goodbye|person/.test(said)) {
            const message = said.includes("Which") ? String(order) : "refund, or no";
            const body = await scene.post(message, session).catch(() => undefined);
            if (!body) return; // killed
            assert.equal(body.error, undefined, JSON.stringify(body));
            said = body.reply;
            if (said.includes("Which")) orders.set(session, order);
          }
        }
      };
      for (let round = 0; round < 8; round++) {
        const talks = Array.from({ length: 6 }, (_, i) => talk(`s${i}`));
        await pause(30 + Math.random() * 120);
        await scene.kill();
        await Promise.all(talks);
        await scene.start();
      }
      const counts = new Map();
      for (const { path, key } of api.posts()) {
        const keys = counts.get(path) ?? [];
        keys.push(key);
        counts.set(path, keys);
      }
      assert.ok(counts.size > 5, `only ${counts.size} effects`);
      for (const [path, keys] of counts) {
        if (safe) assert.equal(new Set(keys).size, 1, `${path}: ${keys}`);
        else assert.equal(keys.length, 1, path);
      }
    }));
}
