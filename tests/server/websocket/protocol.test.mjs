// The protocol itself: handshake, framing, limits, and what rude clients get.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { scriptedBot } from "./client.mjs";
import { BINARY, CLOSE, PING, PONG, TEXT, frame, rawConnect, requestHead } from "./raw.mjs";

let bot;
const message = (text) => JSON.stringify({ type: "message", text });

before(async () => {
  bot = await startBot({
    bot: scriptedBot(["Hello."], { websocket: `origins = { "https://shop.example" }, message = "4KiB"` }),
    args: ["--workers", "1"],
  });
});
after(async () => assert.deepEqual(await bot.stop(), { code: 0, signal: null }));

async function reply(raw) {
  for (;;) {
    const next = await raw.json();
    if (next.type !== "delta") return next;
  }
}

test("the handshake proves that we understood", async () => {
  const raw = await rawConnect(bot.port, { fields: ["Origin: https://shop.example"] });
  assert.match(raw.response, /^HTTP\/1\.1 101 /);
  assert.match(raw.response, /\r\nupgrade: websocket\r\n/i);
  assert.match(raw.response, /\r\nconnection: upgrade\r\n/i);
  assert.match(raw.response, /\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r\n/i);
  assert.equal(raw.response.match(/\r\nconnection:/gi).length, 1);
  assert.equal(raw.response.match(/\r\nupgrade:/gi).length, 1);
  raw.socket.destroy();
});

test("what is no handshake of version 13 is refused with the fitting status", async () => {
  const cases = [
    [{ without: ["Upgrade"] }, 426, /\r\nupgrade: websocket\r\n/i],
    [{ without: ["Connection"] }, 426, /\r\nupgrade: websocket\r\n/i],
    [{ without: ["Sec-WebSocket-Version"], fields: ["Sec-WebSocket-Version: 8"] }, 426,
      /\r\nsec-websocket-version: 13\r\n/i],
    [{ without: ["Sec-WebSocket-Version"] }, 426, /\r\nsec-websocket-version: 13\r\n/i],
    [{ without: ["Sec-WebSocket-Key"] }, 400, /./],
    [{ without: ["Sec-WebSocket-Key"], fields: ["Sec-WebSocket-Key: short"] }, 400, /./],
    [{ fields: ["Origin: https://evil.example"] }, 403, /./],
    [{ method: "POST", fields: ["Content-Length: 0"] }, 405, /./],
  ];
  for (const [options, status, header] of cases) {
    const raw = await rawConnect(bot.port, options);
    assert.match(raw.response, new RegExp(`^HTTP/1\\.1 ${status} `), JSON.stringify(options));
    assert.match(raw.response, header);
    raw.socket.destroy();
  }
});

test("a frame may come with the handshake in one packet", async () => {
  const raw = await rawConnect(bot.port);
  raw.socket.destroy();
  const { connect } = await import("node:net");
  const socket = connect(bot.port, "127.0.0.1");
  socket.write(Buffer.concat([Buffer.from(requestHead(bot.port)), frame(TEXT, message("hi"))]));
  let text = "";
  for await (const data of socket) {
    text += data.toString("latin1");
    if (text.includes('"type":"reply"')) break;
  }
  assert.match(text, /101 .*"type":"reply"/s);
});

test("fragments make a message, and control frames may stand between them", async () => {
  const raw = await rawConnect(bot.port);
  const text = message("fragmented 你好");
  raw.send(frame(TEXT, text.slice(0, 5), { fin: false }), frame(PING, "p"), frame(0, text.slice(5, 9), { fin: false }));
  const pong = await raw.frame();
  assert.equal(pong.opcode, PONG);
  assert.equal(pong.payload.toString(), "p");
  assert.equal(pong.masked, false);
  raw.send(frame(0, text.slice(9)));
  assert.equal((await reply(raw)).reply, "Hello.");
  raw.socket.destroy();
});

test("a message may come byte by byte", async () => {
  const raw = await rawConnect(bot.port);
  for (const byte of frame(TEXT, message("drip"))) {
    raw.socket.write(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  assert.equal((await reply(raw)).reply, "Hello.");
  raw.socket.destroy();
});

const refused = [
  ["a binary message", [frame(BINARY, "x")], 1003],
  ["broken UTF-8", [frame(TEXT, Buffer.from([0x22, 0xff, 0x22]))], 1007],
  ["an unmasked frame", [frame(TEXT, message("hi"), { mask: false })], 1002],
  ["a continuation of nothing", [frame(0, "x")], 1002],
  ["an unknown opcode", [frame(3, "x")], 1002],
  ["a reserved bit", [Buffer.concat([Buffer.from([0xc1]), frame(TEXT, "x").subarray(1)])], 1002],
  ["a fragmented ping", [frame(PING, "x", { fin: false })], 1002],
  ["a long message", [frame(TEXT, "x".repeat(4097))], 1009],
  ["a long message in fragments", [frame(TEXT, "x".repeat(3000), { fin: false }), frame(0, "x".repeat(3000))], 1009],
  ["a frame of 2^62 bytes", [Buffer.from([0x81, 0xff, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5])], 1009],
];
for (const [name, frames, code] of refused) {
  test(`${name} closes with ${code}`, async () => {
    const raw = await rawConnect(bot.port);
    raw.send(...frames);
    const close = await raw.frame();
    assert.equal(close.opcode, CLOSE);
    assert.equal(close.code, code);
    raw.send(frame(CLOSE, close.payload.subarray(0, 2)));
    assert.equal(await raw.frame(), undefined);
  });
}

test("a close frame is answered with the same code", async () => {
  const raw = await rawConnect(bot.port);
  raw.send(frame(CLOSE, Buffer.from([0x0b, 0xb8])));
  const close = await raw.frame();
  assert.equal(close.opcode, CLOSE);
  assert.equal(close.code, 3000);
  assert.equal(await raw.frame(), undefined);
});

test("a client that leaves at any byte of a frame harms nobody", async () => {
  const bytes = frame(TEXT, message("cut"));
  for (let cut = 0; cut <= bytes.length; cut += 3) {
    const raw = await rawConnect(bot.port);
    raw.socket.write(bytes.subarray(0, cut));
    raw.socket.destroy();
  }
  const raw = await rawConnect(bot.port);
  raw.send(frame(TEXT, message("still there?")));
  assert.equal((await reply(raw)).reply, "Hello.");
  raw.socket.destroy();
});

test("a flood of pings that nobody reads the answers of drops only that connection", async () => {
  const raw = await rawConnect(bot.port);
  raw.socket.pause();
  const many = Buffer.concat(Array.from({ length: 500 }, () => frame(PING, "x".repeat(125))));
  let sent = 0;
  while (!raw.socket.destroyed && sent < 64 << 20) {
    sent += many.length;
    if (!raw.socket.write(many)) {
      await Promise.race([new Promise((resolve) => raw.socket.once("drain", resolve)), raw.closed,
        new Promise((resolve) => setTimeout(resolve, 2000))]);
      if (raw.socket.writableNeedDrain) break; /* the server has stopped reading: as good */
    }
  }
  assert.ok(sent < 64 << 20, "the server took it all");
  raw.socket.destroy();
  const other = await rawConnect(bot.port);
  other.send(frame(TEXT, message("hi")));
  assert.equal((await reply(other)).reply, "Hello.");
  other.socket.destroy();
});
