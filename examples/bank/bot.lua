-- The customer service of a bank, in English and Chinese: who you are is asked before anything is told, cards are blocked
-- through the bank's own interface, and guards watch over what comes in and what goes out. backend.py plays the bank.

bot { name = "harbour-bank", language = "en" }

listeners { web = httpd { address = "127.0.0.1:8081" } }
stores    { main = sqlite { path = "data/bank.db" } } -- conversations survive a restart

transports { http { on = "web" }, websocket { on = "web" }, stdin {} }

-- Without a key a script stands in for the model: enough to see the guards at work.
models {
  main = env("OPENAI_API_KEY", "") ~= "" and openai {
    base_url = env("OPENAI_BASE_URL", "https://api.openai.com/v1"),
    api_key = secret "OPENAI_API_KEY",
    model = env("OPENAI_MODEL", "gpt-4o-mini"),
  } or scripted { "That I cannot say for sure. Our branches can, or a colleague: just ask for one." },
}

pipeline {
  ratelimit { rate = "2/s", burst = 10, per = "user" },
  redact { "bank_card", "id_card_cn", on = "message" }, -- neither the model nor the history gets to see them
  rules {
    dir = "rules",
    config = { api = env("BANK_API", "http://127.0.0.1:8090") },
    handoff = "A colleague takes over. Please stay in this chat. / 正在为您转接人工客服，请稍候。",
    apology = "Something went wrong on our side; please try again. / 系统出现问题，请稍后再试。",
  },
  ask { model = "main" },
}
