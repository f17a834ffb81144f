-- Who is it? A customer number and the code that the bank sends to the phone on file. Ten minutes later it is asked again.

local say = include "lib/say.lua"
local bank = include "lib/bank.lua"

local identity = {}

local VALID = 600 -- seconds

local texts = {
  number = { "To look that up I need to know who you are. What is your customer number? It has eight digits.",
             "为了查询，需要先确认您的身份。请问您的客户号是多少？是八位数字。" },
  number_again = { "A customer number has eight digits; it stands on every statement.", "客户号是八位数字，可以在对账单上找到。" },
  code = { "I have sent a code to the phone that we know of you. What is it?", "验证码已发送到您预留的手机，请输入验证码。" },
  code_again = { "The code has six digits.", "验证码是六位数字。" },
  code_wrong = { "That is not the code. Please look again.", "验证码不正确，请再核对一下。" },
  welcome = { "Thank you, {name}.", "谢谢，{name}。" },
  failed = { "I could not confirm who you are. A colleague will help you.", "未能确认您的身份，正在为您转接人工客服。" },
}

local function known(t)
  local customer = t.session.customer
  return customer and customer.till > t.now and customer or nil
end

local function ask_code(t, number)
  local text = say.text(t, texts.code)
  for _ = 1, 3 do
    local code = t:ask(text, { match = [[(?<!\d)\d{6}(?!\d)]], again = say.text(t, texts.code_again), timeout = "5m" })
    if not code then return nil end
    local found = bank.write(t, "/identity", { number = number, code = bank.digits(code) })
    if found then return found end
    text = say.text(t, texts.code_wrong)
  end
end

-- The customer { number, name }, or nil when it is not clear who it is; then a person has been called.
function identity.check(t)
  local customer = known(t)
  if customer then return customer end
  local number = t:ask(say.text(t, texts.number), { match = [[(?<!\d)\d{8}(?!\d)]], again = say.text(t, texts.number_again) })
  local found
  number = number and bank.digits(number)
  if number and bank.write(t, "/codes", { number = number }) then found = ask_code(t, number) end
  if not found then
    t:handoff "identity not confirmed"
    return nil, say.text(t, texts.failed)
  end
  customer = { number = number, name = found.name, till = t.now + VALID }
  t.session.customer = customer
  t:say(say.text(t, texts.welcome, found))
  return customer
end

return identity
