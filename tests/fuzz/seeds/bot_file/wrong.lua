local t = {}
t.t = t
limits { turns = t, [1.5] = 2 }
include "bot.lua"
pipeline "a"
local s = ("x"):rep(9):find("[")
