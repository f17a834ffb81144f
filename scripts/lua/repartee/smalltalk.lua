-- Polite small talk in English and Chinese: greetings, thanks, goodbyes and the questions that everybody asks a bot.
--
--   require("repartee.smalltalk") { name = "Acme" }
--   require("repartee.smalltalk") { name = "Acme", without = { "joke" }, replies = { thanks = { en = "Any time!" } } }
--
-- Declares rules named "smalltalk-hello" and so on, with a low priority: any rule of the bot comes first. They match
-- only messages that are nothing but small talk.

local talk = {
  hello = {
    match = { [[(?i)^\W*(?:hi|hello|hey|good (?:morning|afternoon|evening|day)|greetings)(?: there| all| everyone)?\W*$]],
              [[^\W*(?:你好|您好|早上好|上午好|下午好|晚上好|早安|嗨|哈喽|在吗|在么)[呀啊吗]?\W*$]] },
    en = "Hello, this is {name}. What can I do for you?", zh = "您好，这里是{name}。请问有什么可以帮您？",
  },
  how = {
    match = { [[(?i)^\W*(?:hi |hello |hey )?how(?: are|'re|’re) you(?: doing)?(?: today)?\W*$]], [[(?i)^\W*(?:how's|how is) it going\W*$]],
              [[^\W*(?:你|您)(?:还)?好(?:吗|么)\W*$]], [[^\W*最近(?:怎么样|如何|好吗)\W*$]] },
    en = "Thank you, I am well. What can I do for you?", zh = "谢谢关心，我很好。请问有什么可以帮您？",
  },
  who = {
    match = { [[(?i)^\W*(?:who|what) are you\W*$]], [[(?i)^\W*are you (?:a |an )?(?:bot|robot|human|person|machine|real)\W*$]],
              [[(?i)^\W*am i (?:talking|speaking|chatting) (?:to|with) (?:a |an )?(?:bot|robot|human|person|machine)\W*$]],
              [[^\W*(?:你|您)是(?:谁|什么|机器人|真人|人工|人)(?:吗|么)?\W*$]] },
    en = "I am the automatic assistant of {name}.", zh = "我是{name}的自动客服助手。",
  },
  thanks = {
    match = { [[(?i)^\W*(?:(?:ok|okay|great|perfect|alright)\W+)?(?:thanks|thank you|thx|cheers)(?: a lot| so much| very much| again)?\W*$]],
              [[^\W*(?:好的?\W*)?(?:非常)?(?:谢谢|多谢|感谢|谢了)(?:你|您|啦|了)?\W*$]] },
    en = "You are welcome.", zh = "不客气。",
  },
  sorry = {
    match = { [[(?i)^\W*(?:i'm |i am )?(?:sorry|my apologies|my bad)\W*$]], [[^\W*(?:对不起|不好意思|抱歉)[啊呀]?\W*$]] },
    en = "No harm done.", zh = "没关系。",
  },
  bye = {
    match = { [[(?i)^\W*(?:bye|goodbye|good bye|bye bye|see you|good night|have a (?:nice|good) (?:day|one))(?: then| later| soon)?\W*$]],
              [[^\W*(?:再见|拜拜|晚安|回见|先这样)[啦吧了]?\W*$]] },
    en = "Goodbye, and thank you for writing.", zh = "再见，感谢您的咨询。",
  },
  praise = {
    match = { [[(?i)^\W*(?:good|great|nice|excellent|well done|awesome|perfect)(?: job| work| bot)?\W*$]],
              [[^\W*(?:真棒|很好|不错|太好了|厉害|赞)[啊呀]?\W*$]] },
    en = "I am glad to hear that.", zh = "很高兴能帮到您。",
  },
  joke = {
    match = { [[(?i)^\W*(?:please )?tell me a joke\W*$]], [[^\W*(?:请)?(?:给我)?讲个?笑话\W*$]] },
    en = "I leave the jokes to people; they tell them better. What can I do for you?",
    zh = "讲笑话还是人更在行。请问有什么可以帮您？",
  },
}

local order = { "hello", "how", "who", "thanks", "sorry", "bye", "praise", "joke" }

local function check(options)
  if type(options.name) ~= "string" then error("smalltalk: 'name' is missing, as in { name = \"Acme\" }", 3) end
  for _, list in ipairs { options.without or {}, options.only or {} } do
    for _, topic in ipairs(list) do
      if not talk[topic] then error("smalltalk: there is no topic '" .. tostring(topic) .. "'", 3) end
    end
  end
  for topic in pairs(options.replies or {}) do
    if not talk[topic] then error("smalltalk: there is no topic '" .. tostring(topic) .. "'", 3) end
  end
end

local function contains(list, value)
  for _, item in ipairs(list) do
    if item == value then return true end
  end
  return false
end

return function(options)
  check(options)
  for _, topic in ipairs(order) do
    local wanted = not options.only or contains(options.only, topic)
    if wanted and not contains(options.without or {}, topic) then
      local own = options.replies and options.replies[topic] or {}
      local en, zh = own.en or talk[topic].en, own.zh or talk[topic].zh
      rule("smalltalk-" .. topic) {
        match = talk[topic].match,
        priority = options.priority or -100,
        reply = function(t) return t.lang == "zh" and zh or en, { name = options.name } end,
      }
    end
  end
end
