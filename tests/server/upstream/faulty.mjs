// A model server that can be told how to misbehave. It speaks HTTP by hand over a socket, so that it can send what no
// library would.
//
//   const upstream = await startUpstream();
//   upstream.url                        for base_url
//   upstream.play(faults.hang, …)       what the next requests get, in this order; then the good reply again
//   upstream.requests                   what came: { method, path, headers, body, at, open }
//   await upstream.stop()
//
// By hand, `node faulty.mjs [PORT]` listens on PORT (default 9100); the model's name in a request picks the fault:
// { "model": "hang" }. Anything else gets a good reply.
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

const head = (status, fields = {}) =>
  `HTTP/1.1 ${status}\r\n` +
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("") +
  "\r\n";

export const whole = (status, type, body, fields = {}) =>
  head(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...fields }) + body;

export const completion = (text, finish = "stop") =>
  whole(
    "200 OK",
    "application/json",
    JSON.stringify({
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, message: { role: "assistant", content: text, refusal: null }, finish_reason: finish }],
      usage: { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 },
    }),
  );

export const eventsHead = head("200 OK", {
  "Content-Type": "text/event-stream; charset=utf-8",
  "Transfer-Encoding": "chunked",
});
const inChunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const event = (data, end = "\n") => `data: ${typeof data === "string" ? data : JSON.stringify(data)}${end}${end}`;
const delta = (delta, finish = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish }],
});
const last = "0\r\n\r\n";

// A whole good stream of these texts, as a string of bytes.
export const stream = (texts, { finish = "stop", usage = true, end = "\n" } = {}) => {
  const events = [
    event(delta({ role: "assistant", content: "" }), end),
    ...texts.map((text) => event(delta({ content: text }), end)),
    event(delta({}, finish), end),
    usage ? event({ choices: [], usage: { prompt_tokens: 9, completion_tokens: texts.length } }, end) : "",
    event("[DONE]", end),
  ];
  return eventsHead + events.filter(Boolean).map(inChunk).join("") + last;
};

const error = (status, fault, fields) =>
  whole(status, "application/json", JSON.stringify({ error: { message: "no", type: "t", param: null, code: null, ...fault } }), fields);
const send = (text) => (socket) => socket.write(text);
const begin = (...texts) => eventsHead + texts.map((text) => inChunk(event(delta({ content: text })))).join("");

// Each takes the socket and the request; `good` replies as it was asked to.
export const faults = {
  good: (socket, { body }) => socket.write(body.stream ? stream(["Hello", ", ", "world"]) : completion("Hello, world")),
  hang: () => {},
  close: (socket) => socket.end(),
  reset: (socket) => socket.resetAndDestroy(),
  garbage: (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"),
  garbageJson: send(whole("200 OK", "application/json", '{"choices": [{"mess')),
  noChoices: send(whole("200 OK", "application/json", "{}")),
  html: send(whole("200 OK", "text/html", "<html><body>It works!</body></html>")),
  wrongType: send(whole("200 OK", "text/plain", "Hello")),
  redirect: send(whole("302 Found", "text/plain", "", { Location: "http://127.0.0.1:9/" })),
  // streams
  garbageEvent: (socket) => socket.end(begin("Hello") + inChunk("data: <html>\n\n") + last),
  halfAnEvent: (socket) => socket.end(begin("Hello") + inChunk('data: {"choices":[{"index":0,"delta":{"con') + last),
  withoutEnd: (socket) => socket.write(begin("Hello")),
  withoutFinish: (socket) => socket.end(begin("Hello") + last),
  doneWithoutFinish: (socket) => socket.end(begin("Hello") + inChunk(event("[DONE]")) + last),
  cut: async (socket) => {
    socket.write(begin("Hello"));
    await sleep(30); // a reset throws away what has not been read
    socket.resetAndDestroy();
  },
  errorInStream: (socket) =>
    socket.end(begin("Hello") + inChunk(event({ error: { message: "boom", type: "server_error" } })) + last),
  jsonInsteadOfStream: send(completion("Hello, world")),
  tenMebibytesOnOneLine: (socket) => {
    socket.on("error", () => {}); // it will not wait for the end
    socket.write(head("200 OK", { "Content-Type": "text/event-stream" }) + 'data: {"choices":[{"delta":{"content":"');
    socket.write("x".repeat(10 << 20));
  },
  endlessHeader: async (socket) => {
    socket.write("HTTP/1.1 200 OK\r\n");
    for (let i = 0; i < 4000 && !socket.destroyed; i++) socket.write(`X-Filler-${i}: ${"x".repeat(100)}\r\n`);
  },
  byteAtATime: async (socket, { body }) => {
    const text = Buffer.from(body.stream ? stream(["Grüße ", "你好", " 😀"]) : completion("Grüße 你好 😀"));
    for (const byte of text) {
      socket.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
  },
  // every line end is cut between CR and LF
  cutLineEnds: async (socket) => {
    const parts = stream(["Hello", ", ", "world"], { end: "\r\n" }).split(/(?<=\r)/);
    for (const part of parts) {
      socket.write(part);
      await sleep(1);
    }
  },
  // refusals
  unauthorized: (socket, { headers }) =>
    socket.write(error("401 Unauthorized", { message: `Incorrect API key provided: ${headers.authorization}` })),
  notFound: send(error("404 Not Found", { code: "model_not_found" })),
  badRequest: send(error("400 Bad Request", { type: "invalid_request_error" })),
  quota: send(error("429 Too Many Requests", { type: "insufficient_quota", code: "insufficient_quota" })),
  rateLimited: send(error("429 Too Many Requests", { code: "rate_limit_exceeded" })),
  serverError: send(error("500 Internal Server Error")),
  unavailable: send(whole("503 Service Unavailable", "text/html", "<h1>503</h1>")),
  overloaded: send(error("529 Overloaded")),
};

// A refusal that says when to come back: retryAfter({ "Retry-After": "1" }).
export const retryAfter = (fields, status = "429 Too Many Requests") => send(error(status, { code: "rate_limit_exceeded" }, fields));

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

export async function startUpstream({ port = 0 } = {}) {
  const requests = [];
  const sockets = new Set();
  let script = [];

  async function answer(socket, request) {
    const fault = script.shift() ?? faults[request.body.model] ?? faults.good;
    await fault(socket, request);
  }

  const server = net.createServer((socket) => {
    let bytes = Buffer.alloc(0);
    const open = [];
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
        open.push(request);
        requests.push(request);
        answer(socket, request);
      }
    });
  });
  await new Promise((resolve, reject) => server.on("error", reject).listen(port, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    url: `http://127.0.0.1:${server.address().port}/v1`,
    requests,
    connections: () => sockets.size,
    play: (...acts) => (script = acts),
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const upstream = await startUpstream({ port: Number(process.argv[2] ?? 9100) });
  console.log(`listening on ${upstream.url}; model names: ${Object.keys(faults).join(" ")}`);
}
