// The `ws` package with promises: what a well-behaved client sees.
import WebSocket from "ws";

export function wsUrl(bot, path = "/v1/ws") {
  return `ws://127.0.0.1:${bot.port}${path}`;
}

export async function openClient(bot, options = {}) {
  const socket = new WebSocket(wsUrl(bot), options);
  const frames = [], waiting = [];
  let close;
  const closed = new Promise((resolve) => {
    socket.on("close", (code, reason) => {
      close = { code, reason: reason.toString() };
      while (waiting.length) waiting.shift()(undefined);
      resolve(close);
    });
  });
  socket.on("message", (data) => {
    const frame = JSON.parse(data.toString());
    if (waiting.length) waiting.shift()(frame);
    else frames.push(frame);
  });
  await new Promise((resolve, reject) => {
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  const next = () =>
    frames.length ? frames.shift() : close ? undefined : new Promise((resolve) => waiting.push(resolve));

  // Everything up to the reply or error of one turn.
  async function turn() {
    const deltas = [];
    for (;;) {
      const frame = await next();
      if (frame?.type !== "delta") return { deltas, end: frame, text: deltas.join("") };
      deltas.push(frame.text);
    }
  }
  return {
    socket, next, turn, closed,
    send: (frame) => socket.send(typeof frame === "string" ? frame : JSON.stringify(frame)),
    async ask(text, more = {}) {
      socket.send(JSON.stringify({ type: "message", text, ...more }));
      return turn();
    },
    async end() {
      socket.close(1000);
      return closed;
    },
  };
}

// A bot whose model says these replies, with a pause before each further chunk.
export function scriptedBot(replies, { delay = 0, websocket = "", extra = "" } = {}) {
  const list = replies.map((reply) => JSON.stringify(reply)).join(", ");
  return `bot { name = "test" }
listeners { web = httpd { address = "127.0.0.1:0" } }
models { main = scripted { replies = { ${list} }, delay = "${delay}ms" } }
transports { websocket { on = "web"${websocket && ", " + websocket} } }
pipeline { ask { model = "main" } }
${extra}`;
}
