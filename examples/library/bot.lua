-- The desk of a city library. A model answers, with the catalogue as its tool; behind the first provider stands a second, and
-- behind that a machine of the library's own, so that no question goes without a reply. What all of it may cost is bounded.

bot { name = "library-desk", language = "en" }

listeners { web = httpd { address = "127.0.0.1:8082" } }
stores    { main = sqlite { path = "data/desk.db" } } -- conversations, and what has been spent

transports { http { on = "web", explain = "local" }, websocket { on = "web" }, ops { on = "web" }, stdin {} }

-- Each provider is there when its key is; without, a script stands in for it.
models {
  cloud = env("OPENAI_API_KEY", "") ~= "" and openai {
    base_url = env("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    api_key = secret "OPENAI_API_KEY",
    model = env("OPENAI_MODEL", "gpt-4o-mini"), max_tokens = 500,
  } or scripted { "I am only a script, but a patient one: set OPENAI_API_KEY, and a model answers here." },
  other = env("ANTHROPIC_API_KEY", "") ~= "" and anthropic {
    api_key = secret "ANTHROPIC_API_KEY",
    model = env("ANTHROPIC_MODEL", "claude-haiku-4-5"), max_tokens = 500,
  } or scripted { "The second script speaking." },
  house = env("LLAMA_MODEL", "") ~= "" and llama { path = env "LLAMA_MODEL" }
    or scripted { "Our own machine is not up to that. Please ask at the desk." },

  main = route {
    "cloud", "other", "house",
    retries = 1, hedge = 0.05, check_every = "30s",
    targets = { cloud = { connect = "1s", first = "5s", stall = "10s" }, other = { connect = "1s", first = "8s", stall = "10s" } },
  },
}

-- For a million tokens. A user whose budget is used up is still answered: by the house, which costs nothing.
prices {
  currency = "USD",
  cloud = { input = 0.15, output = 0.60, cached = 0.075 },
  other = { input = 1.00, output = 5.00, cached = 0.10 },
  house = { input = 0, output = 0 },
}
budgets { user = "0.05/day", bot = { "5/day", "100/month" } }

pipeline {
  ratelimit { rate = "2/s", burst = 10, per = "user" },
  redact { "email", "bank_card" },
  rules { dir = "rules" },
  cache { ttl = "1h" },
  ask { model = "main", history = 20, history_tokens = 2000, summary = "main", summary_tokens = 200 },
}
