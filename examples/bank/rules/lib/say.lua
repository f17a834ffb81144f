-- Texts in the language of the customer. A text is a pair: English, Chinese.

local say = {}

-- The one of the two that fits; {name} in it is filled in from `values`.
function say.text(t, pair, values)
  local text = t.lang == "zh" and pair[2] or pair[1]
  if not values then return text end
  return (text:gsub("{(%w+)}", function(name) return values[name] and tostring(values[name]) end))
end

-- The same as a rule's reply.
function say.both(english, chinese)
  return function(t) return say.text(t, { english, chinese }) end
end

return say
