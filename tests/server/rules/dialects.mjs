// A model server in three dialects: OpenAI's chat completions, the Messages API, Ollama's own. It plays a list of replies,
// each { text, calls: [{ name, args }], finish }, streamed in small pieces where the request wants a stream, and writes down
// what it was asked in one form for all: { messages: [{ role, text, calls, result }], tools, schema, stream }.
import { createServer } from "node:http";

const pieces = (text, size = 5) => text.match(new RegExp(`[^]{1,${size}}`, "gu")) ?? [];
const sse = (response, events) => {
  response.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const [name, data] of events)
    response.write(`${name ? `event: ${name}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`);
  response.end();
};
const json = (response, body) => {
  response.writeHead(200, { "Content-Type": "application/json" });
  response.end(JSON.stringify(body));
};

const openai = {
  bot: (url) => `openai { base_url = "${url}/v1", model = "m" }`,
  read: (body) => ({
    messages: body.messages.map((m) => ({
      role: m.role,
      text: m.content ?? "",
      ...(m.tool_calls && {
        calls: m.tool_calls.map((c) => ({ id: c.id, name: c.function.name, args: JSON.parse(c.function.arguments) })),
      }),
      ...(m.tool_call_id && { id: m.tool_call_id }),
    })),
    tools: body.tools?.map((t) => ({ ...t.function })),
    schema: body.response_format?.json_schema?.schema,
    stream: body.stream ?? false,
  }),
  write(response, { text = "", calls = [], finish }, stream, number) {
    const tool = (c, i) => ({ id: `c${number}_${i}`, type: "function", function: { name: c.name, arguments: JSON.stringify(c.args) } });
    const reason = finish ?? (calls.length ? "tool_calls" : "stop");
    const usage = { prompt_tokens: 10, completion_tokens: 2 };
    if (!stream)
      return json(response, {
        choices: [{ index: 0, message: { role: "assistant", content: text || null, ...(calls.length && { tool_calls: calls.map(tool) }) }, finish_reason: reason }],
        usage,
      });
    const delta = (delta, finish_reason = null) => ["", { choices: [{ index: 0, delta, finish_reason }] }];
    sse(response, [
      ...pieces(text).map((content) => delta({ content })),
      ...calls.flatMap((c, i) => [
        delta({ tool_calls: [{ index: i, id: `c${number}_${i}`, type: "function", function: { name: c.name, arguments: "" } }] }),
        ...pieces(JSON.stringify(c.args), 3).map((part) => delta({ tool_calls: [{ index: i, function: { arguments: part } }] })),
      ]),
      delta({}, reason),
      ["", { choices: [], usage }],
      ["", "[DONE]"],
    ]);
  },
};

const anthropic = {
  bot: (url) => `anthropic { base_url = "${url}/v1", api_key = "k", model = "m" }`,
  read: (body) => ({
    messages: body.messages.flatMap((m) =>
      (typeof m.content === "string" ? [{ type: "text", text: m.content }] : m.content).map((part) =>
        part.type === "tool_use"
          ? { role: "assistant", calls: [{ id: part.id, name: part.name, args: part.input }] }
          : part.type === "tool_result"
            ? { role: "tool", id: part.tool_use_id, text: typeof part.content === "string" ? part.content : part.content.map((p) => p.text).join("") }
            : { role: m.role, text: part.text },
      ),
    ),
    tools: body.tools?.map(({ input_schema, ...t }) => ({ ...t, parameters: input_schema })),
    schema: body.output_config?.format.schema,
    stream: body.stream ?? false,
  }),
  write(response, { text = "", calls = [] }, stream, number) {
    const stop_reason = calls.length ? "tool_use" : "end_turn";
    const use = (c, i) => ({ type: "tool_use", id: `c${number}_${i}`, name: c.name, input: c.args });
    if (!stream)
      return json(response, {
        type: "message",
        role: "assistant",
        content: [...(text ? [{ type: "text", text }] : []), ...calls.map(use)],
        stop_reason,
        usage: { input_tokens: 10, output_tokens: 2 },
      });
    const named = (data) => [data.type, data];
    let index = 0;
    const block = (content_block, deltas) => {
      const at = index++;
      return [
        named({ type: "content_block_start", index: at, content_block }),
        ...deltas.map((delta) => named({ type: "content_block_delta", index: at, delta })),
        named({ type: "content_block_stop", index: at }),
      ];
    };
    sse(response, [
      named({ type: "message_start", message: { type: "message", role: "assistant", content: [], usage: { input_tokens: 10, output_tokens: 0 } } }),
      ...(text ? block({ type: "text", text: "" }, pieces(text).map((t) => ({ type: "text_delta", text: t }))) : []),
      ...calls.flatMap((c, i) =>
        block({ ...use(c, i), input: {} }, pieces(JSON.stringify(c.args), 3).map((t) => ({ type: "input_json_delta", partial_json: t }))),
      ),
      named({ type: "message_delta", delta: { stop_reason }, usage: { output_tokens: 2 } }),
      named({ type: "message_stop" }),
    ]);
  },
};

const ollama = {
  bot: (url) => `ollama { base_url = "${url}", model = "m" }`,
  read: (body) => ({
    messages: body.messages.map((m) => ({
      role: m.role,
      text: m.content ?? "",
      ...(m.tool_calls && { calls: m.tool_calls.map((c) => ({ name: c.function.name, args: c.function.arguments })) }),
    })),
    tools: body.tools?.map((t) => ({ ...t.function })),
    schema: body.format,
    stream: body.stream ?? true,
  }),
  write(response, { text = "", calls = [] }, stream) {
    const tool_calls = calls.map((c) => ({ function: { name: c.name, arguments: c.args } }));
    const end = { done: true, done_reason: "stop", prompt_eval_count: 10, eval_count: 2 };
    if (!stream) return json(response, { message: { role: "assistant", content: text, ...(calls.length && { tool_calls }) }, ...end });
    response.writeHead(200, { "Content-Type": "application/x-ndjson" });
    for (const content of pieces(text)) response.write(JSON.stringify({ message: { role: "assistant", content }, done: false }) + "\n");
    if (calls.length) response.write(JSON.stringify({ message: { role: "assistant", content: "", tool_calls }, done: false }) + "\n");
    response.end(JSON.stringify({ message: { role: "assistant", content: "" }, ...end }) + "\n");
  },
};

export const dialects = { openai, anthropic, ollama };

const read = async (request) => {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts).toString();
};
const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));

export async function startModel(dialect) {
  const asked = [];
  let script = [];
  const server = createServer(async (request, response) => {
    const question = dialect.read(JSON.parse(await read(request)));
    asked.push(question);
    const reply = script.shift();
    if (!reply) return response.writeHead(500).end();
    dialect.write(response, reply, question.stream, asked.length);
  });
  const url = await listen(server);
  return { url, asked, play: (...replies) => (script = replies), stop: () => (server.closeAllConnections(), server.close()) };
}

// What tools ask: GET /orders/ID answers as `orders` says, "hang" never does.
export async function startShop(orders) {
  const requests = [];
  const server = createServer((request, response) => {
    const entry = { path: request.url, open: true };
    requests.push(entry);
    response.on("close", () => (entry.open = false));
    const order = orders[request.url.split("/").pop()];
    if (order !== "hang") response.writeHead(order ? 200 : 404, { "Content-Type": "application/json" }).end(JSON.stringify(order ?? {}));
  });
  const url = await listen(server);
  return { url, requests, stop: () => (server.closeAllConnections(), server.close()) };
}
