rule "sum-up" {
  match = "^sum up",
  reply = function(t)
    local text, problem = t:generate { prompt = "sum it up" }
    return text or "Not now: " .. problem.code
  end,
}
rule "hours" { match = "hours", reply = "From 9 to 18." }
