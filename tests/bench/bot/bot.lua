-- The bot that scripts/bench measures: a hundred rules, a rate limit, redaction, and a model for what no rule answers.
-- The ports come from the environment.

bot { name = "bench" }

log { level = "warn" } -- as nginx with access_log off

listeners { web = httpd { address = "127.0.0.1:" .. env "BENCH_PORT" } }

transports { http { on = "web" } }

models {
  plain = openai { base_url = "http://127.0.0.1:" .. env "BENCH_MODEL_PORT" .. "/v1", api_key = "bench", model = "mock" },
  stream = openai { base_url = "http://127.0.0.1:" .. env "BENCH_STREAM_PORT" .. "/v1", api_key = "bench", model = "mock" },
}

pipeline {
  ratelimit { rate = "100000/s", burst = 100000, per = "user" },
  redact { "phone_cn", "id_card_cn", "bank_card", "email" },
  rules { dir = "rules" },
  env("BENCH_CACHE", "") ~= "" and cache { history = "ignore" } or nil,
  ask { model = env "BENCH_MODEL", history = 0 },
}
