bot { name = "acme", sessions = "main" }
stores { main = memory {} }
models { cloud = openai { model = env("MODEL", "gpt"), api_key = secret "KEY" }, main = route { use = { "cloud" } } }
transports { http { on = "web" }, stdin() }
pipeline { nil, ratelimit { rate = "5/s" }, false, ask { "main" } }
pipeline "staff" { redact { "email", { name = "x", match = [[\d+]] } } }
