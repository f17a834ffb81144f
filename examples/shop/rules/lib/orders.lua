-- The orders of the shop, out of data/orders.json, and what to say about one. A shop with an interface of its own would
-- ask that here, with t:get.

local say = include "lib/say.lua"
local book = json_file "data/orders.json"

local orders = {}

local status = {
  processing = {
    "Order {id} ({item}) is being packed and leaves us on {date}.",
    "订单 {id}（{item_zh}）正在打包，预计 {date} 发货。",
  },
  shipped = {
    "Order {id} ({item}) is on its way; the parcel number is {parcel}, and it should be with you on {date}.",
    "订单 {id}（{item_zh}）已发出，运单号 {parcel}，预计 {date} 送达。",
  },
  delivered = {
    "Order {id} ({item}) was delivered on {date}.",
    "订单 {id}（{item_zh}）已于 {date} 送达。",
  },
  cancelled = { "Order {id} ({item}) was cancelled on {date}.", "订单 {id}（{item_zh}）已于 {date} 取消。" },
  returned = {
    "Order {id} ({item}) came back to us on {date}; the refund of {total} euros is on its way.",
    "订单 {id}（{item_zh}）已于 {date} 退回，{total} 欧元的退款正在处理。",
  },
}

function orders.unknown(t, id)
  return say.either(
    t,
    "I can find no order " .. id .. ". The number has six digits and stands in our confirmation mail.",
    "没有找到订单 " .. id .. "。订单号是六位数字，可以在确认邮件里找到。"
  )
end

-- Captures are what the customer typed: １００２０３ may stand for 100203.
local function plain_digits(id)
  return (id:gsub("\xEF\xBC([\x90-\x99])", function(last) return string.char(last:byte() - 0x60) end))
end

-- The order and its number, and remembers it as the one that is talked about.
function orders.find(t, typed)
  local id = plain_digits(typed)
  local order = book[id]
  if order then t.session.order = id end
  return order, id
end

local function values(id, order)
  local all = { id = id }
  for key, value in pairs(order) do all[key] = value end
  return all
end

function orders.status(t, typed)
  local order, id = orders.find(t, typed)
  if not order then return orders.unknown(t, id) end
  local text = status[order.state]
  return say.either(t, text[1], text[2]), values(id, order)
end

-- Why an order cannot be refunded, or nil; then the order and its number.
function orders.refusal(t, typed)
  local order, id = orders.find(t, typed)
  if not order then return orders.unknown(t, id) end
  if order.state == "delivered" then return nil, order, id end
  if order.state == "cancelled" or order.state == "returned" then
    return say.either(t, "That order has been closed already: " .. order.state .. ".", "这个订单已经关闭，无需再次申请退款。")
  end
  return say.either(
    t,
    "That order has not arrived yet. It can be cancelled as long as it has not left us; say: cancel order " .. id .. ".",
    "这个订单还没有送达。发货之前可以取消，请说：取消订单 " .. id .. "。"
  )
end

return orders
