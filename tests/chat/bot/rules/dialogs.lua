dialog "pizza" {
  match = "^pizza$",
  timeout = "10m",
  timed_out = "No pizza, then.",
  cancel = { "^stop$" },
  cancelled = "As you like.",
  run = function(t)
    local size = t:ask("Which size?", { choices = { "small", "large" }, again = "Small or large?" })
    if size == "large" then
      if not t:confirm("Large is 20 euros. Is that fine?") then
        return "Then no pizza."
      end
    end
    local r = t:post("https://shop.example/pizzas", { json = { size = size } })
    if not r.ok then
      return "The oven is broken."
    end
    return "Your " .. size .. " pizza is number " .. r.json.number .. "."
  end,
}

guard "no-shouting" { on = "message", match = "^[A-Z !]{10,}$", action = "reply", with = "Please do not shout." }
