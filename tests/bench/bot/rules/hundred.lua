-- A hundred rules of the kind that shops write: a few words with something between them. The message of the bench meets
-- the last one; the message for the model meets none.

local topics = {
  "opening hours", "delivery cost", "return policy", "gift card", "size chart", "store address", "loyalty points",
  "student discount", "invoice copy", "warranty claim",
}
local verbs = { "tell", "explain", "show", "send", "find", "check", "change", "cancel", "renew", "repeat" }

for _, topic in ipairs(topics) do
  local first, second = topic:match("(%w+) (%w+)")
  for _, verb in ipairs(verbs) do
    rule(verb .. "-" .. first) {
      match = [[(?i)\b]] .. verb .. [[\b.{0,40}\b]] .. first .. [[\s+]] .. second .. [[\b]],
      reply = "About " .. topic .. ": everything you need to know stands on the page of that name, and we are glad to help.",
    }
  end
end
