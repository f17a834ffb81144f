// The prompt on a terminal, played on a pseudo-terminal by terminal.py.
import assert from "node:assert/strict";
import { test } from "node:test";
import { onTerminal, scriptedBot } from "./program.mjs";

const prompt = { expect: "you> " };
const type = (text) => ({ send: text + "\r" });
const [CTRL_C, CTRL_D, LEFT, UP, BACKSPACE] = ["\x03", "\x04", "\x1b[D", "\x1b[A", "\x7f"];

test("a conversation: prompt, replies indented, Ctrl-D ends it", async () => {
  const { code, out, err } = await onTerminal({
    bot: scriptedBot(["Hello,\nfriend.\n", "Bye."]),
    steps: [prompt, type("hi"), { expect: "bot> Hello," }, { expect: "\r\n     friend.\r\n" }, prompt, type("bye"),
      { expect: "bot> Bye.\r\n" }, prompt, { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
});

test("Chinese is edited by characters, and kept in the history", async () => {
  const { code, out, err, history } = await onTerminal({
    bot: scriptedBot(["<{message}>"]), env: { LC_ALL: "C", LANG: "C" },
    steps: [prompt, type(`退款吗${BACKSPACE}${LEFT}付${BACKSPACE}要`), { expect: "bot> <退要款>" }, prompt,
      type(`second`), { expect: "<second>" }, prompt, type(UP + UP), { expect: "bot> <退要款>" }, prompt,
      { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
  assert.match(history, /退要款/);
});

test("Ctrl-C at rest is a key and no signal", async () => {
  const { code, out, err } = await onTerminal({
    bot: scriptedBot(["Hello."]),
    steps: [prompt, { sleep: 0.3 }, { send: CTRL_C }, { expect: "once more" }, prompt, { sleep: 0.3 }, type("hi"),
      { expect: "bot> Hello." }, prompt, { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
  assert.ok(!out.includes("hi\r\nhi\r\n"), "typed text appears twice");
});

test("Ctrl-C drops the line, and twice in a row ends the chat", async () => {
  const { code, out, err } = await onTerminal({
    bot: scriptedBot(["<{message}>"]),
    steps: [prompt, { send: "unwanted" + CTRL_C }, { expect: "once more" }, prompt, type("wanted"),
      { expect: "bot> <wanted>" }, prompt, { send: CTRL_C }, { expect: "once more" }, prompt, { send: CTRL_C }],
  });
  assert.equal(code, 0, out + err);
});

test("Ctrl-C while a reply comes cancels it, what is typed meanwhile is not lost", async () => {
  const { code, out, err } = await onTerminal({
    bot: scriptedBot(["a|b|c|d|e|f|g|h|i|j"], { delay: 100 }),
    steps: [prompt, type("go"), { expect: "bot> ab" }, { send: CTRL_C }, { expect: "bot! " }, prompt, type("again"),
      { expect: "bot> abc" }, type("typed ahead"), { expect: "j\r\n" }, prompt, { expect: "typed ahead" },
      { expect: "bot> abcdefghij\r\n" }, prompt, { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
  assert.ok(!out.includes("{\"timestamp\""), "the log disturbs the terminal");
});

test("an error is told, and the chat goes on", async () => {
  const { code, out, err } = await onTerminal({
    bot: scriptedBot(["!upstream_error", "fine"]),
    steps: [prompt, type("a"), { expect: "bot! " }, { expect: "(upstream_error)" }, prompt, type("b"),
      { expect: "bot> fine" }, prompt, { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
});

test("a reply cannot drive the terminal", async () => {
  const { code, out, err } = await onTerminal({
    bot: `models { main = scripted { replies = { "a\\27[2Jb\\7c\\194\\155d" } } } pipeline { ask { model = "main" } }`,
    steps: [prompt, type("hi"), { expect: "bot> a\ufffd[2Jb\ufffdc\ufffdd" }, prompt, { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
});

test("repartee run talks on a terminal too, and ends with the prompt", async () => {
  const { code, out, err } = await onTerminal({
    command: "run",
    bot: `listeners { web = httpd { address = "127.0.0.1:0" } } transports { http { on = "web" }, stdin {} }
      log { file = "log" } ${scriptedBot(["Hello."])}`,
    steps: [{ expect: "Ctrl-D stops the server" }, prompt, type("hi"), { expect: "bot> Hello." }, prompt,
      { send: CTRL_D }],
  });
  assert.equal(code, 0, out + err);
});
