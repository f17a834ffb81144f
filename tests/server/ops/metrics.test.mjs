// The transport `ops`: metrics in the text format of Prometheus, on a listener of its choice.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startBot } from "../support/repartee.mjs";

const bot = `
listeners { web = httpd { address = "127.0.0.1:0" } }
models { main = scripted { "Hello." } }
transports { http { on = "web" }, ops { on = "web" } }
pipeline { ask { model = "main" } }
`;

test("metrics are served as text", async (t) => {
  const running = await startBot({ bot });
  t.after(() => running.stop());
  const response = await fetch(`${running.url}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type"), /^text\/plain; version=0\.0\.4/);
  for (const line of (await response.text()).split("\n"))
    assert.match(line, /^(?:# (?:HELP|TYPE) \S+ .+|[a-z_]+(?:\{.*\})? -?[0-9.e+]+)?$/);
});
