-- What the bot must never take in, and never say.

-- A secret that was typed is not kept, not passed on, and not answered with anything but this.
guard "secret-typed" {
  on = "message",
  match = { [[(?i)\b(?:my )?(?:pin|password|passcode|cvv|cvc|tan)\b\s*(?:is|:|=|number)?\s*\S*\d]], [[密码(?:是|[:：])?\s*\S*\d]] },
  action = "reply",
  with = "Never tell anybody your PIN or password, not even us. Please change it now. / 请不要向任何人透露密码，包括我们。请立即修改密码。",
}

guard "manipulation" {
  on = "message",
  match = { [[(?i)\b(?:ignore|forget|disregard)\b.{0,30}\b(?:instructions?|rules?|prompts?)\b]], [[忽略.{0,10}(?:指令|规则|提示)]] },
  action = "flag",
}

-- A full card number in a reply, whoever wrote it: the reply ends before it.
guard "card-number-said" {
  on = "reply",
  match = [[(?<!\d)(?:\d[ -]?){12,18}\d(?!\d)]],
  action = "block",
  with = "[withheld]",
}

guard "no-promises" {
  on = "reply",
  match = { [[(?i)\bguarante\w*]], [[保证|担保]] },
  action = "replace",
  with = "…",
}

-- Advice on investments is for people with a licence: the model is asked once more, without.
guard "no-advice" {
  on = "reply",
  whole = true,
  match = { [[(?i)\b(?:you should|i recommend|i(?:'d| would) advise)\b.{0,60}\b(?:buy|sell|invest|shares?|stocks?|funds?|bitcoin)\b]],
            [[(?:建议|推荐)您?.{0,10}(?:买入|购买|卖出|投资)]] },
  action = "retry",
  note = "Do not give advice on investments. Say that a licensed adviser in a branch can.",
  with = "About investments our advisers in the branches will gladly talk to you. / 投资方面的问题请咨询网点的理财顾问。",
}
