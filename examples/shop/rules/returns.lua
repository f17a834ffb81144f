-- Returns, exchanges and refunds. A refund is a dialog: which order, really?, and the yes.

local say = include "lib/say.lua"
local orders = include "lib/orders.lua"

rule "refund-time" {
  priority = 20,
  match = {
    [[(?i)\b(?:when|how long|how soon)\b.*\b(?:refund\w*|money back)\b]],
    [[退款.*(?:多久|几天|什么时候|到账)|(?:多久|几天|什么时候).*退款]],
  },
  reply = say.both(
    "Within five working days after the parcel has reached us, the way you paid.",
    "我们收到退货后五个工作日内，原路退回。"
  ),
}

dialog "refund" {
  priority = 10,
  match = { -- with the number of the order, or without
    [[(?i)\b(?:refund|money back)\b.*?(?<!\d)(?<id>\d{6})(?!\d)]],
    [[(?i)(?<!\d)(?<id>\d{6})(?!\d).*\brefund\b]],
    [[(?:退款|退钱)\D*(?<!\d)(?<id>\d{6})(?!\d)]],
    [[(?<!\d)(?<id>\d{6})(?!\d)\D*(?:退款|退钱)]],
    [[(?i)\b(?:refund|money back)\b]],
    [[退款|退钱]],
  },
  timeout = "1h",
  cancelled = "Nothing was changed. / 没有做任何更改。",
  run = function(t)
    local typed = t.match.id or t:ask(
      say.either(t, "Which order shall be refunded? Its number has six digits.", "请问要退款的订单号是多少？是六位数字。"),
      { match = [[(?<!\d)\d{6}(?!\d)]],
        again = say.either(t, "An order number has six digits; please look again.", "订单号是六位数字，请再核对一下。") }
    )
    if not typed then return say.either(t, "Nothing was changed.", "好的，没有做任何更改。") end
    local refusal, order, id = orders.refusal(t, typed)
    if refusal then return refusal end
    local really = t:confirm(say.either(
      t,
      "Refund " .. order.total .. " euros for order " .. id .. " (" .. order.item .. ")? Please say yes or no.",
      "确认为订单 " .. id .. "（" .. order.item_zh .. "）退款 " .. order.total .. " 欧元吗？请回答是或否。"
    ))
    if not really then return say.either(t, "Nothing was changed.", "好的，没有做任何更改。") end
    t:event("refund", { order = id, total = order.total })
    return say.either(
      t,
      "Done: the refund for order " .. id .. " is on its way. You will get a mail with the label for the parcel.",
      "已提交：订单 " .. id .. " 的退款正在处理，退货标签会发到您的邮箱。"
    )
  end,
}

rule "exchange" {
  match = {
    [[(?i)\b(?:exchange|swap|different (?:size|colou?r)|another (?:size|colou?r))\b]],
    [[换货|换一个|换.*(?:尺寸|颜色|大小)]],
  },
  reply = say.both(
    "Send it back with the label from “My orders” and write the size or colour you want on the form; the exchange is free.",
    "用“我的订单”里的标签寄回，并在表格上写明想换的尺寸或颜色，换货免费。"
  ),
}

rule "return-how" {
  priority = 5,
  match = {
    [[(?i)\bhow\b.*\b(?:return|send (?:\w+ ){0,3}back)\b]],
    [[(?i)\breturn label\b]],
    [[(?:怎么|如何|怎样).*退货|退货.*(?:流程|标签|步骤)]],
  },
  reply = say.both(
    "Print the label on the page “My orders”, put it on the parcel, and leave it at any post office.",
    "在“我的订单”页面打印退货标签，贴在包裹上，交到任意邮局即可。"
  ),
}

rule "return-policy" {
  match = {
    [[(?i)\breturns?\b]],
    [[(?i)\bsend (?:\w+ ){0,3}back\b]],
    [[退货|无理由]],
  },
  reply = say.both(
    "You can return anything unused within 30 days after it arrived; sending it back costs you nothing.",
    "商品未使用的情况下，收到后 30 天内可以退货，运费由我们承担。"
  ),
}

rule "warranty" {
  match = { [[(?i)\b(?:warranty|guarantee|repair)\b]], [[保修|质保|维修]] },
  reply = say.both(
    "Everything has a warranty of two years, cast iron of ten. Write to help@acme.example with a photo.",
    "所有商品保修两年，铸铁锅保修十年。请把照片发到 help@acme.example。"
  ),
}
