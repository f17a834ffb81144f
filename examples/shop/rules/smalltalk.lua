-- The rest of a conversation, and the honest answer when nothing else fits. Lowest priorities: a greeting with a
-- question in it is a question.

local say = include "lib/say.lua"

rule "hello" {
  priority = -10,
  match = {
    [[(?i)^\s*(?:hello|hi|hey|good (?:morning|afternoon|evening|day))\b]],
    [[^\s*(?:你好|您好|早上好|下午好|晚上好|嗨|在吗)]],
  },
  reply = say.both(
    "Hello! I can tell you about orders, delivery, returns and the shop. What can I do for you?",
    "您好！我可以回答订单、配送、退货和门店的问题。请问有什么可以帮您？"
  ),
}

rule "how-are-you" {
  priority = -5,
  match = { [[(?i)\bhow (?:are you|do you do|is it going)\b]], [[你好吗|最近怎么样]] },
  reply = say.both("Fine, thank you: nobody has broken a plate today. And you?", "很好，谢谢！今天还没有人打碎盘子。您呢？"),
}

rule "who-are-you" {
  priority = -5,
  match = {
    [[(?i)\b(?:who|what) are you\b|\bare you (?:a )?(?:bot|robot|human|machine|real)\b|\byour name\b]],
    [[你是谁|你叫什么|你是(?:机器人|人工智能)]],
  },
  reply = say.both(
    "I am the shop's assistant, a program. If you would rather talk to a person, say so.",
    "我是商店的智能助手，是一个程序。如需人工服务，请直接告诉我。"
  ),
}

rule "what-can-you-do" {
  priority = -5,
  match = { [[(?i)^\s*help[.!?]?\s*$|\bwhat can you (?:do|help)\b|\bhow can you help\b]], [[你能做什么|你会什么|^\s*帮助\s*$]] },
  reply = say.both(
    "Orders and parcels, delivery, returns and refunds, opening hours, payment, and small talk of a modest kind.",
    "订单和物流、配送、退货退款、营业时间、付款方式，还能简单聊聊天。"
  ),
}

rule "thanks" {
  priority = -10,
  match = { [[(?i)\b(?:thanks|thank you|thx|cheers)\b]], [[谢谢|多谢|感谢]] },
  reply = say.both("You are welcome!", "不客气！"),
}

rule "goodbye" {
  priority = -10,
  match = { [[(?i)\b(?:bye|goodbye|see you|good night)\b]], [[再见|拜拜|晚安]] },
  reply = say.both("Goodbye, and come again!", "再见，欢迎下次光临！"),
}

-- With a model behind the rules, it answers the rest; without one, say what there is.
if config.has_model then
  generate "assistant" {
    system = "You are the assistant of Acme, a small shop for kitchen goods. Answer in the language of the customer, in two "
      .. "sentences at most. You know nothing about single orders; for those ask for the six-digit order number. Promise "
      .. "nothing that the shop has not said.",
    temperature = 0.2,
    max_tokens = 300,
  }
else
  rule "fallback" {
    priority = -100,
    match = [[.]],
    reply = say.both(
      "That I cannot answer. I know about orders, delivery, returns, payment and opening hours; or ask for a person.",
      "这个问题我还不会回答。我可以回答订单、配送、退货、付款和营业时间的问题，也可以为您转接人工。"
    ),
  }
end
