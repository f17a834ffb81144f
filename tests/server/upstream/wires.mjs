// The three protocols that model servers speak, as the tests' own servers write them: each knows how a whole reply, the
// pieces of a stream and an error look, and which model in the bot file asks for them.
import { Buffer } from "node:buffer";

const json = JSON.stringify;
const usage = { input: 9, output: 3 };

const openaiDelta = (delta, finish = null) => ({
  id: "chatcmpl-1",
  object: "chat.completion.chunk",
  choices: [{ index: 0, delta, finish_reason: finish }],
});

const openai = {
  name: "openai",
  base: "/v1",
  path: "/v1/chat/completions",
  probe: "/v1/models",
  type: "text/event-stream; charset=utf-8",
  key: (headers) => headers.authorization?.replace("Bearer ", ""),
  frame: (data, end = "\n") => `data: ${typeof data === "string" ? data : json(data)}${end}${end}`,
  whole: (text, finish = "stop", tools) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "m",
    choices: [
      {
        index: 0,
        message: {
          role: "assistant",
          content: tools ? null : text,
          refusal: null,
          ...(tools && {
            tool_calls: tools.map(({ id, name, input }) => ({ id, type: "function", function: { name, arguments: json(input) } })),
          }),
        },
        finish_reason: finish,
      },
    ],
    usage: { prompt_tokens: usage.input, completion_tokens: usage.output, total_tokens: 12 },
  }),
  begin: () => [openaiDelta({ role: "assistant", content: "" })],
  delta: (text) => [openaiDelta({ content: text })],
  reason: (finish = "stop") => [openaiDelta({}, finish), { choices: [], usage: { prompt_tokens: usage.input, completion_tokens: usage.output } }],
  terminator: () => ["[DONE]"],
  failure: (message, type = "server_error") => ({ error: { message, type, param: null, code: null } }),
  half: 'data: {"choices":[{"index":0,"delta":{"con',
  garbage: "data: <html>\n\n",
  noReply: {},
  ping: ": ping\n\n",
};

const anthropic = {
  name: "anthropic",
  base: "",
  path: "/v1/messages",
  probe: "/v1/models",
  type: "text/event-stream; charset=utf-8",
  key: (headers) => headers["x-api-key"],
  frame: (data, end = "\n") => `event: ${data.type}${end}data: ${json(data)}${end}${end}`,
  finishes: { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use", content_filter: "refusal" },
  whole: (text, finish = "stop", tools) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    model: "m",
    content: tools ? tools.map((tool) => ({ type: "tool_use", ...tool })) : [{ type: "text", text }],
    stop_reason: anthropic.finishes[finish],
    stop_sequence: null,
    usage: { input_tokens: usage.input, output_tokens: usage.output },
  }),
  begin: () => [
    { type: "message_start", message: { id: "msg_1", type: "message", role: "assistant", content: [], stop_reason: null, usage: { input_tokens: usage.input, output_tokens: 1 } } },
    { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
    { type: "ping" },
  ],
  delta: (text) => [{ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } }],
  reason: (finish = "stop") => [
    { type: "content_block_stop", index: 0 },
    { type: "message_delta", delta: { stop_reason: anthropic.finishes[finish], stop_sequence: null }, usage: { output_tokens: usage.output } },
  ],
  terminator: () => [{ type: "message_stop" }],
  failure: (message, type = "api_error") => ({ type: "error", error: { type, message }, request_id: "req_1" }),
  half: 'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"del',
  garbage: "event: content_block_delta\ndata: <html>\n\n",
  noReply: {},
  ping: 'event: ping\ndata: {"type": "ping"}\n\n',
};

const ollamaLine = (content, more = {}) => ({ model: "m", created_at: "2026-11-22T00:00:00Z", message: { role: "assistant", content }, done: false, ...more });
const ollamaEnd = (finish) => ({
  done: true,
  done_reason: finish === "tool_calls" ? "stop" : finish,
  total_duration: 5,
  prompt_eval_count: usage.input,
  eval_count: usage.output,
});

const ollama = {
  name: "ollama",
  base: "",
  path: "/api/chat",
  probe: "/api/version",
  type: "application/x-ndjson",
  key: (headers) => headers.authorization?.replace("Bearer ", ""),
  frame: (data, end = "\n") => json(data) + end,
  whole: (text, finish = "stop", tools) => ({
    ...ollamaLine(text, ollamaEnd(finish)),
    ...(tools && { message: { role: "assistant", content: "", tool_calls: tools.map(({ id, name, input }) => ({ id, function: { name, arguments: input } })) } }),
  }),
  begin: () => [],
  delta: (text) => [ollamaLine(text)],
  reason: () => [], // it comes with the end
  terminator: (finish = "stop") => [ollamaLine("", ollamaEnd(finish))],
  failure: (message) => ({ error: message }),
  half: '{"model":"m","message":{"role":"assi',
  garbage: "<html>\n",
  noReply: {},
  ping: "\n",
};

export const wires = { openai, anthropic, ollama };

export const head = (status, fields = {}) =>
  `HTTP/1.1 ${status}\r\n` +
  Object.entries(fields)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("") +
  "\r\n";

export const response = (status, type, body, fields = {}) =>
  head(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body), ...fields }) + body;

export const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
export const lastChunk = "0\r\n\r\n";
export const streamHead = (wire) => head("200 OK", { "Content-Type": wire.type, "Transfer-Encoding": "chunked" });

// Each event of a whole good stream, as text.
export const frames = (wire, texts, { finish = "stop", end = "\n" } = {}) =>
  [...wire.begin(), ...texts.flatMap(wire.delta), ...wire.reason(finish), ...wire.terminator(finish)].map((data) => wire.frame(data, end));

// The stream as it goes over the socket, an event a chunk.
export const stream = (wire, texts, options) => streamHead(wire) + frames(wire, texts, options).map(chunk).join("") + lastChunk;

// The beginning of one.
export const begun = (wire, ...texts) => streamHead(wire) + [...wire.begin(), ...texts.flatMap(wire.delta)].map((data) => chunk(wire.frame(data))).join("");

export const completion = (wire, text, finish, tools) => response("200 OK", "application/json", json(wire.whole(text, finish, tools)));
