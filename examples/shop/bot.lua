-- The customer service of a small shop, in English and Chinese. Everything it needs is in this folder: the rules answer
-- without a network. With OPENAI_API_KEY set, a model answers what no rule does.

bot { name = "acme-shop", language = "en" }

listeners { web = httpd { address = "127.0.0.1:8080" } }

transports { http { on = "web" }, websocket { on = "web" }, stdin {} }

local has_model = env("OPENAI_API_KEY", "") ~= ""

if has_model then
  models {
    main = openai {
      base_url = env("OPENAI_BASE_URL", "https://api.openai.com/v1"),
      api_key = secret "OPENAI_API_KEY",
      model = env("OPENAI_MODEL", "gpt-4o-mini"),
    },
  }
end

pipeline {
  ratelimit { rate = "5/s", burst = 20, per = "user" },
  redact { "phone_cn", "id_card_cn", "bank_card", "email", on = "message" }, -- what a customer should not have typed
  redact { "id_card_cn", "bank_card", on = "reply" },                        -- what a model should not repeat
  rules { dir = "rules", config = { has_model = has_model } },
  has_model and ask { model = "main" } or nil,
}
