// A bot in front of a faulty upstream, and a client that reads its replies, streamed or not.
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";
import { startUpstream } from "./faulty.mjs";
import { wires } from "./wires.mjs";

const KEY = "sk-this-key-must-never-be-logged";

// The model as the bot file writes it.
export const modelLine = (wire, url, options = "") =>
  `${wire.name} { base_url = "${url}", api_key = secret "MODEL_KEY", model = "m", retry_base = "5ms", retry_max = "20ms", ${options} }`;

// What a client ends up with: { text, done, code, retryAfter, status, id }.
export async function askBot(bot, stream = true, message = "hello", init = {}) {
  const response = await fetch(`${bot.url}/v1/chat`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ message, stream }),
    ...init,
  });
  const retryAfter = response.headers.get("retry-after");
  const id = response.headers.get("x-request-id");
  if (!stream || !response.headers.get("content-type").startsWith("text/event-stream")) {
    const body = await response.json();
    return { status: response.status, text: body.reply, done: body.reply === undefined ? undefined : body, code: body.error?.code, retryAfter, id };
  }
  const events = parseEvents(await response.text());
  const data = (name) => events.filter((event) => event.event === name).map((event) => event.data);
  return {
    status: response.status,
    text: data("delta").map(({ text }) => text).join(""),
    done: data("done")[0],
    code: data("error")[0]?.error?.code,
    retryAfter,
    id,
  };
}

// What the record of a turn has to say, in its order; the bot needs `trace { }`, and explain = "local" in its transport.
export async function notesOf(bot, id) {
  const { stages } = await (await fetch(`${bot.url}/v1/trace/${id}`)).json();
  return stages.flatMap(({ notes = [] }) => notes);
}

// `models` and `stage` replace what the bot file says of them; `model` is the line of the one called main.
export async function startScene({ wire = wires.openai, options = "", baseUrl, model, models, stage = "", limits = "", files, upstream: listen = {}, args = [], env = {} } = {}) {
  const upstream = await startUpstream({ wire, ...listen });
  const main = model ?? modelLine(wire, baseUrl ?? upstream.url, options);
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { ${models ?? `main = ${main}`} }
      limits { ${limits} }
      transports { http { on = "web" } }
      pipeline { ask { model = "main", ${stage} } }`,
    files,
    env: { MODEL_KEY: KEY, ...env },
    args: ["--workers", "1", ...args],
  }).catch(async (error) => {
    await upstream.stop();
    throw error;
  });

  const post = (stream, init) =>
    fetch(`${bot.url}/v1/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message: "hello", stream }),
      ...init,
    });

  return {
    wire,
    upstream,
    bot,
    post,
    ask: (stream = true, message) => askBot(bot, stream, message),
    key: KEY,
    async stop() {
      const end = await bot.stop();
      await upstream.stop();
      return end;
    },
  };
}
