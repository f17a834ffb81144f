// A route over two servers, the first of which misbehaves in every way that there is, in one of the protocols: the second
// one replies; a reply that has begun to go out goes on with it where that is allowed, and is an error where it is not. The
// explanation names both tries. At the end nothing is left open.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { makeCertificates } from "../support/certificates.mjs";
import { startBot } from "../support/repartee.mjs";
import { answersAgain, both, descriptors, limits, limitsFor, oddities, resent, residentKiB, streams, until, wholes } from "./faults.mjs";
import { retryAfter, startUpstream } from "./faulty.mjs";
import { askBot, modelLine, notesOf } from "./scene.mjs";
import { completion, stream, wires } from "./wires.mjs";

const REPLY = "I am the second";
const SECONDS = { openai: "ollama", anthropic: "openai", ollama: "anthropic" }; // who steps in
const goesOn = { openai: `goes_on = "message"`, anthropic: "goes_on = true", ollama: "" };

const replies = (text) => (socket, { body }) =>
  socket.write(body.stream ? stream(socket.wire, [text.slice(0, 3), text.slice(3)]) : completion(socket.wire, text));

// `first` is a line of the bot file, or the options of a model over an upstream that misbehaves.
async function startRoute({ wire, route = "", options = "", listen, first, trusts }) {
  const second = wires[SECONDS[wire.name]];
  const upstreams = [await startUpstream({ wire, ...listen }), await startUpstream({ wire: second })];
  const answer = (text) => (socket, request) => replies(text)(Object.assign(socket, { wire: second }), request);
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models {
        first = ${first ?? modelLine(wire, upstreams[0].url, options)},
        second = ${modelLine(second, upstreams[1].url, `timeout_first = "30s", ${goesOn[second.name]}`)},
        main = route { "first", "second", retries = 0, breaker_failures = 0, ${route} },
      }
      trace { keep = 100 }
      limits { turn = "50s" }
      transports { http { on = "web", explain = "local" } }
      pipeline { ask { model = "main" } }`,
    env: { MODEL_KEY: "sk-1" },
    args: ["--workers", "1"],
  }).catch(async (error) => {
    for (const upstream of upstreams) await upstream.stop();
    throw error;
  });
  const scene = {
    bot,
    wire,
    first: upstreams[0],
    second: upstreams[1],
    ask: (streamed) => askBot(bot, streamed),
    seconds: (text) => upstreams[1].play(...Array(10).fill(answer(text))),
    clear() {
      for (const upstream of upstreams) upstream.requests.length = 0;
      scene.seconds(REPLY);
    },
    async tries(reply) {
      const notes = await notesOf(bot, reply.id);
      return notes.filter(({ what }) => what === "try").map(({ target, outcome, code, from }) => [target, outcome, ...(code ? [code] : []), ...(from ? [from] : [])]);
    },
    async stop() {
      const end = await bot.stop();
      for (const upstream of upstreams) await upstream.stop();
      return end;
    },
  };
  scene.clear();
  return scene;
}

// What the prompt of a call ends with, where it has to be gone on from.
const begun = ({ body }) => {
  const { role, content } = body.messages.at(-1);
  return [role, typeof content === "string" ? content : content.map(({ text }) => text).join("")];
};

export function testFallback(name) {
  const wire = wires[name];
  const stricts = {}, lenients = {}; // those that never go on with a reply, those that may; by how patient they are
  let strict, lenient, certificates;
  let openAtFirst;
  const all = () => [...Object.values(stricts), ...Object.values(lenients)];

  before(async () => {
    for (const [hurry, options] of Object.entries(limits)) {
      stricts[hurry] = await startRoute({ wire, options });
      lenients[hurry] = await startRoute({ wire, options, route: "resume = true" });
    }
    strict = stricts.patient;
    lenient = lenients.patient;
    certificates = await makeCertificates();
    for (const scene of all()) await scene.ask();
    openAtFirst = all().map(({ bot }) => descriptors(bot.pid));
  });
  after(async () => {
    for (const scene of all()) assert.deepEqual(await scene.stop(), { code: 0, signal: null });
    await certificates?.remove();
  });
  beforeEach(() => all().forEach((scene) => scene.clear()));

  const play = (scene, fault) => scene.first.play(...Array(resent.includes(fault) ? 100 : 1).fill(scene.first.faults[fault]));

  // A reply that comes whole is all or nothing: what it says before it stops does not matter.
  async function isAnsweredBySecond(fault, code, streamed) {
    const hurry = limitsFor(code, "");
    const scene = stricts[hurry];
    play(scene, fault);
    const reply = await scene.ask(streamed);
    assert.equal(reply.code, undefined);
    assert.equal(reply.text, REPLY);
    assert.equal(reply.done.reply, REPLY);
    assert.equal(reply.done.finish, "stop");
    assert.deepEqual(await scene.tries(reply), [["first", "failed", code], ["second", "answered"]]);
    await until(() => scene.first.requests.length >= 1); // what nobody waits for any more may still be on its way
    if (!resent.includes(fault)) assert.equal(scene.first.requests.length, 1);
    assert.equal(scene.second.requests.length, 1);
    scene.first.play();
    await answersAgain(() => scene.ask(streamed), hurry !== "patient");
  }

  const early = streams.filter(([, , , text]) => text === "");
  const late = streams.filter(([, , , text]) => text !== "");

  for (const [fault, code] of [...both, ...early]) {
    test(`${fault}, streamed: the second replies`, () => isAnsweredBySecond(fault, code, true));
  }
  for (const [fault, code] of [...both, ...wholes, ...streams]) {
    test(`${fault}, whole: the second replies`, () => isAnsweredBySecond(fault, code, false));
  }

  for (const [fault, code, , text] of late) {
    test(`${fault}, streamed: what has gone out is not the beginning of another reply`, async () => {
      const hurry = limitsFor(code, text);
      const scene = stricts[hurry];
      play(scene, fault);
      const reply = await scene.ask(true);
      assert.deepEqual([reply.code, reply.text, reply.done], [code, text, undefined]);
      assert.deepEqual(await scene.tries(reply), [["first", "failed", code]]);
      assert.equal(scene.second.requests.length, 0);
      scene.first.play();
      await answersAgain(() => scene.ask(true), hurry !== "patient");
    });

    test(`${fault}, streamed: where it is allowed the second goes on`, async () => {
      const scene = lenients[limitsFor(code, text)];
      play(scene, fault);
      scene.seconds(", you there");
      const reply = await scene.ask(true);
      assert.equal(reply.code, undefined);
      assert.equal(reply.text, `${text}, you there`);
      assert.equal(reply.done.reply, reply.text);
      assert.deepEqual(begun(scene.second.requests[0]), ["assistant", text]);
      assert.deepEqual(await scene.tries(reply), [["first", "failed", code], ["second", "answered", text.length]]);
    });
  }

  test("wherever a stream is cut, nothing is doubled, nothing missing, and no character torn", async () => {
    const pieces = ["Grüße, ", "你好 ", "\n\n", "\u3000😀 ", "und so weiter"];
    const full = pieces.join("");
    const bytes = Buffer.from(stream(wire, pieces));
    const from = bytes.indexOf("\r\n\r\n") + 4;
    const seen = new Set();
    for (let at = from; at < bytes.length; at += 13) {
      lenient.clear();
      lenient.first.play((socket) => socket.end(bytes.subarray(0, at)));
      lenient.seconds("|rest");
      const reply = await lenient.ask(true);
      assert.equal(reply.code, undefined, `cut at ${at}: ${reply.code}`);
      if (reply.text === full) continue; // all of it had come
      const [role, said] = begun(lenient.second.requests[0]);
      const prefix = role === "assistant" ? said : "";
      assert.ok(full.startsWith(prefix), `cut at ${at}: '${prefix}'`);
      assert.equal(prefix, prefix.trimEnd());
      assert.equal(reply.text, `${prefix}|rest`);
      seen.add(prefix);
    }
    assert.deepEqual([...seen], ["", "Grüße,", "Grüße, 你好", "Grüße, 你好 \n\n\u3000😀", full]);
  });

  for (const oddity of oddities) {
    test(`${oddity} is no fault`, async () => {
      for (const streamed of [true, false]) {
        strict.first.play(strict.first.faults[oddity]);
        assert.equal((await strict.ask(streamed)).text, "Hello, world");
      }
      assert.equal(strict.second.requests.length, 0);
    });
  }

  test("a reply that comes byte by byte is the first one's, whole", async () => {
    for (const scene of [strict, lenient]) {
      for (const streamed of [true, false]) {
        scene.first.play(scene.first.faults.byteAtATime);
        assert.equal((await scene.ask(streamed)).text, "Grüße 你好 😀");
      }
    }
  });

  test("a gibibyte of text ends at the limit of a reply, and is not kept", async () => {
    for (const [scene, streamed] of [[strict, true], [strict, false], [lenient, true]]) {
      const before = residentKiB(scene.bot.pid);
      scene.first.play(scene.first.faults.gibibyteOfText);
      const reply = await scene.ask(streamed);
      assert.deepEqual([reply.code, reply.done], ["reply_too_long", undefined]);
      const { socket } = scene.first.requests.at(-1);
      for (let i = 0; i < 2000 && !socket.destroyed; i++) await sleep(10);
      assert.ok(socket.destroyed, "the upstream's connection is still open");
      const grown = residentKiB(scene.bot.pid) - before;
      assert.ok(grown < 48 << 10, `${grown} KiB more than before`);
    }
  });

  test("who is told when to come again comes to the second at once", async () => {
    for (const fields of [
      { "Retry-After": "12" },
      { "Retry-After": "9.5" },
      { "retry-after-ms": "15000" },
      { "Retry-After": new Date(Date.now() + 60_000).toUTCString() },
      { "Retry-After": "3600" },
      { "Retry-After": "soon" },
    ]) {
      const scene = await startRoute({ wire }); // it remembers what it was told
      scene.first.play(retryAfter(fields, "429 Too Many Requests", wire));
      assert.equal((await scene.ask()).text, REPLY);
      const at = scene.second.requests[0].at - scene.first.requests[0].at;
      assert.ok(at < 9000, `after ${at} ms`); // none was told to wait for less, but by what makes no sense
      const next = await scene.ask();
      const told = fields["Retry-After"] !== "soon";
      assert.equal(next.text, told ? REPLY : "Hello, world");
      if (told) {
        const [skipped] = (await notesOf(scene.bot, next.id)).filter(({ what }) => what === "skipped");
        assert.deepEqual([skipped.target, skipped.why], ["first", "it has asked for time"]);
      }
      assert.deepEqual(await scene.stop(), { code: 0, signal: null });
    }
  });

  test("nobody listens: the second replies", async () => {
    const scene = await startRoute({ wire, first: modelLine(wire, "http://127.0.0.1:9") });
    for (const streamed of [true, false]) {
      const reply = await scene.ask(streamed);
      assert.equal(reply.text, REPLY);
      assert.deepEqual(await scene.tries(reply), [["first", "failed", "upstream_error"], ["second", "answered"]]);
    }
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  });

  for (const [what, code, setUp] of [
    ["a certificate signed by a stranger", "upstream_untrusted", () => certificates.stranger],
    ["a certificate for another host", "upstream_untrusted", () => certificates.elsewhere],
    ["a certificate that is out of date", "upstream_untrusted", () => certificates.expired],
    ["TLS 1.1 only", "upstream_error", () => ({ ...certificates.server, minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" })],
    ["no TLS where there should be", "upstream_timeout", () => null],
  ]) {
    test(`${what}: the second replies`, async () => {
      const options = setUp();
      const scene = await startRoute({
        wire,
        options: `ca_file = "${certificates.ca}"${code === "upstream_timeout" ? `, timeout_connect = "300ms"` : ""}`,
        route: "retries = 2",
        listen: { scheme: "https", host: "localhost", ...(options && { listen: (handle) => tls.createServer(options, handle).on("tlsClientError", () => {}) }) },
      });
      for (const streamed of [true, false]) {
        const reply = await scene.ask(streamed);
        assert.equal(reply.text, REPLY);
        assert.deepEqual(await scene.tries(reply), [["first", "failed", code], ["second", "answered"]]);
      }
      assert.equal(scene.first.requests.length, 0);
      assert.deepEqual(await scene.stop(), { code: 0, signal: null });
    });
  }

  test("a connection that is cut in the middle of TLS is gone on from", async () => {
    const scene = await startRoute({
      wire,
      options: `ca_file = "${certificates.ca}"`,
      route: "resume = true",
      listen: { scheme: "https", host: "localhost", listen: (handle) => tls.createServer(certificates.server, handle) },
    });
    scene.first.play(scene.first.faults.cutHard);
    scene.seconds(", you there");
    assert.equal((await scene.ask(true)).text, "Hello, you there");
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  });

  test("when both fail there is one clear error", async () => {
    for (const streamed of [true, false]) {
      strict.clear();
      strict.first.play(strict.first.faults.serverError);
      strict.second.play(strict.second.faults.rateLimited);
      const reply = await strict.ask(streamed);
      assert.deepEqual([reply.code, reply.done, reply.text ?? ""], ["upstream_rate_limited", undefined, ""]);
      assert.deepEqual(await strict.tries(reply), [["first", "failed", "upstream_error"], ["second", "failed", "upstream_rate_limited"]]);
      assert.deepEqual([strict.first.requests.length, strict.second.requests.length], [1, 1]);
    }
  });

  test("many at once, one fault or another each: all are answered", async () => {
    const scene = stricts.hasty;
    const names = [...both, ...early].map(([fault]) => fault);
    scene.first.play(...names.flatMap((fault) => [scene.first.faults[fault], scene.first.faults.good]));
    scene.second.play(...Array(200).fill((socket, request) => replies(REPLY)(Object.assign(socket, { wire: scene.second.wire }), request)));
    const answers = await Promise.all(Array.from({ length: 3 * names.length }, (_, i) => scene.ask(i % 2 === 0)));
    for (const { done, code } of answers) assert.ok(done?.reply === REPLY || done?.reply === "Hello, world", code);
    scene.first.play();
    scene.clear();
  });

  test("nothing is left open", async () => {
    // connections that are kept for the next question are at both ends; nothing else is
    for (const [i, scene] of all().entries())
      await until(() => descriptors(scene.bot.pid) - openAtFirst[i] - (scene.first.connections() + scene.second.connections() - 1) <= 0);
  });
}
