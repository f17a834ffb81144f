// Connections to models: warm from the start, shared over HTTP/2, never more than the limit, and only to servers whose
// certificate is in order.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http2 from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import tls from "node:tls";
import { promisify } from "node:util";
import { makeCertificates } from "../support/certificates.mjs";
import { program } from "../support/repartee.mjs";
import { modelLine, startScene } from "./scene.mjs";
import { startUpstream, writeAndSee } from "./faulty.mjs";
import { begun, frames, wires } from "./wires.mjs";

let certificates;
before(async () => (certificates = await makeCertificates()));
after(() => certificates?.remove());

async function until(condition, ms = 20_000) {
  for (const end = performance.now() + ms; !condition(); await sleep(5))
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${condition}`);
}

// A scene whose upstream speaks TLS with this certificate.
const tlsScene = (pair, options, server = {}) =>
  startScene({
    options: `ca_file = "${certificates.ca}", ${options ?? "retries = 0"}`,
    upstream: { scheme: "https", host: "localhost", listen: (handle) => tls.createServer({ ...pair, ...server }, handle).on("tlsClientError", () => {}) },
  });

for (const wire of Object.values(wires)) {
  test(`connections to ${wire.name} stand before the first turn`, async () => {
    const scene = await startScene({ wire, options: "warm = 3" });
    await until(() => scene.upstream.probes.length === 3);
    assert.equal(scene.upstream.opened(), 3);
    const [{ path, headers }] = scene.upstream.probes;
    assert.equal(path, wire.probe);
    assert.equal(wire.key(headers), scene.key);
    const replies = await Promise.all([scene.ask(), scene.ask(), scene.ask(false)]);
    for (const { text } of replies) assert.equal(text, "Hello, world");
    assert.equal(scene.upstream.opened(), 3);
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  });
}

test("a server that is not there yet does not keep the bot from starting", async () => {
  const scene = await startScene({ baseUrl: "http://127.0.0.1:9", options: "warm = 2, retries = 0" });
  assert.equal((await scene.ask()).code, "upstream_error");
  assert.deepEqual(await scene.stop(), { code: 0, signal: null });
});

test("who only checks a bot opens no connection", async () => {
  const upstream = await startUpstream();
  const folder = await mkdtemp(join(tmpdir(), "repartee-test-"));
  const bot = `models { main = ${modelLine(wires.openai, upstream.url, "warm = 2")} } transports { stdin {} } pipeline { ask { model = "main" } }`;
  await writeFile(join(folder, "bot.lua"), bot, { mode: 0o640 });
  for (let i = 0; i < 5; i++)
    await promisify(execFile)(program, ["check", "-c", join(folder, "bot.lua")], { env: { ...process.env, MODEL_KEY: "sk-1" } });
  assert.equal(upstream.opened(), 0);
  await upstream.stop();
  await rm(folder, { recursive: true });
});

test("more questions than connections wait for their turn", async () => {
  const scene = await startScene({ limits: "host_connections = 2" });
  let most = 0;
  scene.upstream.play(
    ...Array(12).fill(async (socket, request) => {
      most = Math.max(most, scene.upstream.connections());
      await until(() => scene.upstream.requests.length >= 2); // both connections are in use
      await sleep(20);
      scene.upstream.faults.good(socket, request);
    }),
  );
  const replies = await Promise.all(Array.from({ length: 12 }, (_, i) => scene.ask(i % 2 === 0)));
  for (const { text } of replies) assert.equal(text, "Hello, world");
  assert.equal(most, 2);
  assert.equal(scene.upstream.opened(), 2);
  await scene.stop();
});

test("a certificate that is in order is enough", async () => {
  const scene = await tlsScene(certificates.server);
  assert.equal((await scene.ask()).text, "Hello, world");
  await scene.stop();
});

for (const [what, pair] of [
  ["signed by a stranger", "stranger"],
  ["for another host", "elsewhere"],
  ["out of date", "expired"],
]) {
  test(`a certificate ${what} is refused, and no word of the question is sent`, async () => {
    const scene = await tlsScene(certificates[pair], "retries = 2"); // none is made: it does not get any better
    for (const stream of [true, false]) {
      const reply = await scene.ask(stream);
      assert.equal(reply.code, "upstream_untrusted");
      assert.equal(reply.text ?? "", "");
    }
    const told = () => scene.bot.log().filter((line) => line.component === "openai");
    await until(() => told().length >= 2);
    const warnings = told();
    assert.deepEqual(warnings.map(({ attempt, next_attempt_ms }) => [attempt, next_attempt_ms]), [[1, undefined], [1, undefined]]);
    for (const { message } of warnings) assert.match(message, /^the certificate of localhost:\d+ is not trusted: /);
    assert.equal(scene.upstream.requests.length, 0);
    await scene.stop();
  });
}

test("a server's certificate is looked at without being told to", async () => {
  const scene = await startScene({
    options: "retries = 0",
    upstream: { scheme: "https", host: "localhost", listen: (handle) => tls.createServer(certificates.server, handle).on("tlsClientError", () => {}) },
  });
  assert.equal((await scene.ask()).code, "upstream_untrusted"); // the system does not know the tests' authority
  assert.equal(scene.upstream.requests.length, 0);
  await scene.stop();
});

test("versions of TLS before 1.2 are refused", async () => {
  const scene = await tlsScene(certificates.server, "", { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" });
  assert.equal((await scene.ask()).code, "upstream_error");
  assert.equal(scene.upstream.requests.length, 0);
  await scene.stop();
});

test("a server that speaks no TLS where it should ends the turn", async () => {
  const scene = await startScene({ options: `retries = 0, timeout_connect = "200ms"`, upstream: { scheme: "https", host: "localhost" } });
  assert.equal((await scene.ask()).code, "upstream_timeout");
  await scene.stop();
});

test("a connection that is cut in the middle of TLS is a cut, not an end", async () => {
  const scene = await tlsScene(certificates.server);
  scene.upstream.play(async (socket) => {
    await writeAndSee(socket, begun(wires.openai, "Hello"));
    socket.destroy(); // no goodbye of TLS
  });
  const reply = await scene.ask();
  assert.deepEqual([reply.code, reply.text], ["upstream_truncated", "Hello"]);
  await scene.stop();
});

test("over HTTP/2 many questions share one connection, and a slow reader does not hold up the others", async () => {
  const wire = wires.openai;
  let sessions = 0;
  let flooded = 0;
  const server = http2.createSecureServer({ ...certificates.server, allowHTTP1: true });
  server.on("session", () => sessions++);
  server.on("request", async (request, response) => {
    let body = "";
    for await (const data of request) body += data;
    response.writeHead(200, { "content-type": wire.type });
    response.on("error", () => {});
    if (!body.includes("flood")) return response.end(frames(wire, ["Hello from ", request.httpVersion]).join(""));
    let open = true;
    response.on("close", () => (open = false)).setMaxListeners(0);
    const piece = wire.frame(wire.delta("x".repeat(1000))[0]);
    for (; open && flooded < 50_000; flooded++) {
      if (!response.write(piece)) await new Promise((resolve) => response.once("drain", resolve).once("close", resolve));
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const scene = await startScene({ baseUrl: `https://localhost:${server.address().port}/v1`, options: `ca_file = "${certificates.ca}", retries = 0` });
  const ask = async () => assert.equal((await scene.ask()).text, "Hello from 2.0");

  await Promise.all(Array.from({ length: 30 }, ask));
  assert.equal(sessions, 1);

  const leaving = new AbortController();
  const slow = await scene.post(true, { body: JSON.stringify({ message: "flood", stream: true }), signal: leaving.signal });
  await until(() => flooded > 100); // nobody reads it
  const standsStill = async () => {
    for (let last = -1; last !== flooded; await sleep(300)) last = flooded;
  };
  await standsStill();
  for (let i = 0; i < 30; i++) await ask();
  await standsStill();
  // what curl lets a stream send ahead, 32 MiB, and no more: 6 MB were seen, most of them in the system's own buffers
  assert.ok(flooded < 34_000, `${flooded} kB`);
  leaving.abort();
  await slow.text().catch(() => {});
  await ask();
  assert.equal(sessions, 1);
  assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  server.close();
});
