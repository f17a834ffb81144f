// Runs conversation tests: node run_chat.mjs PROGRAM BOT FILE.chat
//
// Each file is one conversation with one `repartee chat --json`, a line a turn:
//
//     # a comment                 > what the user says
//     < the exact reply           further `<` lines are further lines of it
//     <~ a regular expression that the reply meets
//     = what made the reply       ! the turn is refused with this error code
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const REPLY_MS = 20_000;
const [program, bot, file] = process.argv.slice(2);

function parse(text) {
  const steps = [];
  text.split("\n").forEach((line, index) => {
    if (line.trim() === "" || line.startsWith("#")) return;
    const [, mark, rest] = /^(>|<~|<|=|!)(?: (.*))?$/.exec(line) ?? fail(`${file}:${index + 1}: cannot read '${line}'`);
    if (mark === ">") steps.push({ line: index + 1, message: rest ?? "", expected: [] });
    else if (steps.length === 0) fail(`${file}:${index + 1}: nothing has been said yet`);
    else steps.at(-1).expected.push({ mark, text: rest ?? "", line: index + 1 });
  });
  if (steps.length === 0) fail(`${file}: there is no conversation in it`);
  for (const step of steps) if (step.expected.length === 0) fail(`${file}:${step.line}: nothing is expected`);
  return steps;
}

function fail(message) {
  console.error(message);
  process.exit(1);
}

function pattern(text) {
  const flags = /^\(\?([is]+)\)/.exec(text);
  return new RegExp(flags ? text.slice(flags[0].length) : text, `u${flags ? flags[1] : ""}`);
}

// What is wrong with an answer: a list of sentences.
function differences(step, answer) {
  const wrong = [];
  const want = (line, what, expected, got) =>
    wrong.push(`${file}:${line}: ${what}\n    expected: ${expected}\n         got: ${got}`);
  const exact = step.expected.filter(({ mark }) => mark === "<");
  const reply = answer.reply ?? `(refused: ${answer.error?.code})`;
  if (exact.length > 0) {
    const text = exact.map(({ text }) => text).join("\n");
    if (reply !== text) want(exact[0].line, "another reply", text, reply);
  }
  for (const { mark, text, line } of step.expected) {
    if (mark === "<~" && !pattern(text).test(reply)) want(line, "the reply does not match", text, reply);
    if (mark === "=" && answer.by !== text) want(line, "something else answered", text, answer.by ?? reply);
    if (mark === "!" && answer.error?.code !== text) want(line, "no such error", text, answer.error?.code ?? reply);
  }
  if (answer.error && !step.expected.some(({ mark }) => mark === "!") && wrong.length === 0)
    want(step.line, "the turn was refused", "a reply", `${answer.error.code}: ${answer.error.message}`);
  return wrong;
}

async function converse(steps) {
  const child = spawn(program, ["chat", "--json", "-c", bot], { stdio: ["pipe", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (text) => (log += text));
  child.stdin.on("error", () => {});
  const ended = new Promise((resolve) => child.on("close", (code, signal) => resolve(signal ?? code)));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const wrong = [];
  for (const step of steps) {
    child.stdin.write(`${step.message}\n`);
    const timer = setTimeout(() => child.kill("SIGKILL"), REPLY_MS);
    const { value, done } = await lines.next();
    clearTimeout(timer);
    if (done) {
      wrong.push(`${file}:${step.line}: the program ended with ${await ended} instead of a reply\n${log}`);
      return wrong;
    }
    wrong.push(...differences(step, JSON.parse(value)));
  }
  child.stdin.end();
  const end = await ended;
  const refused = steps.some(({ expected }) => expected.some(({ mark }) => mark === "!"));
  if (end !== 0 && !(refused && end === 1)) wrong.push(`${file}: the program ended with ${end}\n${log}`);
  return wrong;
}

const steps = parse(readFileSync(file, "utf8"));
const wrong = await converse(steps);
console.log([...wrong, `${steps.length} messages, ${wrong.length} differences`].join("\n"));
process.exit(wrong.length > 0 ? 1 : 0);
