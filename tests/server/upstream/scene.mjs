// A bot in front of a faulty upstream, and a client that reads its replies, streamed or not.
import { startBot } from "../support/repartee.mjs";
import { parseEvents } from "../support/wire.mjs";
import { startUpstream } from "./faulty.mjs";

const KEY = "sk-this-key-must-never-be-logged";

export async function startScene({ options = "", baseUrl } = {}) {
  const upstream = await startUpstream();
  const bot = await startBot({
    bot: `
      listeners { web = httpd { address = "127.0.0.1:0" } }
      models { main = openai { base_url = "${baseUrl ?? upstream.url}", api_key = secret "MODEL_KEY", model = "m",
                               retry_base = "5ms", retry_max = "20ms", ${options} } }
      transports { http { on = "web" } }
      pipeline { ask { model = "main" } }`,
    env: { MODEL_KEY: KEY },
    args: ["--workers", "1"],
  });

  const post = (stream, init) =>
    fetch(`${bot.url}/v1/chat`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ message: "hello", stream }),
      ...init,
    });

  // { text, done, code, retryAfter, status }: what a client ends up with
  async function ask(stream = true) {
    const response = await post(stream);
    const retryAfter = response.headers.get("retry-after");
    if (!stream || !response.headers.get("content-type").startsWith("text/event-stream")) {
      const body = await response.json();
      return { status: response.status, text: body.reply, done: body.reply === undefined ? undefined : body, code: body.error?.code, retryAfter };
    }
    const events = parseEvents(await response.text());
    const data = (name) => events.filter((event) => event.event === name).map((event) => event.data);
    return {
      status: response.status,
      text: data("delta").map(({ text }) => text).join(""),
      done: data("done")[0],
      code: data("error")[0]?.error?.code,
      retryAfter,
    };
  }

  return {
    upstream,
    bot,
    post,
    ask,
    key: KEY,
    async stop() {
      const end = await bot.stop();
      await upstream.stop();
      return end;
    },
  };
}
