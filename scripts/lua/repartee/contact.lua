-- Collects contact data in a dialog, in any order and from one sentence, and lets the user look it over.
--
--   local contact = require "repartee.contact"
--   dialog "call-me-back" {
--     match = { [[(?i)\bcall me\b]], "给我回电" },
--     run = function(t)
--       local data = contact.collect(t, { "name", "phone", "email" })
--       if not data then return "Nothing was kept." end
--       t:event("callback", data)
--       return "Thank you, {name}.", data
--     end,
--   }
--
-- Fields: name, phone, email, postcode. The result is a table with them, or nil when the user declined.

local contact = {}

contact.fields = {
  name = {
    ask = { en = "What is your name?", zh = "请问怎么称呼您？" },
    find = { [[(?i)\b(?:my name is|i am called|this is)\s+(?<value>\p{L}[\p{L}'’.-]*(?:\s+\p{Lu}[\p{L}'’.-]*){0,3})]],
             [[(?:我叫|我姓|我的名字是|姓名(?::|：)?)\s*(?<value>\p{Han}{1,6})]] },
    match = [[^\s*(?<value>\p{L}[\p{L}\p{M}'’. -]{0,60})\s*$]],
    again = { en = "Please tell me just your name.", zh = "请直接告诉我您的姓名。" },
  },
  phone = {
    ask = { en = "What is your telephone number?", zh = "请问您的电话号码是多少？" },
    find = { [[(?<![\w+])(?<value>(?:\+|00)?\d[\d ()/-]{5,18}\d)(?!\w)]] },
    match = [[(?<![\w+])(?<value>(?:\+|00)?\d[\d ()/-]{5,18}\d)(?!\w)]],
    again = { en = "A telephone number has seven digits or more, please with its area code.",
              zh = "电话号码至少七位，请带上区号。" },
  },
  email = {
    ask = { en = "What is your e-mail address?", zh = "请问您的电子邮箱是什么？" },
    find = { [[(?<value>[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)]] },
    match = [[(?<value>[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+)]],
    again = { en = "An e-mail address looks like name@example.org.", zh = "电子邮箱的格式如 name@example.org。" },
  },
  postcode = {
    ask = { en = "What is your postcode?", zh = "请问您的邮政编码是多少？" },
    find = { [[(?i)\b(?:postcode|post code|zip(?: code)?|邮编)\W{0,3}(?:is\s+)?(?<value>[0-9A-Z][0-9A-Z -]{2,9})\b]] },
    match = [[(?i)^\s*(?<value>[0-9A-Z][0-9A-Z -]{2,9})\s*$]],
    again = { en = "A postcode has three to ten letters and digits.", zh = "邮政编码由三到十位字母或数字组成。" },
  },
}

local look_over = { en = "Is this right? ", zh = "请确认：" }

local function slots(names, lang)
  local list = {}
  for i, name in ipairs(names) do
    local field = contact.fields[name]
    if not field then error("contact: there is no field '" .. tostring(name) .. "'", 3) end
    list[i] = { name = name, ask = field.ask[lang], again = field.again[lang], match = field.match, find = field.find }
  end
  return list
end

local function summary(names, lang)
  local parts = {}
  for i, name in ipairs(names) do parts[i] = "{" .. name .. "}" end
  return look_over[lang] .. table.concat(parts, ", ")
end

-- Asks for what is missing of `names` and has it confirmed (confirm = false: not).
function contact.collect(t, names, options)
  local lang = t.lang == "zh" and "zh" or "en"
  local form = slots(names, lang)
  if not options or options.confirm ~= false then form.confirm = summary(names, lang) end
  return t:form(form)
end

return contact
