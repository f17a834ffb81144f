-- When a person should take over: the user asks for one, is angry, or the bot has failed too often.
--
--   local escalation = require("repartee.escalation") { after = 3, hours = hours }
--   …
--   if not r.ok then return escalation.failed(t, "order lookup") or "I could not look that up. Please try again." end
--
-- Declares the rules "escalation-asked" and "escalation-angry" (switch one off with asked = false, angry = false).
-- With `hours` (repartee.hours), outside of them nobody is there to take over: the user is told when, and the session
-- is marked all the same, so that the person who comes finds it.

local words = {
  asked = { [[(?i)\b(?:speak|talk|chat)\b.{0,20}\b(?:to|with)\b.{0,15}\b(?:human|person|agent|someone|somebody|operator|representative|manager)\b]],
            [[(?i)^\W*(?:human|agent|operator|representative|real person|live agent)(?: please)?\W*$]],
            "转人工", "人工客服", "人工服务", [[找(?:个)?(?:真人|人工|客服|经理)]] },
  angry = { [[(?i)\b(?:ridiculous|unacceptable|useless|terrible|awful|worst|pathetic|scam|rip.?off)\b]],
            [[(?i)\b(?:i am|i'm|i’m|so|very|really) (?:angry|furious|frustrated|fed up|annoyed)\b]],
            [[太差了|气死|垃圾|骗子|投诉|什么破|差劲]] },
}

local texts = {
  asked = { en = "I am passing you on to a colleague.", zh = "正在为您转接人工客服。" },
  angry = { en = "I am sorry for the trouble. A colleague will take care of this.",
            zh = "非常抱歉给您带来不便，正在为您转接人工客服。" },
  failed = { en = "I do not seem to get this right. A colleague will help you.", zh = "很抱歉没能帮到您，正在为您转接人工客服。" },
}

local function say(t, reason, hours)
  local zh = t.lang == "zh"
  local text = zh and texts[reason].zh or texts[reason].en
  if hours and not hours:open(t.now) then return text .. (zh and "" or " ") .. hours:say(t.now, t.lang) end
  return text
end

return function(options)
  options = options or {}
  local after = options.after or 3

  for _, reason in ipairs { "asked", "angry" } do
    if options[reason] ~= false then
      rule("escalation-" .. reason) {
        match = words[reason],
        priority = options.priority or 50,
        reply = function(t)
          t:handoff(reason)
          return say(t, reason, options.hours)
        end,
      }
    end
  end

  return {
    -- One failure more: the text to answer with when it was one too many, else nil.
    failed = function(t, what)
      local count = (t.session.failures or 0) + 1
      t.session.failures = count
      if count < after then return nil end
      t.session.failures = nil
      t:handoff("failed: " .. (what or "no answer"))
      return say(t, "failed", options.hours)
    end,
    -- All is well again.
    succeeded = function(t) t.session.failures = nil end,
  }
end
