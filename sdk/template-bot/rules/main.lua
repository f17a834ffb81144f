-- The rules of mybot. A rule answers when one of its patterns (PCRE2) is found in the message; when several could, the
-- higher priority wins, then the one that stands first.

rule "hello" {
  match = [[(?i)^\s*(?:hello|hi|hey|good (?:morning|evening))\b]],
  reply = "Hello! I am mybot. Ask me about our opening hours, or tell me your name.",
}

rule "opening-hours" {
  match = { [[(?i)\b(?:opening hours|business hours)\b]], [[(?i)\bwhen\b.*\b(?:open|close)\b]] },
  reply = "We are open from Monday to Friday, 9 am to 6 pm.",
}

-- A reply can be a function: `t.match` holds what the pattern captured, `t.session` lives as long as the conversation.
rule "my-name" {
  match = [[(?i)\bmy name is (?<name>\p{L}[\p{L}'-]{0,40})]],
  reply = function(t)
    t.session.name = t.match.name
    return "Nice to meet you, " .. t.match.name .. "!"
  end,
}

rule "who-am-i" {
  match = [[(?i)\bwho am i\b]],
  reply = function(t)
    if t.session.name then return "You are " .. t.session.name .. "." end
    return "You have not told me your name yet."
  end,
}

-- Whatever nobody else answered.
rule "fallback" {
  priority = -100,
  match = ".",
  reply = "I can tell you our opening hours. For everything else, write to us and a person will answer.",
}
