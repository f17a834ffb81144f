// An upstream that breaks connections: the log says what the system said, not what a library guessed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "../upstream/faulty.mjs";
import { startScene } from "../upstream/scene.mjs";

test("a reset is called a reset", async () => {
  const scene = await startScene({ options: "retries = 0" });
  try {
    scene.upstream.play(faults.cut);
    const reply = await scene.ask(true);
    assert.equal(reply.code, "upstream_truncated");
    const line = await scene.bot.logged((line) => line.component === "openai" && line.code === "upstream_truncated");
    assert.match(line.message, /reset by peer/i);
  } finally {
    assert.deepEqual(await scene.stop(), { code: 0, signal: null });
  }
});
