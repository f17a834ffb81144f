-- When a person is wanted, or needed.

local say = include "lib/say.lua"

rule "person" {
  with_person = true, -- also for those who have been passed on already
  priority = 30,
  match = {
    [[(?i)\b(?:speak|talk|chat|connect|transfer)\b.*\b(?:person|human|someone|somebody|agent|colleague|employee|manager)\b]],
    [[(?i)\b(?:real|living) (?:person|human)\b]],
    [[(?i)^\s*(?:human|agent|operator)[.!]?\s*$]],
    [[人工|真人|转接|找.*客服]],
  },
  reply = function(t)
    t:handoff "the customer asked for a person"
    return say.either(
      t,
      "I pass you on to a colleague. While the shop is open somebody answers here within five minutes, otherwise by mail.",
      "正在为您转接人工客服。营业时间内五分钟内回复，其余时间通过邮件回复。"
    )
  end,
}

rule "complaint" {
  with_person = true,
  priority = 25,
  match = {
    [[(?i)\b(?:complain(?:t|ts|ing)?|terrible|unacceptable|awful|angry|scam|lawyer)\b]],
    [[投诉|太差|骗子|差评|举报]],
  },
  reply = function(t)
    t:handoff "the customer complains"
    return say.either(
      t,
      "I am sorry that it went like this. A colleague reads your message today and writes to you; do say what happened.",
      "非常抱歉给您带来不好的体验。同事今天就会阅读并回复您，请告诉我们发生了什么。"
    )
  end,
}
