-- The shop itself: when, where, how to pay.

local say = include "lib/say.lua"

rule "opening-hours" {
  match = {
    [[(?i)\b(?:opening|business|shop|store) (?:hours|times)\b]],
    [[(?i)\b(?:when|what time|until when|are you|is the (?:shop|store))\b.*\b(?:open|close)d?\b]],
    [[营业时间|(?:几点|什么时候).*(?:开门|关门|营业)|(?:周末|今天|周日).*(?:开门|营业)]],
  },
  reply = say.both(
    "Monday to Friday from 9 to 18, Saturday from 10 to 16. On Sundays we are closed.",
    "周一至周五 9:00–18:00，周六 10:00–16:00，周日休息。"
  ),
}

rule "address" {
  match = {
    [[(?i)\bwhere\b.*\b(?:are you|is (?:the|your) (?:shop|store)|find you|located)\b]],
    [[(?i)\b(?:shop|store)(?:'s)? (?:address|location)\b]],
    [[(?:店|你们).*(?:在哪|地址)|门店地址]],
  },
  reply = say.both("12 Harbour Street, two minutes from the main station.", "海港街 12 号，离火车总站步行两分钟。"),
}

rule "contact" {
  match = {
    [[(?i)\b(?:contact|e-?mail address|phone number|telephone|call you|write to you)\b]],
    [[联系方式|怎么联系|客服电话|邮箱]],
  },
  reply = say.both(
    "By mail at help@acme.example, by phone at 030 5550100 while the shop is open.",
    "邮箱 help@acme.example，营业时间内可拨打 030 5550100。"
  ),
}

rule "payment" {
  match = {
    [[(?i)\bpay(?:ment)?\b.*\b(?:how|method|card|paypal|invoice|option|with|by)\w*\b]],
    [[(?i)\b(?:how|can i|do you)\b.*\b(?:pay|accept|take)\b]],
    [[付款|支付|信用卡|支付宝|微信支付]],
  },
  reply = say.both(
    "By card, bank transfer, PayPal or Alipay; in the shop also in cash.",
    "支持银行卡、转账、PayPal 和支付宝，店内也可以付现金。"
  ),
}

rule "discount" {
  match = {
    [[(?i)\b(?:discount|coupon|voucher|promo(?:tion)?(?: code)?|sale)\b]],
    [[优惠|折扣|打折|优惠券|促销]],
  },
  reply = say.both(
    "Newsletter readers get 10 % off their first order; the code goes into the field “Voucher” at the checkout.",
    "订阅邮件的新客首单九折，优惠码在结账页“优惠券”处填写。"
  ),
}

rule "gift-card" {
  priority = 5,
  match = { [[(?i)\bgift\s?(?:cards?|vouchers?|certificates?)\b]], [[礼品卡|礼品券]] },
  reply = say.both(
    "Gift cards of 20, 50 and 100 euros are in the shop and on our site; they are good for three years.",
    "礼品卡有 20、50、100 欧元三种，店内和网站都有售，有效期三年。"
  ),
}

rule "stock" {
  match = {
    [[(?i)\b(?:in|out of) stock\b]],
    [[(?i)\b(?:back in|do you have|have you got|available)\b]],
    [[有货|缺货|库存|补货]],
  },
  reply = say.both(
    "What is in stock can be put into the basket; for the rest, “Tell me when it is back” on the product's page writes to you.",
    "能加入购物车的都有货；缺货商品可以在商品页点“到货通知”。"
  ),
}

rule "privacy" {
  match = {
    [[(?i)\b(?:privacy|gdpr|personal data|delete my (?:account|data))\b]],
    [[隐私|个人信息|注销|删除.*(?:账号|账户|数据)]],
  },
  reply = say.both(
    "You can see, export and delete what we hold about you on the page “My account”. This chat masks card numbers and the like.",
    "在“我的账户”页面可以查看、导出和删除您的数据。本对话会自动遮盖卡号等敏感信息。"
  ),
}
