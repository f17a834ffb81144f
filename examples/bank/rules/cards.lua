-- Cards: blocking one is urgent, so it interrupts whatever is going on; a charge that the customer does not know is taken
-- down in a form that can be filled in one sentence.

local say = include "lib/say.lua"
local bank = include "lib/bank.lua"
local identity = include "lib/identity.lua"

local texts = {
  which = { "I block it at once. What are the last four digits of the card?", "马上为您挂失。请问卡号后四位是多少？" },
  which_again = { "Just the last four digits, please.", "只需要卡号的后四位数字。" },
  sure = { "Block the card ending in {card}? It cannot be used again afterwards.", "确认挂失尾号 {card} 的卡吗？挂失后无法恢复使用。" },
  kept = { "The card stays as it is.", "好的，没有挂失。" },
  unknown = { "You have no card ending in {card}.", "您名下没有尾号 {card} 的卡。" },
  blocked = { "Done: the card ending in {card} is blocked. Your reference is {reference}.", "已挂失尾号 {card} 的卡，受理编号 {reference}。" },
  unsure = { "I cannot tell whether that went through. A colleague looks at it right now.", "暂时无法确认是否成功，已转人工立即处理。" },
  noted = { "Thank you. We look into {amount} at {shop} and write to you within two days.", "谢谢。我们会核查在{shop}的 {amount} 交易，两天内答复您。" },
  dropped = { "Nothing was passed on.", "好的，没有提交。" },
}

dialog "block-card" {
  match = {
    [[(?i)\b(?:block|freeze|cancel|stop)\b.{0,30}\bcards?\b(?:.{0,20}?(?<!\d)(?<card>\d{4})(?!\d))?]],
    [[(?i)\b(?:lost|stolen|stole|missing)\b.{0,30}\bcards?\b|\bcards?\b.{0,30}\b(?:lost|stolen|gone|missing)\b]],
    [[挂失|(?:卡|银行卡|信用卡).{0,6}(?:丢|被偷|不见|找不到)|(?:丢|被偷).{0,6}卡|冻结.{0,6}卡]],
  },
  priority = 100,
  interrupt = true,
  run = function(t)
    local customer, why = identity.check(t)
    if not customer then return why end
    local card = t.match.card or t:ask(say.text(t, texts.which), { match = [[(?<!\d)\d{4}(?!\d)]], again = say.text(t, texts.which_again) })
    card = card and bank.digits(card)
    if not card or not t:confirm(say.text(t, texts.sure, { card = card })) then return say.text(t, texts.kept) end
    local done, status = bank.write(t, "/cards/block", { number = customer.number, card = card })
    if done then return say.text(t, texts.blocked, { card = card, reference = done.reference }) end
    if status == 404 then return say.text(t, texts.unknown, { card = card }) end
    t:handoff "blocking a card failed"
    return say.text(t, texts.unsure)
  end,
}

dialog "unknown-charge" {
  match = {
    [[(?i)\b(?:don'?t|do not|never)\b.{0,40}\b(?:charge|transaction|payment|purchase)\b]],
    [[(?i)\b(?:unknown|unauthori[sz]ed|fraudulent|strange|wrong)\b.{0,20}\b(?:charge|transaction|payment)s?\b]],
    [[(?:不认识|陌生|可疑|不是我).{0,10}(?:消费|交易|扣款)|盗刷]],
  },
  run = function(t)
    local charge = t:form {
      { name = "amount", ask = say.text(t, { "How much was it?", "金额是多少？" }),
        find = { [[(?i)(?<value>\d+(?:[.,]\d{2})?\s*(?:euros?|eur|€|dollars?|usd|\$|元|块))]] },
        match = [[(?i)\d+(?:[.,]\d{2})?(?:\s*(?:euros?|eur|€|dollars?|usd|\$|元|块))?]] },
      { name = "shop", ask = say.text(t, { "Who took it, as it stands on the statement?", "对账单上显示的商户是？" }),
        find = { [[\b(?:at|by)\s+(?<value>\p{Lu}[\w&'-]*(?:\s\p{Lu}[\w&'-]*){0,3})]], [[在(?<value>\p{Han}{2,10}?)(?:的|消费|扣)]] },
        match = [[^.{2,60}$]] },
      { name = "day", ask = say.text(t, { "On which day?", "是哪一天？" }),
        find = { [[(?i)\b(?<value>yesterday|today|(?:mon|tues|wednes|thurs|fri|satur|sun)day|\d{1,2}[./]\d{1,2}\.?)]],
                 [[(?<value>昨天|今天|前天|周[一二三四五六日]|\d{1,2}月\d{1,2}[日号])]] },
        match = [[^.{2,40}$]] },
      confirm = say.text(t, { "{amount} at {shop}, {day}. Is that right?", "{day}在{shop}的 {amount}，对吗？" }),
    }
    if not charge then return say.text(t, texts.dropped) end
    local customer, why = identity.check(t)
    if not customer then return why end
    t:event("unknown-charge", { customer = customer.number, charge = charge })
    return say.text(t, texts.noted, charge)
  end,
}
