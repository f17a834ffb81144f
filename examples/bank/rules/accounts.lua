-- What is on an account. Nothing is told before it is clear who asks.

local say = include "lib/say.lua"
local bank = include "lib/bank.lua"
local identity = include "lib/identity.lua"

local texts = {
  which = { "Which account: {list}?", "请问查询哪个账户：{list}？" },
  which_again = { "Please name one of them: {list}.", "请选择其中一个：{list}。" },
  balance = { "There are {balance} {currency} on your {name} account.", "您的{name}账户余额为 {balance} {currency}。" },
  gave_up = { "Then let us leave it at that.", "好的，那先这样。" },
}

local function names_of(accounts, lang)
  local names = {}
  for i, account in ipairs(accounts) do names[i] = lang == "zh" and account.name_zh or account.name end
  return names
end

-- One of the customer's accounts, asked for where there are several.
local function choose(t, accounts)
  local names = names_of(accounts, t.lang)
  if #accounts == 1 then return accounts[1], names[1] end
  local list = table.concat(names, ", ")
  local name = t:ask(say.text(t, texts.which, { list = list }),
    { choices = names, again = say.text(t, texts.which_again, { list = list }) })
  for i, account in ipairs(accounts) do
    if names[i] == name then return account, name end
  end
end

dialog "balance" {
  match = {
    [[(?i)\b(?:balance|how much (?:money )?(?:do i have|is (?:left|there|on|in)))\b]],
    [[余额|还有多少钱|账户里有多少]],
  },
  timeout = "10m",
  run = function(t)
    local customer, why = identity.check(t)
    if not customer then return why end
    local found = bank.read(t, "/customers/" .. customer.number .. "/accounts")
    if not found then return bank.sorry(t) end
    local account, name = choose(t, found.accounts)
    if not account then return say.text(t, texts.gave_up) end
    return say.text(t, texts.balance, { balance = account.balance, currency = account.currency, name = name })
  end,
}
