-- Orders: where they are, and what can still be changed. A bare number is taken for that of an order.

local say = include "lib/say.lua"
local orders = include "lib/orders.lua"

rule "order-status" {
  match = {
    [[(?i)\b(?:where|track|status|when)\b.*?#?(?<!\d)(?<id>\d{6})(?!\d)]],
    [[(?i)\border\s*(?:no\.?|number)?\s*#?(?<!\d)(?<id>\d{6})(?!\d)]],
    [[订单(?:号)?(?:是)?\D{0,6}(?<!\d)(?<id>\d{6})(?!\d)]],
    [[(?<!\d)(?<id>\d{6})(?!\d)\D{0,6}(?:到哪|物流|发货|状态)]],
  },
  reply = function(t) return orders.status(t, t.match.id) end,
}

rule "order-number-asked-for" {
  match = {
    [[(?i)\bwhere\b.*\b(?:order|parcel|package|delivery)\b]],
    [[(?i)\b(?:track|status of)\b.*\b(?:order|parcel|package)\b]],
    [[(?:订单|包裹|快递).*(?:哪|物流|状态)|查.*(?:订单|物流|快递)]],
  },
  reply = say.both("What is the number of your order? It has six digits.", "请问您的订单号是多少？是六位数字。"),
}

rule "order-number-alone" {
  match = [[(?i)^\s*(?:it(?:'s| is)\s+|是\s*)?#?(?<id>\d{6})\s*[.!。！]?\s*$]],
  reply = function(t) return orders.status(t, t.match.id) end,
}

rule "order-number-wrong" {
  match = [[(?i)^\s*#?\d+\s*[.!。！]?\s*$]],
  reply = say.both("An order number has six digits; please look again.", "订单号是六位数字，请再核对一下。"),
}

rule "order-cancel" {
  priority = 10,
  match = {
    [[(?i)\bcancel\b.*?(?<!\d)(?<id>\d{6})(?!\d)]],
    [[取消\D{0,6}(?<!\d)(?<id>\d{6})(?!\d)|(?<!\d)(?<other>\d{6})(?!\d)\D{0,6}取消]],
  },
  reply = function(t)
    local order, id = orders.find(t, t.match.id or t.match.other)
    if not order then return orders.unknown(t, id) end
    if order.state ~= "processing" then
      return say.either(
        t,
        "That order has left the warehouse and cannot be cancelled; you can send it back within 30 days.",
        "该订单已经出库，无法取消；收到后 30 天内可以退货。"
      )
    end
    return say.either(
      t,
      "Order " .. id .. " can still be cancelled. I have told the warehouse; you will get a mail within the hour.",
      "订单 " .. id .. " 可以取消，已通知仓库，一小时内会发邮件确认。"
    )
  end,
}

rule "order-cancel-which" {
  match = { [[(?i)\bcancel\b.*\b(?:order|purchase)\b]], [[取消.*订单|订单.*取消]] },
  reply = say.both("Which order? Say for example: cancel order 100201.", "请告诉我要取消哪个订单，例如：取消订单 100201。"),
}

rule "order-change-address" {
  match = {
    [[(?i)\b(?:change|correct|wrong)\b.*\baddress\b]],
    [[(?:修改|更改|改|写错).*地址|地址.*(?:错|改)]],
  },
  reply = say.both(
    "The address can be changed until the parcel leaves us: on the page “My orders”, under “Edit address”.",
    "发货之前可以修改地址：在“我的订单”页面点“修改地址”。"
  ),
}

rule "order-damaged" {
  priority = 5,
  match = {
    [[(?i)\b(?:damaged|broken|cracked|defective|missing|incomplete)\b]],
    [[(?i)\bwrong\s+(?:item|product|article|colou?r)\b]],
    [[(?:破损|坏了|碎了|损坏|少了|漏发|发错)]],
  },
  reply = say.both(
    "I am sorry about that. Please send a photo with the order number to help@acme.example; we replace it at our cost.",
    "非常抱歉。请把照片和订单号发到 help@acme.example，我们会免费补发或更换。"
  ),
}

rule "invoice" {
  match = { [[(?i)\b(?:invoice|receipt|vat)\b]], [[发票|收据]] },
  reply = say.both(
    "The invoice is in the mail that confirms your order, and on the page “My orders” as a PDF.",
    "发票在订单确认邮件里，也可以在“我的订单”页面下载 PDF。"
  ),
}
