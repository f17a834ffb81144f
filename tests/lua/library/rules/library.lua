local hours = require("repartee.hours").new {
  zone = "Europe/Berlin",
  weekdays = "09:00-12:00, 13:00-18:00",
  wed = "09:00-12:00",
  sat = "10:00-14:00",
  closed = { "12-25", "2026-04-03" },
}
local never = require("repartee.hours").new {}
local contact = require "repartee.contact"

require "repartee.smalltalk" { name = "Acme", without = { "joke" }, replies = { thanks = { en = "Any time!" } } }
require "repartee.survey" { timeout = "1h", low = 3 }
local escalation = require "repartee.escalation" { after = 2, hours = hours }

rule "hours" { match = [[(?i)^open\?]], reply = function(t) return hours:say(t.now, t.lang) end }
rule "hours-zh" { match = "^营业吗", reply = function(t) return hours:say(t.now, "zh") end }
rule "hours-next" {
  match = [[(?i)^next\?]],
  reply = function(t) return tostring(hours:next(t.now) - t.now) .. " " .. tostring(hours:open(t.now)) end,
}
rule "hours-never" {
  match = [[(?i)^never\?]],
  reply = function(t) return never:say(t.now, t.lang) .. " " .. tostring(never:next(t.now)) end,
}

rule "fails" {
  match = [[(?i)^try\b]],
  reply = function(t) return escalation.failed(t, "trying") or "That did not work." end,
}
rule "works" {
  match = [[(?i)^succeed\b]],
  reply = function(t)
    escalation.succeeded(t)
    return "That worked."
  end,
}
rule "back" {
  match = "^back$",
  with_person = true,
  reply = function(t)
    t:release()
    return "Back."
  end,
}

dialog "contact" {
  match = { [[(?i)^contact\b]], "^联系" },
  run = function(t)
    local data = contact.collect(t, { "name", "phone", "email", "postcode" })
    if not data then return "Nothing was kept." end
    t:event("contact", data)
    return "Thank you, {name}.", data
  end,
}
dialog "phone" {
  match = [[(?i)^phone\b]],
  run = function(t)
    local data = contact.collect(t, { "phone" }, { confirm = false })
    return data and data.phone or "none"
  end,
}
