// A model server that can be told how to misbehave, in each of the protocols. It speaks HTTP by hand over a socket, so that
// it can send what no library would.
//
//   const upstream = await startUpstream({ wire: wires.openai });
//   upstream.url                        for base_url
//   upstream.play(faults.hang, …)       what the next requests get, in this order; then the good reply again
//   upstream.requests                   what came: { method, path, headers, body, at, open }
//   await upstream.stop()
//
// By hand, `node faulty.mjs [PORT [openai|anthropic|ollama]]` listens on PORT (default 9100); the model's name in a request
// picks the fault: { "model": "hang" }. Anything else gets a good reply.
import { readFile } from "node:fs/promises";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import zlib from "node:zlib";
import { begun, chunk, completion, frames, head, lastChunk, response, stream, streamHead, wires } from "./wires.mjs";

const write = (text) => (socket) => socket.write(text);
const refusal = (wire, status, message, type, fields) =>
  response(status, "application/json", JSON.stringify(wire.failure(message, type)), fields);

// A refusal that says when to come back: retryAfter({ "Retry-After": "1" }).
export const retryAfter = (fields, status = "429 Too Many Requests", wire = wires.openai) =>
  write(refusal(wire, status, "slow down", "rate_limit_error", fields));

// Where the server goes on writing although nobody may read any more.
async function flood(socket, first, piece, count) {
  socket.on("error", () => {});
  socket.write(first);
  for (let i = 0; i < count && !socket.destroyed; i++) {
    socket.written = i;
    if (!socket.write(piece)) await new Promise((resolve) => socket.once("drain", resolve).once("close", resolve));
  }
}

// Writes, and returns when the other side has read all of it: a reset throws away what has not been read. The system's table
// of connections has the other end of a socket as a line of its own, with the bytes that wait there.
export async function writeAndSee(socket, text) {
  const hex = (port) => port.toString(16).toUpperCase().padStart(4, "0");
  const line = new RegExp(`:${hex(socket.remotePort)} \\w+:${hex(socket.localPort)} \\w+ \\w+:(\\w+)`);
  await new Promise((resolve) => socket.write(text, resolve));
  for (let waits; !socket.destroyed; await sleep(2)) {
    waits = line.exec(await readFile("/proc/net/tcp", "latin1"))?.[1];
    if (waits === undefined || Number.parseInt(waits, 16) === 0) return;
  }
}

async function pings(socket, wire) {
  for (; !socket.destroyed; await sleep(20)) socket.write(chunk(wire.ping));
}

// Each takes the socket and the request; `good` replies as it was asked to.
export const faultsOf = (wire) => {
  const whole = (text) => completion(wire, text);
  const parts = (...datas) => datas.map((data) => chunk(wire.frame(data))).join("");
  const answer = (socket, { body }, text) => socket.write(body.stream ? stream(wire, [text]) : whole(text));
  const piece = chunk(wire.frame(wire.delta("x".repeat(60_000))[0]));
  return {
    good: (socket, { body }) => socket.write(body.stream ? stream(wire, ["Hello", ", ", "world"]) : whole("Hello, world")),
    hang: () => {},
    close: (socket) => socket.end(),
    reset: (socket) => socket.resetAndDestroy(),
    garbage: (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"),
    garbageJson: write(response("200 OK", "application/json", '{"choices": [{"mess')),
    noReply: write(response("200 OK", "application/json", JSON.stringify(wire.noReply))),
    html: write(response("200 OK", "text/html", "<html><body>It works!</body></html>")),
    wrongType: (socket, { body }) =>
      socket.write(response("200 OK", "text/plain", body.stream ? frames(wire, ["Hello"]).join("") : "Hello")),
    redirect: write(response("302 Found", "text/plain", "", { Location: "http://127.0.0.1:9/" })),
    endlessHeader: async (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      for (let i = 0; i < 4000 && !socket.destroyed; i++) socket.write(`X-Filler-${i}: ${"x".repeat(100)}\r\n`);
    },
    unknownEncoding: write(response("200 OK", "application/json", "Hello", { "Content-Encoding": "zstd" })),
    // a whole reply that never comes
    cutBody: async (socket) => {
      const text = whole("Hello, world");
      await writeAndSee(socket, text.slice(0, text.length - 20));
      socket.resetAndDestroy();
    },
    hangInBody: (socket) => socket.write(whole("Hello, world").slice(0, -20)),
    // streams that go wrong before the first word
    headOnly: write(streamHead(wire)),
    headAndPings: async (socket) => {
      socket.write(streamHead(wire));
      await pings(socket, wire);
    },
    emptyStream: (socket) => socket.end(streamHead(wire) + lastChunk),
    errorAtOnce: (socket) => socket.end(streamHead(wire) + parts(wire.failure("boom")) + lastChunk),
    limitedAtOnce: (socket) => socket.end(streamHead(wire) + parts(wire.failure("server busy", "overloaded_error")) + lastChunk),
    // streams that go wrong behind it
    garbageEvent: (socket) => socket.end(begun(wire, "Hello") + chunk(wire.garbage) + lastChunk),
    halfAnEvent: (socket) => socket.end(begun(wire, "Hello") + chunk(wire.half) + lastChunk),
    withoutEnd: write(begun(wire, "Hello")),
    pingsInStream: async (socket) => {
      socket.write(begun(wire, "Hello"));
      await pings(socket, wire);
    },
    withoutFinish: (socket) => socket.end(begun(wire, "Hello") + lastChunk),
    endWithoutReason: (socket) =>
      socket.end(begun(wire, "Hello") + (wire === wires.ollama ? "" : parts(...wire.terminator())) + lastChunk),
    reasonWithoutEnd: (socket) => socket.end(begun(wire, "Hello") + parts(...wire.reason()) + lastChunk),
    cutChunk: (socket) => socket.end(begun(wire, "Hello") + "fff\r\n" + wire.half),
    cut: async (socket) => {
      await writeAndSee(socket, begun(wire, "Hello"));
      socket.resetAndDestroy();
    },
    cutHard: async (socket) => {
      await writeAndSee(socket, begun(wire, "Hello"));
      socket.destroy(); // with TLS: without its goodbye
    },
    errorInStream: (socket) => socket.end(begun(wire, "Hello") + parts(wire.failure("boom")) + lastChunk),
    tenMebibytesOnOneLine: (socket) => {
      socket.on("error", () => {}); // it will not wait for the end
      socket.write(head("200 OK", { "Content-Type": wire.type }) + wire.half);
      socket.write("x".repeat(10 << 20));
    },
    gibibyteOfText: (socket) => flood(socket, begun(wire, "Hello"), piece, (1 << 30) / 60_000),
    gibibyteOfBody: (socket) => flood(socket, head("200 OK", { "Content-Type": "application/json" }) + '{"x": "', piece, (1 << 30) / 60_000),
    // what is odd, but whole
    twoReasons: (socket) =>
      socket.write(begun(wire, "Hello, world") + parts(...wire.reason(), ...wire.reason("length"), ...wire.terminator()) + lastChunk),
    moreBehindTheEnd: (socket) =>
      socket.write(begun(wire, "Hello, world") + parts(...wire.reason(), ...wire.terminator(), ...wire.delta("!"), wire.failure("boom")) + lastChunk),
    endThatNeverCloses: write(begun(wire, "Hello, world") + parts(...wire.reason(), ...wire.terminator())),
    jsonInsteadOfStream: write(whole("Hello, world")),
    gzip: (socket, { body }) => {
      const text = body.stream ? frames(wire, ["Hello", ", ", "world"]).join("") : JSON.stringify(wire.whole("Hello, world"));
      const packed = zlib.gzipSync(text);
      socket.write(head("200 OK", { "Content-Type": body.stream ? wire.type : "application/json", "Content-Encoding": "gzip", "Content-Length": packed.length }));
      socket.write(packed);
    },
    byteAtATime: async (socket, { body }) => {
      const text = Buffer.from(body.stream ? stream(wire, ["Grüße ", "你好", " 😀"]) : whole("Grüße 你好 😀"));
      for (const byte of text) {
        socket.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
    },
    // every line end is cut between CR and LF
    cutLineEnds: async (socket) => {
      for (const part of stream(wire, ["Hello", ", ", "world"], { end: "\r\n" }).split(/(?<=\r)/)) {
        socket.write(part);
        await sleep(1);
      }
    },
    // refusals
    unauthorized: (socket, { headers }) =>
      socket.write(refusal(wire, "401 Unauthorized", `Incorrect API key provided: ${wire.key(headers)}`, "authentication_error")),
    forbidden: write(refusal(wire, "403 Forbidden", "no", "permission_error")),
    notFound: write(refusal(wire, "404 Not Found", "no such model", "not_found_error")),
    badRequest: write(refusal(wire, "400 Bad Request", "no", "invalid_request_error")),
    tooLarge: write(refusal(wire, "413 Payload Too Large", "no", "request_too_large")),
    quota: write(refusal(wire, "429 Too Many Requests", "You exceeded your current quota", "insufficient_quota")),
    noCredit: write(refusal(wire, "400 Bad Request", "Your credit balance is too low to access the API", "invalid_request_error")),
    payFirst: write(refusal(wire, "402 Payment Required", "Insufficient Balance", "unknown_error")),
    rateLimited: write(refusal(wire, "429 Too Many Requests", "slow down", "rate_limit_error")),
    serverError: write(refusal(wire, "500 Internal Server Error", "oops")),
    badGateway: write(response("502 Bad Gateway", "text/html", "<h1>502</h1>")),
    unavailable: write(response("503 Service Unavailable", "text/html", "<h1>503</h1>")),
    overloaded: write(refusal(wire, "529 Overloaded", "Overloaded", "overloaded_error")),
    answer,
  };
};

export const faults = faultsOf(wires.openai);

function parseRequest(bytes) {
  const end = bytes.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [first, ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const headers = Object.fromEntries(lines.map((line) => [line.split(":", 1)[0].toLowerCase(), line.slice(line.indexOf(":") + 1).trim()]));
  const length = Number(headers["content-length"] ?? 0);
  if (bytes.length < end + 4 + length) return null;
  const [method, path] = first.split(" ");
  const text = bytes.subarray(end + 4, end + 4 + length).toString();
  return { method, path, headers, body: text ? JSON.parse(text) : {}, at: performance.now(), used: end + 4 + length };
}

// `listen` makes the server from what handles its sockets: net.createServer, or one with TLS.
export async function startUpstream({ port = 0, wire = wires.openai, listen = net.createServer, scheme = "http", host = "127.0.0.1" } = {}) {
  const faults = faultsOf(wire);
  const requests = [];
  const probes = [];
  const sockets = new Set();
  let script = [];
  let opened = 0;

  async function answer(socket, request) {
    if (socket.writableEnded) return; // it has said goodbye; the client has not heard it yet
    if (request.method === "GET") {
      probes.push(request);
      await (upstream.onProbe ?? write(response("200 OK", "application/json", "{}")))(socket, request);
      return;
    }
    requests.push(request);
    const fault = upstream.onRequest?.(request) ?? script.shift() ?? faults[request.body.model] ?? faults.good;
    await fault(socket, request);
  }

  const server = listen((socket) => {
    let bytes = Buffer.alloc(0);
    const open = [];
    opened++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => {}); // clients leave; "close" follows
    socket.on("close", () => {
      sockets.delete(socket);
      for (const request of open) request.open = false;
    });
    socket.on("data", (data) => {
      bytes = Buffer.concat([bytes, data]);
      for (let request; (request = parseRequest(bytes)); ) {
        bytes = bytes.subarray(request.used);
        request.open = true; // until the connection is closed
        request.socket = socket;
        open.push(request);
        answer(socket, request);
      }
    });
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  const upstream = {
    wire,
    faults,
    port: server.address().port,
    url: `${scheme}://${host}:${server.address().port}${wire.base}`,
    requests,
    probes, // requests that only look whether it is there; onProbe answers them otherwise
    onProbe: null,
    onRequest: null, // picks the fault for a request, before what was told to play
    connections: () => sockets.size,
    opened: () => opened,
    play: (...acts) => (script = acts),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const upstream = await startUpstream({ port: Number(process.argv[2] ?? 9100), wire: wires[process.argv[3] ?? "openai"] });
  console.log(`listening on ${upstream.url}; model names: ${Object.keys(upstream.faults).join(" ")}`);
}
