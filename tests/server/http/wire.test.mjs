// HTTP/1.1 on the wire: framing, pipelining, limits, clients that drip, stop or leave at any byte.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBot } from "../support/repartee.mjs";
import { Wire, chatRequest } from "../support/wire.mjs";

let bot;
before(async () => {
  bot = await startBot({
    bot: `
      listeners {
        web = httpd { address = "127.0.0.1:0", header_timeout = "600ms", body_grace = "600ms", idle_timeout = "600ms",
                      head = "8KiB", fields = 30, body = "16KiB" },
      }
      models { main = scripted { replies = { "{message}" } } }
      transports { http { on = "web" } }
      pipeline { ask { model = "main" } }`,
    args: ["--workers", "1"],
  });
});
after(() => bot?.stop());

async function wire(use) {
  const client = await Wire.connect(bot.port);
  try {
    return await use(client);
  } finally {
    client.close();
  }
}
const alive = () =>
  wire(async (client) => {
    await client.send(chatRequest("alive"));
    assert.equal(JSON.parse((await client.response()).body).reply, "alive");
  });

test("a connection serves one request after the other", () =>
  wire(async (client) => {
    for (const word of ["one", "two", "three"]) {
      await client.send(chatRequest(word));
      const response = await client.response();
      assert.equal(response.fields.connection, "keep-alive");
      assert.equal(JSON.parse(response.body).reply, word);
    }
  }));

test("pipelined requests are answered in order", () =>
  wire(async (client) => {
    const words = Array.from({ length: 200 }, (_, i) => `word ${i}`);
    await client.send(words.map((word) => chatRequest(word)).join("") + "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    for (const word of words) assert.equal(JSON.parse((await client.response()).body).reply, word);
    assert.deepEqual(JSON.parse((await client.response()).body), { status: "ok" });
  }));

test("a request may come byte by byte", () =>
  wire(async (client) => {
    for (const byte of chatRequest("slowly")) await client.send(byte);
    assert.equal(JSON.parse((await client.response()).body).reply, "slowly");
  }));

test("a chunked body is put together", () =>
  wire(async (client) => {
    const body = JSON.stringify({ message: "in pieces" });
    const chunks = [...body].map((c) => `1;ext=x\r\n${c}\r\n`).join("");
    await client.send(`POST /v1/chat HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\nX-Sum: 1\r\n\r\n`);
    assert.equal(JSON.parse((await client.response()).body).reply, "in pieces");
    await client.send(chatRequest("on it goes"));
    assert.equal(JSON.parse((await client.response()).body).reply, "on it goes");
  }));

test("a client that waits for 100 Continue gets it", () =>
  wire(async (client) => {
    const [head, body] = chatRequest("after you", { fields: "Expect: 100-continue\r\n" }).split("\r\n\r\n");
    await client.send(`${head}\r\n\r\n`);
    assert.equal((await client.response()).status, 100);
    await client.send(body);
    assert.equal((await client.response()).status, 200);
  }));

test("an oversize body is refused before it is sent", () =>
  wire(async (client) => {
    await client.send("POST /v1/chat HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 99999999\r\n\r\n");
    const response = await client.response();
    assert.equal(response.status, 413);
    assert.equal(response.fields.connection, "close");
    assert.equal(JSON.parse(response.body).error.code, "too_large");
  }));

test("HTTP/1.0 is answered and closed, unless it asks otherwise", async () => {
  await wire(async (client) => {
    await client.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert.match(await client.rest(), /^HTTP\/1\.1 200 [^]*\r\nConnection: close\r\n[^]*\{"status":"ok"\}$/);
  });
  await wire(async (client) => {
    await client.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n".repeat(2));
    assert.equal((await client.response()).fields.connection, "keep-alive");
    assert.equal((await client.response()).status, 200);
  });
});

test("HEAD has a head only, and the next response follows at once", () =>
  wire(async (client) => {
    await client.send("HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    const head = await client.response({ head: true });
    assert.equal(head.fields["content-length"], "15");
    assert.equal((await client.response()).body, '{"status":"ok"}');
  }));

test("unknown paths and methods are told apart", () =>
  wire(async (client) => {
    await client.send("GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\nGET /v1/chat HTTP/1.1\r\nHost: a\r\n\r\n");
    const missing = await client.response();
    assert.equal(missing.status, 404);
    assert.equal(JSON.parse(missing.body).error.code, "not_found");
    const method = await client.response();
    assert.equal(method.status, 405);
    assert.equal(method.fields.allow, "POST");
    assert.equal(JSON.parse(method.body).error.code, "method_not_allowed");
  }));

const GET = "GET / HTTP/1.1\r\nHost: a\r\n";
const POST = "POST /v1/chat HTTP/1.1\r\nHost: a\r\n";
const ambiguous = {
  "a bare line feed": "GET / HTTP/1.1\nHost: a\n\n",
  "a bare carriage return": "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
  "a NUL": `${GET}X: a\0b\r\n\r\n`,
  "a folded field": `${GET}X: a\r\n b\r\n\r\n`,
  "a space before the colon": `${GET}X : a\r\n\r\n`,
  "no Host": "GET / HTTP/1.1\r\n\r\n",
  "two Hosts": `${GET}Host: b\r\n\r\n`,
  "two lengths": `${POST}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx`,
  "a list of lengths": `${POST}Content-Length: 1, 1\r\n\r\nx`,
  "a signed length": `${POST}Content-Length: +1\r\n\r\nx`,
  "length and chunks": `${POST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  "an odd encoding": `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  "a disguised encoding": `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  "a chunk without end": `${POST}Transfer-Encoding: chunked\r\n\r\n1\r\nxx\r\n0\r\n\r\n`,
  "a bare line feed in chunks": `${POST}Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n`,
  "a control character in the target": "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
};
for (const [name, text] of Object.entries(ambiguous)) {
  test(`refused: ${name}`, () =>
    wire(async (client) => {
      await client.send(`${text}GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n`);
      const answer = await client.rest();
      assert.match(answer, /^HTTP\/1\.1 400 /);
      assert.match(answer, /\r\nConnection: close\r\n/);
      assert.equal(answer.split("HTTP/1.1 ").length - 1, 1, "what follows must not be taken for a request");
      const { error } = JSON.parse(answer.slice(answer.indexOf("\r\n\r\n") + 4));
      assert.equal(error.code, "invalid_request");
    }));
}

for (const [name, text] of Object.entries({
  "a head too long": `${GET}X: ${"y".repeat(9000)}\r\n\r\n`,
  "a target too long": `GET /${"y".repeat(9000)} HTTP/1.1\r\n`,
  "too many fields": `${GET}${"X: y\r\n".repeat(30)}\r\n`,
})) {
  test(`refused: ${name}`, () =>
    wire(async (client) => {
      await client.send(text);
      const response = await client.response();
      assert.equal(response.status, 431);
      assert.equal(JSON.parse(response.body).error.code, "head_too_large");
    }));
}

test("a chunked body is refused as soon as it grows too large", () =>
  wire(async (client) => {
    await client.send(`${POST}Transfer-Encoding: chunked\r\n\r\n`);
    for (let i = 0; i < 64 && !client.text; i++) await client.send(`400\r\n${"x".repeat(1024)}\r\n`);
    assert.equal((await client.response()).status, 413);
  }));

async function drip(client, byte, ms) {
  while (!client.text && !client.ended) {
    await client.send(byte);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

test("a head that drips is given up, however steadily", () =>
  wire(async (client) => {
    await client.send("GET /");
    await drip(client, "x", 20);
    assert.equal((await client.response()).status, 408);
    assert.equal(await client.rest(), "");
  }));

test("a body that drips is given up", () =>
  wire(async (client) => {
    await client.send(`${POST}Content-Length: 10000\r\n\r\n`);
    await drip(client, "x", 20);
    const response = await client.response();
    assert.equal(response.status, 408);
    assert.equal(JSON.parse(response.body).error.code, "request_timeout");
  }));

test("a client that stops at any byte is given up, and one that leaves is forgotten", async () => {
  const text = chatRequest("never to be finished", { fields: "X-A: b\r\n" });
  const stopped = [];
  for (let cut = 1; cut < text.length; cut++) {
    const gone = await Wire.connect(bot.port);
    await gone.send(text.slice(0, cut));
    gone.close();
    if (cut % 10 !== 0) continue;
    const still = await Wire.connect(bot.port);
    await still.send(text.slice(0, cut));
    stopped.push(still);
  }
  await alive();
  for (const client of stopped) {
    assert.match(await client.rest(), /^HTTP\/1\.1 408 /);
    client.close();
  }
  await alive();
});

test("an idle connection is closed without a word", () =>
  wire(async (client) => {
    await client.send(chatRequest("hello"));
    await client.response();
    assert.equal(await client.rest(), "");
    assert.equal(client.error, null);
  }));

test("the answer reaches a client that is still sending", () =>
  wire(async (client) => {
    await client.send(`${POST}Content-Length: 17000\r\n\r\n${"x".repeat(17000)}`);
    assert.equal((await client.response()).status, 413);
    assert.equal(await client.rest(), "");
    assert.equal(client.error, null);
  }));
