-- Delivery: what it costs, how long it takes, where to.

local say = include "lib/say.lua"

rule "delivery-cost" {
  match = {
    [[(?i)\b(?:how much|cost|price|fee|charge|free)\b.*\b(?:deliver\w*|shipping|postage)\b]],
    [[(?i)\b(?:deliver\w*|shipping|postage)\b.*\b(?:cost|price|fee|charge|free)s?\b]],
    [[运费|邮费|包邮|快递费]],
  },
  reply = say.both(
    "Delivery costs 4.90 euros, and nothing for orders of 50 euros or more.",
    "运费 4.90 欧元，满 50 欧元包邮。"
  ),
}

rule "delivery-abroad" {
  priority = 5,
  match = {
    [[(?i)\b(?:ship|deliver|send)\w*\b.*\b(?:abroad|overseas|international\w*|outside (?:of )?the eu|usa|uk|china|switzerland)\b]],
    [[(?i)\binternational (?:shipping|delivery|orders?)\b]],
    [[(?:海外|国外|国际|国内).*(?:配送|发货|邮寄|寄)|寄到(?:中国|美国|英国|国外)]],
  },
  reply = say.both(
    "We deliver within the European Union and to Switzerland; other countries have to wait a little.",
    "目前配送范围是欧盟和瑞士，其他国家暂时还不能配送。"
  ),
}

rule "delivery-time" {
  match = {
    [[(?i)\bhow (?:long|fast|many days|soon)\b.*\b(?:deliver\w*|shipping|arrive|take)\b]],
    [[(?i)\bdelivery times?\b]],
    [[(?:多久|几天|什么时候).*(?:到|送达|收到|发货)]],
  },
  reply = say.both(
    "Two to three working days within the country, four to six elsewhere.",
    "国内两到三个工作日，其他地区四到六个工作日。"
  ),
}

rule "delivery-late" {
  priority = 5,
  match = {
    [[(?i)\b(?:late|delayed|overdue)\b]],
    [[(?i)\b(?:not|never|n't|nothing)\b.*\b(?:arrived?|received?|come|got|turned up)\b]],
    [[(?:还没|没有|一直没).*(?:收到|到货|送到)|(?:延误|太慢)]],
  },
  reply = say.both(
    "I am sorry that you have to wait. Tell me the order number and I will look where it is.",
    "抱歉让您久等了。请告诉我订单号，我来查一下。"
  ),
}

rule "delivery-pickup" {
  match = {
    [[(?i)\b(?:pick\s?up|pick it up|collect)\b]],
    [[自提|自取|到店取]],
  },
  reply = say.both(
    "Yes: choose “Collect in the shop” when you order; it is ready after two hours and costs nothing.",
    "可以：下单时选“到店自提”，两小时后即可取货，不收费。"
  ),
}
