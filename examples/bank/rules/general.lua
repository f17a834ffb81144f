-- What every customer may know, the way to a person, and what the model gets to answer.

local say = include "lib/say.lua"
local hours = require("repartee.hours").new { zone = "Europe/Berlin", weekdays = "08:30-18:00", closed = { "12-25", "01-01" } }

require "repartee.escalation" { after = 3, hours = hours, priority = 50 }
require "repartee.smalltalk" { name = "Harbour Bank", without = { "joke" } }
require "repartee.survey" { match = { [[(?i)\bfeedback\b]], "评价|打分" } }

rule "opening-hours" {
  match = { [[(?i)\b(?:opening hours|when\b.*\bopen|are you open)\b]], [[营业时间|几点(?:开门|关门)|开门吗]] },
  reply = function(t) return hours:say(t.now, t.lang) end,
}

rule "fees" {
  match = { [[(?i)\b(?:fees?|how much\b.*\bcosts?|price)\b]], [[手续费|年费|费用|收费]] },
  reply = say.both(
    "The account costs nothing from 700 euros of income a month, else 4.90 euros. A second card costs 1 euro a month.",
    "每月入账满 700 欧元免账户费，否则每月 4.90 欧元。附属卡每月 1 欧元。"
  ),
}

rule "foreign-cash" {
  priority = 5,
  match = { [[(?i)\b(?:cash|withdraw\w*|atm)\b.*\b(?:abroad|foreign|overseas)\b|\babroad\b.*\b(?:cash|withdraw\w*)\b]],
            [[(?:境外|国外|海外).*(?:取现|取钱|提现)]] },
  reply = say.both("Taking out cash abroad is free three times a month, then 2 euros each.", "境外取现每月前三次免费，之后每次 2 欧元。"),
}

-- A complaint is sorted by the model, and read by a person.
rule "complaint" {
  match = { [[(?i)\b(?:complain\w*|complaint)\b]], [[投诉]] },
  priority = 60,
  reply = function(t)
    local about = t:classify(t.text, { "card", "account", "staff", "other" }, { default = "other" })
    t:event("complaint", { about = about })
    t:handoff("complaint: " .. about)
    return say.text(t, { "I am sorry. A colleague reads this today and writes to you.", "非常抱歉。同事今天就会阅读并回复您。" })
  end,
}

tool "exchange_rate" {
  description = "The bank's exchange rate from euros to another currency today",
  parameters = { type = "object", required = { "currency" }, additionalProperties = false,
                 properties = { currency = { type = "string", pattern = "^[A-Z]{3}$" } } },
  run = function(t, args)
    local answer = t:get(t.config.api .. "/rates/" .. args.currency)
    if not answer.ok then return { error = "not known" } end
    return answer.json
  end,
}

generate "assistant" {
  system = "You are the assistant of Harbour Bank. Answer in the language of the customer, in two sentences at most. You see no "
    .. "accounts; for those, the customer has to ask for the balance. Never promise anything, never give advice on investments.",
  tools = { "exchange_rate" },
  temperature = 0.2,
  max_tokens = 300,
}
