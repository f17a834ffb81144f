-- A satisfaction survey: a mark from one to five, and a word on what to do better when it is low.
--
--   require("repartee.survey") { match = { [[(?i)\bfeedback\b]], "评价" }, timeout = "1h" }
--
-- Declares the dialog "satisfaction". The result goes out as the event "satisfaction" { mark, comment, lang }.

local texts = {
  en = { mark = "How satisfied are you, from 1 (not at all) to 5 (very)?", again = "Please give a number from 1 to 5.",
         why = "I am sorry to hear that. What should we do better?", thanks = "Thank you for your feedback.",
         skip = "All right, another time." },
  zh = { mark = "请问您对我们的服务满意吗？请从 1（很不满意）到 5（非常满意）打分。", again = "请回复 1 到 5 之间的数字。",
         why = "很抱歉让您不满意。请问我们哪里可以改进？", thanks = "感谢您的评价。", skip = "好的，下次再说。" },
}

local words = { one = 1, two = 2, three = 3, four = 4, five = 5 }
local characters = { ["一"] = 1, ["二"] = 2, ["两"] = 2, ["三"] = 3, ["四"] = 4, ["五"] = 5 }

local function mark_of(answer)
  local mark = tonumber(answer:match "^%D*([1-5])%D*$")
  for word in answer:lower():gmatch "%a+" do mark = mark or words[word] end
  for text, value in pairs(characters) do
    if not mark and answer:find(text, 1, true) then mark = value end
  end
  return mark and math.tointeger(mark)
end

return function(options)
  options = options or {}
  dialog(options.name or "satisfaction") {
    match = options.match or { [[(?i)\b(?:feedback|rate (?:this|you|the chat))\b]], "评价|打分" },
    priority = options.priority,
    run = function(t)
      local text = texts[t.lang] or texts.en
      local mark = t:ask(text.mark, { again = text.again, tries = 2, timeout = options.timeout, check = mark_of })
      if not mark then return text.skip end
      local comment
      if mark <= (options.low or 2) then comment = t:ask(text.why, { timeout = options.timeout }) end
      t:event("satisfaction", { mark = mark, comment = comment, lang = t.lang })
      return text.thanks
    end,
  }
end
