// What must outlive a reload: conversations, limits, what was counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { pause, post, say, startScene } from "./scene.mjs";

const bot = ({ stores = "", stages = "", more = "", more_bot = "" } = {}) => `
  ${more_bot}
  listeners { web = httpd { address = "127.0.0.1:0" } }
  transports { http { on = "web" }, ops { on = "web" } }
  ${stores ? `stores { ${stores} }` : ""}
  pipeline { ${stages} rules { files = { "rules.lua" } } } ${more}`;
const files = { "rules.lua": `
  rule "count" { match = "count", reply = function(t)
    t.session.count = (t.session.count or 0) + 1
    return tostring(t.session.count)
  end }` };

async function withServer(first, run) {
  const server = await startScene({ bot: first, files });
  const reload = async (text) => {
    await server.write("bot.lua", text);
    const answer = await server.control("reload");
    assert.deepEqual(answer.mistakes, []);
    return answer;
  };
  try {
    await run(server, reload);
  } finally {
    assert.deepEqual(await server.stop(), { code: 0, signal: null });
  }
  assert.deepEqual(server.log().filter((line) => line.text !== undefined), []);
}
const count = (server) => say(server, "count", { session: "s" });

test("sessions in the memory store survive, named or not", async () => {
  for (const stores of ["", "main = memory {}"])
    await withServer(bot({ stores }), async (server, reload) => {
      for (let i = 1; i <= 5; i++) {
        assert.equal(await count(server), `${i}`);
        assert.deepEqual((await reload(bot({ stores }))).warnings, []);
      }
      assert.deepEqual((await reload(bot({ stores: stores && 'main = memory { max = "2MiB" }' }))).warnings, []);
      assert.equal(await count(server), "6");
    });
});

test("sessions in a file survive as well", () =>
  withServer(bot({ stores: 'main = sqlite { path = "s.db" }' }), async (server, reload) => {
    for (let i = 1; i <= 10; i++) {
      assert.equal(await count(server), `${i}`);
      assert.deepEqual((await reload(bot({ stores: 'main = sqlite { path = "s.db" }' }))).warnings, []);
    }
  }));

test("where sessions cannot be carried over, the reload says so", () =>
  withServer(bot({ stores: "main = memory {}" }), async (server, reload) => {
    assert.equal(await count(server), "1");
    const { warnings } = await reload(bot({ stores: "other = memory {}" }));
    assert.equal(warnings.length, 1);
    assert.match(warnings[0], /bot\.lua:5: warning: sessions are kept in the store 'other' \(memory\) from now on; those in 'main' \(memory\) are not carried over$/);
    assert.equal(await count(server), "1");
    await server.logged((line) => line.level === "WARN" && line.component === "reload");
  }));

test("a reload gives nobody a fresh allowance, and new limits count at once", () => {
  const limited = (rate, burst) => bot({ stages: `ratelimit { rate = "${rate}", burst = ${burst}, per = "user" },` });
  return withServer(limited("1/h", 3), async (server, reload) => {
    const ask = async () => (await post(server, "count", { user: "u" })).status;
    for (let i = 0; i < 3; i++) assert.equal(await ask(), 200);
    assert.equal(await ask(), 429);
    for (let i = 0; i < 3; i++) {
      await reload(limited("1/h", 3));
      assert.equal(await ask(), 429);
    }
    await reload(limited("10/s", 3)); // what was written counts for 0.3 s now, not for hours
    assert.equal(await ask(), 429);
    await pause(150);
    assert.equal(await ask(), 200);
  });
});

test("metrics go on counting, reloads are counted", () =>
  withServer(bot(), async (server, reload) => {
    await reload(bot());
    await reload(bot());
    await server.write("bot.lua", "}");
    assert.equal((await server.control("reload")).ok, false);
    const text = await (await fetch(`${server.url}/metrics`)).text();
    assert.match(text, /^repartee_reloads_total\{result="done"\} 2$/m);
    assert.match(text, /^repartee_reloads_total\{result="refused"\} 1$/m);
  }));

test("an event of a session that was asked for before a reload comes by the new rules", () =>
  withServer(bot(), async (server) => {
    await server.rules(`dialog "d" { match = "start", run = function(t)
      t:ask "old?" return "old" end, timeout = "700ms", timed_out = "old" }`);
    assert.equal(await say(server, "start", { session: "t" }), "old?");
    await server.rules(`dialog "d" { match = "start", run = function(t)
      t:ask "old?" return "old" end, timeout = "700ms", timed_out = "new" }
      rule "hi" { match = "hi", reply = "hello" }`);
    await pause(1200);
    assert.equal(await say(server, "hi", { session: "t" }), "new\nhello");
  }));
