// A provider with a batch endpoint that can be told how to misbehave: OpenAI's (files, batches) or Anthropic's (message
// batches), and the plain endpoint of each, for what is asked by itself.
//
//   const provider = await startProvider("openai");
//   provider.url                         for base_url
//   provider.answer = (body, id) => ({ text }) | { status, body } | { expired } | { cancelled } | { missing } | { tools }
//   provider.polls                       looks until a batch is done
//   provider.unmarked                    it keeps no metadata
//   provider.play("submit", fault, …)    what the next requests of that step get: (response, request, go) => …; go() answers
//                                        as always. Steps: upload submit poll list results cancel single
//   provider.calls                       what came: { step, method, path, headers, body }
//   provider.batches                     { id, marker, requests: [{ id, body }], seen, status, cancelled }
//   provider.paid                        ids of requests that were taken, once for each time
import { randomBytes } from "node:crypto";
import http from "node:http";

// The text of the last message.
const said = ({ messages }) => [messages.at(-1).content].flat().map((part) => part.text ?? part).join("");
const echo = (body) => ({ text: `echo: ${said(body)}` });

// ---- what each protocol says of the same ----------------------------------------------------------------------------

export const openai = {
  name: "openai",
  base: "/v1",
  whole: ({ text = null, tools }) => ({
    id: "chatcmpl-1",
    object: "chat.completion",
    choices: [{
      index: 0,
      message: {
        role: "assistant",
        content: text,
        tool_calls: tools?.map(({ id, name, input }) => ({ id, type: "function", function: { name, arguments: JSON.stringify(input) } })),
      },
      finish_reason: tools ? "tool_calls" : "stop",
    }],
    usage: { prompt_tokens: 10, completion_tokens: 3 },
  }),
  failure: (message, type = "invalid_request_error", code = null) => ({ error: { message, type, code } }),
  // one result as a line; an error goes to the second file
  line: (id, answer, wire) => {
    const row = { id: `batch_req_${id.slice(0, 8)}`, custom_id: id, response: null, error: null };
    if (answer.expired) row.error = { code: "batch_expired", message: "This request could not be executed before the completion window expired." };
    else if (answer.cancelled) row.error = { code: "batch_cancelled", message: "cancelled" };
    else row.response = { status_code: answer.status ?? 200, request_id: "req_1", body: answer.body ?? wire.whole(answer) };
    return row;
  },
  failed: (answer) => answer.expired || answer.cancelled || (answer.status ?? 200) >= 300,
};

export const anthropic = {
  name: "anthropic",
  base: "/v1",
  whole: ({ text, tools = [] }) => ({
    id: "msg_1",
    type: "message",
    role: "assistant",
    content: [...(text ? [{ type: "text", text }] : []), ...tools.map(({ id, name, input }) => ({ type: "tool_use", id, name, input }))],
    stop_reason: tools.length ? "tool_use" : "end_turn",
    usage: { input_tokens: 10, output_tokens: 3 },
  }),
  failure: (message, type = "invalid_request_error") => ({ type: "error", error: { type, message } }),
  line: (id, answer, wire) => {
    if (answer.expired) return { custom_id: id, result: { type: "expired" } };
    if (answer.cancelled) return { custom_id: id, result: { type: "canceled" } };
    if ((answer.status ?? 200) >= 300) return { custom_id: id, result: { type: "errored", error: answer.body } };
    return { custom_id: id, result: { type: "succeeded", message: answer.body ?? wire.whole(answer) } };
  },
  failed: () => false,
};

// ---- the server -----------------------------------------------------------------------------------------------------

async function read(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return Buffer.concat(parts);
}

const json = (response, status, value, fields = {}) => {
  response.writeHead(status, { "Content-Type": "application/json", ...fields });
  response.end(JSON.stringify(value));
};

// The parts of a multipart body by name, each { head, text }.
function partsOf(type, body) {
  const boundary = /boundary=(.+)$/.exec(type)[1];
  const text = body.toString();
  if (!text.endsWith(`\r\n--${boundary}--\r\n`)) throw new Error("the multipart body has no end");
  const parts = {};
  for (const piece of text.slice(0, -`\r\n--${boundary}--\r\n`.length).split(`--${boundary}\r\n`).slice(1)) {
    const at = piece.indexOf("\r\n\r\n");
    const head = piece.slice(0, at);
    parts[/name="([^"]+)"/.exec(head)[1]] = { head, text: piece.slice(at + 4).replace(/\r\n$/, "") };
  }
  return parts;
}

const unixNow = () => Math.floor(Date.now() / 1000);

export async function startProvider(wire, { port = 0 } = {}) {
  wire = typeof wire === "string" ? { openai, anthropic }[wire] : wire;
  const marked = wire.name === "openai";
  const files = new Map();
  const scripts = new Map();
  const provider = {
    wire,
    answer: echo,
    said,
    polls: 2,
    calls: [],
    batches: [],
    paid: [],
    failWith: undefined, // of a batch: what its validation found
    order: (rows) => rows,
    write: (response, text) => response.end(text),
    play: (step, ...faults) => scripts.set(step, [...(scripts.get(step) ?? []), ...faults]),
    only: (step) => provider.calls.filter((call) => call.step === step),
  };

  const shown = (batch) => {
    const done = batch.status === "completed";
    const total = batch.requests.length;
    if (!marked) {
      return {
        id: batch.id,
        type: "message_batch",
        processing_status: done ? "ended" : "in_progress",
        request_counts: { processing: done ? 0 : total, succeeded: done ? total : 0, errored: 0, canceled: 0, expired: 0 },
        created_at: new Date(batch.at).toISOString(),
        results_url: done ? (provider.resultsUrl?.(batch) ?? `${provider.url}/messages/batches/${batch.id}/results`) : null,
      };
    }
    return {
      id: batch.id,
      object: "batch",
      endpoint: "/v1/chat/completions",
      status: batch.status,
      errors: batch.errors ?? null,
      input_file_id: batch.file,
      output_file_id: done ? `out-${batch.id}` : null,
      error_file_id: done && batch.rows.some(({ failed }) => failed) ? `err-${batch.id}` : null,
      created_at: Math.floor(batch.at / 1000),
      request_counts: { total, completed: done ? total : 0, failed: 0 },
      metadata: provider.unmarked ? null : { repartee: batch.marker },
    };
  };

  const take = (provider.take = (requests, more) => {
    const batch = { id: `batch_${randomBytes(8).toString("hex")}`, requests, seen: 0, at: Date.now(), status: "in_progress", ...more };
    for (const { id } of requests) provider.paid.push(id);
    provider.batches.unshift(batch);
    return batch;
  });

  function finish(batch) {
    batch.status = "completed";
    batch.rows = provider.order(
      batch.requests
        .map(({ id, body }) => ({ id, answer: provider.answer(body, id) }))
        .filter(({ answer }) => !answer.missing)
        .map(({ id, answer }) => ({ id, failed: wire.failed(answer), text: JSON.stringify(wire.line(id, answer, wire)) })),
    );
  }

  function look(batch) {
    batch.seen++;
    if (batch.status === "in_progress" && batch.seen >= provider.polls) {
      if (provider.failWith) {
        batch.status = "failed";
        batch.errors = { object: "list", data: [provider.failWith] };
      } else {
        finish(batch);
      }
    }
    return shown(batch);
  }

  const steps = {
    upload: (response, { headers, body }) => {
      const parts = partsOf(headers["content-type"], body);
      if (parts.purpose?.text !== "batch" || !/filename="/.test(parts.file.head)) return json(response, 400, wire.failure("wrong purpose"));
      const id = `file-${randomBytes(8).toString("hex")}`;
      files.set(id, parts.file.text);
      json(response, 200, { id, object: "file", bytes: parts.file.text.length, purpose: "batch" });
    },
    submit: (response, { body }) => {
      const wish = JSON.parse(body);
      if (!marked) return json(response, 200, shown(take(wish.requests.map(({ custom_id: id, params }) => ({ id, body: params })))));
      const requests = files.get(wish.input_file_id).trimEnd().split("\n").map((line) => JSON.parse(line));
      const good = requests.every(({ method, url }) => method === "POST" && url === wish.endpoint) && wish.completion_window === "24h";
      if (!good) return json(response, 400, wire.failure("wrong request"));
      const batch = take(requests.map(({ custom_id: id, body }) => ({ id, body })), { marker: wish.metadata?.repartee, file: wish.input_file_id });
      json(response, 200, shown(batch));
    },
    list: (response, { query }) => {
      const limit = Math.min(Number(query.get("limit")), provider.page ?? 100);
      const after = query.get(marked ? "after" : "after_id");
      const start = after ? provider.batches.findIndex(({ id }) => id === after) + 1 : 0;
      const data = provider.batches.slice(start, start + limit);
      json(response, 200, { object: "list", data: data.map(shown), has_more: start + limit < provider.batches.length });
    },
    poll: (response, { batch }) => (batch ? json(response, 200, look(batch)) : json(response, 404, wire.failure("no such batch"))),
    cancel: (response, { batch }) => {
      batch.cancelled = true;
      json(response, 200, shown(batch));
    },
    results: (response, { batch, part }) => {
      if (!batch?.rows) return json(response, 404, wire.failure("no such file"));
      const rows = batch.rows.filter(({ failed }) => !marked || failed === (part === "err"));
      response.writeHead(200, { "Content-Type": "application/x-jsonl" });
      provider.write(response, rows.map(({ text }) => `${text}\n`).join(""));
    },
    single: (response, { body }) => {
      const wish = JSON.parse(body);
      provider.paid.push("single");
      const answer = provider.answer(wish);
      json(response, answer.status ?? 200, answer.body ?? wire.whole(answer));
    },
  };

  const routes = marked
    ? [["POST", /^\/v1\/files$/, "upload"], ["POST", /^\/v1\/batches$/, "submit"], ["GET", /^\/v1\/batches$/, "list"],
       ["GET", /^\/v1\/batches\/([^/]+)$/, "poll"], ["POST", /^\/v1\/batches\/([^/]+)\/cancel$/, "cancel"],
       ["GET", /^\/v1\/files\/(out|err)-([^/]+)\/content$/, "results"], ["POST", /^\/v1\/chat\/completions$/, "single"]]
    : [["POST", /^\/v1\/messages\/batches$/, "submit"], ["GET", /^\/v1\/messages\/batches$/, "list"],
       ["GET", /^\/v1\/messages\/batches\/([^/]+)$/, "poll"], ["POST", /^\/v1\/messages\/batches\/([^/]+)\/cancel$/, "cancel"],
       ["GET", /^\/v1\/messages\/batches\/([^/]+)\/results$/, "results"], ["POST", /^\/v1\/messages$/, "single"]];

  async function serve(request, response) {
    const url = new URL(request.url, "http://localhost");
    const body = await read(request);
    const [, pattern, step] = routes.find(([method, path]) => method === request.method && path.test(url.pathname)) ?? [];
    const found = pattern?.exec(url.pathname) ?? [];
    const id = found.at(-1);
    const call = {
      step, method: request.method, path: url.pathname, query: url.searchParams, headers: request.headers, body,
      batch: provider.batches.find((batch) => batch.id === id), part: found.length > 2 ? found[1] : undefined, at: Date.now(),
    };
    provider.calls.push(call);
    const go = () => (step ? steps[step](response, call) : json(response, 404, wire.failure("nothing here", "not_found_error")));
    const fault = scripts.get(step)?.shift();
    if (fault) return fault(response, call, go);
    const always = provider.always?.[step];
    return always ? always(response, call, go) : go();
  }

  const server = http.createServer((request, response) => {
    response.on("error", () => {});
    serve(request, response).catch((error) => response.destroy(error));
  });
  await new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  provider.port = server.address().port;
  provider.url = `http://127.0.0.1:${provider.port}${wire.base}`;
  provider.stop = () => new Promise((resolve) => { server.closeAllConnections(); server.close(resolve); });
  return provider;
}

// ---- faults ---------------------------------------------------------------------------------------------------------

export const refuse = (status, body = { error: { message: "no", type: "server_error" } }, fields = {}) => (response) => json(response, status, body, fields);
export const cut = (response) => response.socket.resetAndDestroy();
// The provider takes it, and the answer is lost.
export const lose = (response, call, go) => {
  const end = response.end;
  response.writeHead = () => response;
  response.end = () => response.socket.resetAndDestroy();
  go();
  response.end = end;
};
export const hang = () => {};
