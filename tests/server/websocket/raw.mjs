// A WebSocket client that can be as rude as a test needs it: frames are built and taken apart by hand.
//
//   const raw = await rawConnect(bot.port, { path: "/v1/ws", fields: ["Origin: http://a"] });
//   raw.response                 the head of the answer
//   raw.send(frame(0x1, "text", { fin: true, mask: true }))
//   await raw.frame()            the next frame: { opcode, fin, payload, code } or undefined at the end
//   await raw.closed             the socket has ended
import { randomBytes } from "node:crypto";
import { connect } from "node:net";

export const TEXT = 0x1, BINARY = 0x2, CLOSE = 0x8, PING = 0x9, PONG = 0xa;

export function frame(opcode, payload = "", { fin = true, mask = true } = {}) {
  const body = Buffer.from(payload);
  const length =
    body.length < 126 ? [body.length] : body.length < 65536 ? [126, body.length >> 8, body.length & 255]
    : [127, ...Buffer.from(body.length.toString(16).padStart(16, "0"), "hex")];
  const head = Buffer.from([(fin ? 0x80 : 0) | opcode, ...length]);
  if (!mask) return Buffer.concat([head, body]);
  head[1] |= 0x80;
  const key = randomBytes(4);
  return Buffer.concat([head, key, body.map((byte, i) => byte ^ key[i % 4])]);
}

// The first whole frame of the buffer and what is left, or how many bytes it takes at least.
function takeFrame(buffer) {
  if (buffer.length < 2) return { need: 2 };
  let at = 2, length = buffer[1] & 127;
  if (length >= 126) {
    const size = length === 126 ? 2 : 8;
    if (buffer.length < 2 + size) return { need: 2 + size };
    length = Number(BigInt("0x" + buffer.subarray(2, 2 + size).toString("hex")));
    at += size;
  }
  if (buffer.length < at + length) return { need: at + length };
  const payload = buffer.subarray(at, at + length);
  const opcode = buffer[0] & 15;
  const parsed = { opcode, fin: (buffer[0] & 128) !== 0, masked: (buffer[1] & 128) !== 0, payload };
  if (opcode === CLOSE && length >= 2) parsed.code = payload.readUInt16BE(0);
  return { parsed, rest: buffer.subarray(at + length) };
}

export function requestHead(port, { path = "/v1/ws", method = "GET", fields = [], without = [] } = {}) {
  const usual = [`Host: 127.0.0.1:${port}`, "Upgrade: websocket", "Connection: Upgrade",
    "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="];
  const kept = usual.filter((field) => !without.includes(field.split(":")[0]));
  return [`${method} ${path} HTTP/1.1`, ...kept, ...fields, "", ""].join("\r\n");
}

export async function rawConnect(port, options = {}) {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  let buffer = Buffer.alloc(0), ended = false;
  let pieces = [], arrived = 0; // joined only when they are enough for a frame
  const join = () => {
    buffer = Buffer.concat([buffer, ...pieces]);
    pieces = [];
    arrived = 0;
    return buffer;
  };
  let wake = () => {};
  const closed = new Promise((resolve) => socket.on("close", resolve));
  const change = () => new Promise((resolve) => (wake = resolve));
  socket.on("data", (data) => { pieces.push(data); arrived += data.length; wake(); });
  socket.on("error", () => {});
  socket.on("close", () => { ended = true; wake(); });
  socket.on("end", () => { ended = true; wake(); });
  socket.write(requestHead(port, options));
  while (!join().includes("\r\n\r\n") && !ended) await change();
  const end = buffer.indexOf("\r\n\r\n") + 4;
  const response = buffer.subarray(0, end).toString();
  buffer = buffer.subarray(end);

  async function nextFrame() {
    for (;;) {
      const taken = takeFrame(join());
      if (taken.parsed) {
        buffer = taken.rest;
        return taken.parsed;
      }
      while (!ended && buffer.length + arrived < taken.need) await change();
      if (buffer.length + arrived < taken.need) return undefined;
    }
  }
  return {
    socket, response, closed,
    send: (...frames) => socket.write(Buffer.concat(frames)),
    frame: nextFrame,
    json: async () => JSON.parse((await nextFrame()).payload.toString()),
  };
}
