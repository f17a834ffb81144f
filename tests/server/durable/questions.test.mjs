// A long dialog is killed at every one of its questions, and goes on: in another process, on another worker, after a reload.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { pause, startApi, startScene } from "./scene.mjs";

const dialog = (more = "") => `
  local function street_of(t, who) return t:ask("Street of " .. who .. "?") end
  dialog "move" {
    match = { [[(?i)\\bmove\\b]], "搬家" },
    cancel = "^stop$", cancelled = "Stopped.",
    run = function(t)
      local first = t.text
      local lot = math.random(1, 1000000)
      local name = t:ask("Name?", { match = [[\\p{L}+]], again = "Letters, please." })
      t.session.name = name
      t:event("greeted", { name = name })
      t:say("Hello " .. t.session.name .. ", lot " .. lot .. ".")
      local account = t:get(config.api .. "/account?name=" .. name)
      local street = street_of(t, name)
      local size = t:ask("Size?", { choices = { small = "(?i)small|小", large = "(?i)large|大" } })
      local data = t:form {
        { name = "date", ask = "Date?", match = [[\\d{4}-\\d\\d-\\d\\d]] },
        { name = "phone", ask = "Phone?", match = [[\\d{7,}]] },
      }
      local seen = {}
      for key, value in pairs { a = 1, b = 2, c = 3, d = 4, e = 5, f = 6, g = 7 } do seen[#seen + 1] = key .. value end
      if not t:confirm("Move " .. name .. " on " .. data.date .. "?") then return "Nothing was done." end
      t:sleep(0.001)
      local slot = t:post(config.api .. "/moves", { json = { name = name, date = data.date } })
      local note = t:ask("Note?", { check = function(text) t:get(config.api .. "/check") return #text > 1, "Longer, please." end })
      ${more}
      return table.concat({ first, name, street, size, data.date, data.phone, note, account.json.path, slot.json.path,
                            table.concat(seen), lot == 0 and "" or "lot " .. lot }, "; ")
    end,
  }
  rule "hours" { match = "hours", interrupt = true, reply = "Nine to five." }`;

// What is said, and what is answered; LOT stands for a number by chance that must not change.
const talk = [
  ["I want to move", "Name?"],
  ["123", "Letters, please."],
  ["Ann", "Hello Ann, lot LOT.\nStreet of Ann?"],
  ["your hours?", "Nine to five.\nStreet of Ann?"],
  ["Elm Street 1", "Size?"],
  ["huge", "Size?"],
  ["a large one", "Date?"],
  ["call 5551234567 first", "Date?"],
  ["on 2030-01-02", "Move Ann on 2030-01-02?"],
  ["hm", "Move Ann on 2030-01-02?"],
  ["yes please", "Note?"],
  ["x", "Longer, please."],
  ["ring twice",
   "I want to move; Ann; Elm Street 1; large; 2030-01-02; 5551234567; ring twice; /account?name=Ann; /moves; a1b2c3d4e5f6g7; lot LOT"],
];

let api;
before(async () => {
  api = await startApi();
});
after(() => api.stop());

// `between` gets what the bot has answered, { id, reply }.
async function converse(scene, session, between = () => {}) {
  let lot;
  for (const [message, reply] of talk) {
    const answer = await scene.answer(message, session);
    lot ??= /lot (\d+)/.exec(answer.reply)?.[1];
    assert.equal(answer.reply, reply.replace("LOT", lot));
    await between(answer);
  }
}

async function withScene(run, more = {}) {
  api.requests.length = 0;
  const scene = await startScene({ rules: dialog(), api, ...more });
  try {
    await run(scene);
  } finally {
    await scene.stop();
  }
}

test("a process that is killed at every question is not missed", () =>
  withScene(async (scene) => {
    await converse(scene, "s", async ({ id, reply }) => {
      await scene.bot.logged((line) => line.request_id === id && line.status); // it is written behind the reply
      if (reply.startsWith("Hello")) await scene.bot.logged((line) => line.event === "greeted");
      await scene.restart();
    });
    assert.equal(api.posts().length, 1);
    assert.equal(api.requests.filter((seen) => seen.path.startsWith("/account")).length, 1);
    assert.equal(api.requests.filter((seen) => seen.path === "/check").length, 2); // one for each answer
    assert.equal(scene.events("greeted").length, 1);
  }));

test("every worker goes on with what another has begun", () =>
  withScene(async (scene) => {
    await Promise.all(Array.from({ length: 12 }, (_, i) => converse(scene, `s${i}`)));
    assert.equal(api.posts().length, 12);
  }, { args: ["--workers", "4"] }));

test("a reload that does not touch it does not matter; one that does is noticed", () =>
  withScene(async (scene) => {
    let round = 0;
    await converse(scene, "s", () => scene.change(`-- ${++round}\nrule "r${round}" { match = "never ${round}", reply = "-" }\n${dialog()}`));
    assert.equal(api.posts().length, 1);

    await scene.say("move", "t");
    await scene.say("Bob", "t");
    await scene.change(dialog().replace("Street of", "Address of").replace("run =", 'changed = "We have to begin again.", run ='));
    assert.equal(await scene.say("Elm Street", "t"), "We have to begin again.\nName?");
    await scene.bot.logged((line) => line.message === "a dialog's code has changed" && line.dialog === "move");

    await scene.say("Bob", "t");
    await scene.change(dialog().replace("run =", 'on_change = "finish", changed = "Please ask once more.", run ='));
    assert.equal(await scene.say("Elm Street", "t"), "Please ask once more.");
    assert.equal(await scene.say("stop and move", "t"), "Name?");
    assert.equal(await scene.say("stop", "t"), "Stopped.");
  }));

test("what is too late is said by the next process", async () => {
  const rules = `dialog "late" { match = "go", timeout = 0.2, timed_out = "You took too long.", run = function(t)
    return t:ask "Well?" end }
    rule "hi" { match = "hi", reply = "Hi." }`;
  const scene = await startScene({ rules });
  assert.equal(await scene.say("go"), "Well?");
  await scene.kill();
  await pause(250);
  await scene.start();
  assert.equal(await scene.say("hi"), "You took too long.\nHi.");
  assert.equal(await scene.say("go"), "Well?");
  await pause(400);
  await scene.restart(); // the event itself is on disk
  assert.equal(await scene.say("hi"), "You took too long.\nHi.");
  await scene.stop();
});
