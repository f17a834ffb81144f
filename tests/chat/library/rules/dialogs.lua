local contact = require "repartee.contact"

dialog "call-me-back" {
  match = { [[(?i)\bcall me\b]], "给我回电" },
  cancel = "^stop$",
  cancelled = "Stopped.",
  run = function(t)
    local data = contact.collect(t, { "name", "phone", "email" })
    if not data then return "Nothing was kept." end
    t:event("callback", data)
    return "Thank you, {name}.", data
  end,
}

require("repartee.survey") { match = { [[(?i)\bfeedback\b]], "评价" }, timeout = "1h" }
