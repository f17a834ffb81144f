-- Replies in the language of the customer: that of the message, else of the conversation so far, else English.

local say = {}

function say.chinese(t)
  if t.lang == "zh" then
    t.session.language = "zh"
  elseif t.text:find("%a") then
    t.session.language = "en"
  end
  return t.session.language == "zh"
end

-- The one of the two that fits.
function say.either(t, english, chinese)
  if say.chinese(t) then return chinese end
  return english
end

-- The same as a reply of a rule.
function say.both(english, chinese)
  return function(t) return say.either(t, english, chinese) end
end

return say
