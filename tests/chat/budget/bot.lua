-- A bot whose users have a budget: two questions an hour.
bot { name = "budget" }
stores { main = redis { url = secret "REDIS_URL" } }
prices { ["gpt-x"] = { input = 1000, output = 2000 } }
budgets { user = "0.112/hour", bot_tokens = "1M/day" }
models { main = openai { api_key = secret "OPENAI_API_KEY", model = "gpt-x", max_tokens = 50 } }
transports { stdin {} }
pipeline { rules { dir = "rules" }, ask { model = "main", history = 0 } }
