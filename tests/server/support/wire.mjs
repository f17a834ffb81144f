// A raw client: bytes out, bytes in, and nothing that a library would repair.
import net from "node:net";

export class Wire {
  static async connect(port, options = {}) {
    const wire = new Wire();
    wire.socket = net.connect({ port, host: "127.0.0.1", allowHalfOpen: true, ...options });
    wire.text = "";
    wire.ended = false;
    wire.error = null;
    wire.wakers = new Set();
    wire.socket.setNoDelay(true);
    wire.socket.on("data", (data) => wire.#wake((wire.text += data.toString("latin1"))));
    wire.socket.on("end", () => wire.#wake((wire.ended = true)));
    wire.socket.on("error", (error) => wire.#wake((wire.error = error)));
    wire.socket.on("close", () => wire.#wake((wire.ended = true)));
    await new Promise((resolve, reject) => wire.socket.once("connect", resolve).once("error", reject));
    return wire;
  }

  #wake() {
    for (const waker of [...this.wakers]) waker();
  }

  send(data) {
    return new Promise((resolve) => this.socket.write(data, "latin1", resolve));
  }

  // Waits until `ready()` is true; throws when the connection ends first.
  until(ready, ms = 15_000) {
    return new Promise((resolve, reject) => {
      const settle = (how, value) => {
        clearTimeout(timer);
        this.wakers.delete(look);
        how(value);
      };
      const look = () => {
        if (ready()) settle(resolve);
        else if (this.ended) settle(reject, new Error(`the connection ended early: ${this.text}`));
      };
      const timer = setTimeout(() => settle(reject, new Error(`nothing like it came: ${this.text}`)), ms);
      this.wakers.add(look);
      look();
    });
  }

  // The next whole response, taken off the front; the head alone for HEAD.
  async response({ head = false } = {}) {
    await this.until(() => takeResponse(this.text, head));
    const [response, rest] = takeResponse(this.text, head);
    this.text = rest;
    return response;
  }

  // All that comes until the server closes.
  async rest() {
    await this.until(() => this.ended);
    const text = this.text;
    this.text = "";
    return text;
  }

  close() {
    this.socket.destroy();
  }
}

function takeResponse(text, head) {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return null;
  const [line, ...lines] = text.slice(0, end).split("\r\n");
  const fields = Object.fromEntries(lines.map((field) => [field.split(":")[0].toLowerCase(), field.slice(field.indexOf(":") + 1).trim()]));
  const rest = text.slice(end + 4);
  const response = { status: Number(line.split(" ")[1]), fields };
  if (head || response.status < 200) return [{ ...response, body: "" }, rest];
  if (fields["transfer-encoding"] === "chunked") {
    const taken = takeChunks(rest);
    return taken && [{ ...response, body: taken.body, chunks: taken.chunks }, taken.rest];
  }
  const length = Number(fields["content-length"] ?? 0);
  if (rest.length < length) return null;
  return [{ ...response, body: Buffer.from(rest.slice(0, length), "latin1").toString("utf8") }, rest.slice(length)];
}

function takeChunks(text) {
  let body = "";
  for (let chunks = 0; ; chunks++) {
    const end = text.indexOf("\r\n");
    if (end < 0) return null;
    const size = parseInt(text.slice(0, end), 16);
    if (text.length < end + 4 + size) return null;
    body += text.slice(end + 2, end + 2 + size);
    text = text.slice(end + 4 + size);
    if (size === 0) return { body: Buffer.from(body, "latin1").toString("utf8"), chunks, rest: text };
  }
}

export function chatRequest(message, { fields = "", stream, session } = {}) {
  const body = Buffer.from(JSON.stringify({ message, session, stream }), "utf8"); // without what is undefined
  return `POST /v1/chat HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body.toString("latin1")}`;
}

// "event: x\ndata: {…}\n\n" as [{ event, data }]
export function parseEvents(text) {
  return text
    .split("\n\n")
    .filter(Boolean)
    .map((block) => {
      const [event, data] = block.split("\n");
      return { event: event.replace("event: ", ""), data: JSON.parse(data.replace("data: ", "")) };
    });
}
