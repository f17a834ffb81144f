-- A bot for the tests of `repartee test`: everything outside is stood in for, so nothing of it exists.
bot { name = "made-for-tests" }

stores { main = sqlite { path = "/nonexistent/never.db" } }
models {
  cloud = openai { base_url = "https://api.nowhere.example/v1", api_key = secret "REPARTEE_TEST_UNSET", model = "m" },
  scribe = openai { base_url = "https://api.nowhere.example/v1", api_key = secret "REPARTEE_TEST_UNSET", model = "s" },
  told  = scripted { "I say |{message}" },
}
listeners  { web = httpd { address = "192.0.2.1:1" } }
transports { http { on = "web" } }

pipeline {
  ratelimit { rate = "1/s", burst = 12, per = "user" },
  redact    { "email" },
  rules     { dir = "rules" },
  ask       { model = "cloud" },
}
pipeline "told" { ask { model = "told" } }
pipeline "long" { ask { model = "cloud", history = 2, summary = "scribe" } }
