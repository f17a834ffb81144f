-- mybot: what the bot is made of. Try it: repartee check, repartee chat, repartee run.
--
-- An identifier that is no function of this file's language names a plugin: `repartee plugins` lists them,
-- `repartee plugins ratelimit` prints the options of one.

bot { name = "mybot", language = "en" }

listeners { web = httpd { address = "127.0.0.1:8080" } }

transports {
  http { on = "web" },      -- POST /v1/chat {"message": "…", "session": "…"}
  websocket { on = "web" }, -- GET /v1/ws
  stdin {},                 -- the terminal
}

-- A message passes these in order; the first that answers ends its way in. The reply passes them backwards.
pipeline {
  ratelimit { rate = "5/s", burst = 20, per = "address" },
  redact { "email", "bank_card" }, -- in messages and replies
  rules { dir = "rules" },         -- what is in rules/*.lua
  -- ask { model = "main" },       -- whatever no rule answers; see below
}

-- A model behind an OpenAI-compatible API: take the dashes off here and before `ask`, and delete the rule "fallback".
-- models {
--   main = openai {
--     base_url = env("OPENAI_BASE_URL", "https://api.openai.com/v1"),
--     api_key = secret "OPENAI_API_KEY",
--     model = "gpt-4o-mini",
--   },
-- }
