rule "hello" { match = [[(?i)\bhello\b]], reply = { "Hello! What can I do for you today?", "Hi.", "Welcome back." } }
rule "order" {
  match = [[^order (?<id>\d+)$]],
  reply = function(t)
    local r = t:get("https://shop.example/orders/" .. t.match.id)
    if not r.ok then return "That did not work: " .. r.error end
    return "Order {id} is {status}.", { id = t.match.id, status = r.json.status }
  end,
}
rule "buy" {
  match = "^buy$",
  reply = function(t)
    local r = t:post("https://shop.example/orders", { json = { item = "pan", count = 2, at = time() } })
    return "Answer {status}: {body}", { status = r.status, body = r.body }
  end,
}
rule "nap" { match = "^nap$", reply = function(t) local a = time() t:sleep(90 / 10) return "I slept " .. (time() - a) .. " s." end }
rule "time" { match = "^time$", reply = function() return date("%Y-%m-%d %H:%M:%S") end }
rule "fails" { match = "^fail$", reply = function() error("on purpose") end }
rule "tells" { match = "^tell$", reply = function(t) t:event("told", { a = 1, b = 2 }) return "line one\nline two" end }
rule "counts" {
  match = "^count$",
  reply = function(t)
    t.session.n = (t.session.n or 0) + 1
    return "{user}: {n}", { user = t.user or "nobody", n = t.session.n }
  end,
}
rule "meta" { match = "^meta$", reply = function(t) return t.metadata.place or "nowhere" end }
