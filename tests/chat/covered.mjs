// node covered.mjs RULES TESTS: every rule that the Lua files in RULES declare has a conversation in TESTS that it answers.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const [rules, tests] = process.argv.slice(2);
const read = (folder, end) =>
  readdirSync(folder)
    .filter((name) => name.endsWith(end))
    .map((name) => readFileSync(join(folder, name), "utf8"))
    .join("\n");

const declared = [...read(rules, ".lua").matchAll(/^\s*rule "([^"]+)"/gm)].map(([, name]) => name);
const answered = new Set([...read(tests, ".chat").matchAll(/^= rule:(.+)$/gm)].map(([, name]) => name));
const missing = declared.filter((name) => !answered.has(name));
console.log(`${declared.length} rules, ${missing.length} without a conversation: ${missing.join(", ")}`);
process.exit(declared.length === 0 || missing.length > 0 ? 1 : 0);
