-- Business hours: when somebody is there.
--
--   local hours = require("repartee.hours").new {
--     zone = "Europe/Berlin",
--     weekdays = "09:00-17:30",                       -- or mon = …, tue = …; several spans: "09:00-12:00, 13:00-18:00"
--     sat = "10:00-14:00",
--     closed = { "12-25", "12-26", "2026-04-03" },    -- every year, or once
--   }
--   hours:open(t.now)            true or false
--   hours:next(t.now)            when it opens next, in seconds since 1970 (now itself when it is open); nil: never
--   hours:say(t.now, t.lang)     "We are here until 17:30." / "We open again on Monday at 09:00."

local zone = require "repartee.zone"

local names = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" }
local known = { zone = true, weekdays = true, weekend = true, closed = true }
for _, name in ipairs(names) do known[name] = true end

local day_names = {
  en = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday" },
  zh = { "星期日", "星期一", "星期二", "星期三", "星期四", "星期五", "星期六" },
}
local texts = {
  en = { open = "We are here until %s.", today = "We open again today at %s.", later = "We open again on %s at %s.",
         never = "We are closed." },
  zh = { open = "我们在线到 %s。", today = "我们今天 %s 开始服务。", later = "我们%s %s 开始服务。", never = "我们暂停服务。" },
}

local function minutes(text)
  local h, m = text:match "^%s*(%d%d?):(%d%d)%s*$"
  h, m = tonumber(h), tonumber(m)
  if not h or h > 24 or m > 59 or h * 60 + m > 1440 then error("not a time of day: '" .. text .. "'", 0) end
  return math.tointeger(h * 60 + m)
end

local function spans(text)
  local list = {}
  for span in (text or ""):gmatch "[^,]+" do
    local from, to = span:match "^(.-)%-(.+)$"
    if not from then error("not a span of time: '" .. span .. "'", 0) end
    from, to = minutes(from), minutes(to)
    if to <= from then error("a span of time ends before it begins: '" .. span .. "'", 0) end
    list[#list + 1] = { from = from, to = to }
  end
  table.sort(list, function(a, b) return a.from < b.from end)
  return list
end

local function clock(of_day)
  return string.format("%02d:%02d", of_day // 60, of_day % 60)
end

local Hours = {}
Hours.__index = Hours

-- The spans of a local day, given as days since 1970.
function Hours:spans_of(days)
  local year, month, day = zone.date(days)
  local yearly, once = string.format("%02d-%02d", month, day), string.format("%04d-%02d-%02d", year, month, day)
  if self.closed[yearly] or self.closed[once] then return {} end
  return self.days[(days + 4) % 7 + 1]
end

function Hours:local_minute(now)
  local seconds = now + zone.offset(self.zone, now)
  return seconds // 86400, seconds % 86400 // 60
end

-- When the span ends in which `now` lies, as "17:30"; nil: closed.
function Hours:until_when(now)
  local days, minute = self:local_minute(now)
  for _, span in ipairs(self:spans_of(days)) do
    if minute >= span.from and minute < span.to then return clock(span.to) end
  end
end

function Hours:open(now)
  return self:until_when(now) ~= nil
end

-- The local day and minute of the next opening.
function Hours:next_local(now)
  local days, minute = self:local_minute(now)
  for ahead = 0, 400 do
    for _, span in ipairs(self:spans_of(days + ahead)) do
      if ahead > 0 or span.from > minute then return days + ahead, span.from end
    end
  end
end

function Hours:next(now)
  if self:open(now) then return now end
  local days, minute = self:next_local(now)
  if not days then return nil end
  local seconds = days * 86400 + minute * 60
  local guess = seconds - zone.offset(self.zone, now)
  return seconds - zone.offset(self.zone, guess) -- the clocks may change in between
end

function Hours:say(now, lang)
  local text, day_name = texts[lang] or texts.en, day_names[lang] or day_names.en
  local closes = self:until_when(now)
  if closes then return text.open:format(closes) end
  local days, minute = self:next_local(now)
  if not days then return text.never end
  if days == self:local_minute(now) then return text.today:format(clock(minute)) end
  return text.later:format(day_name[(days + 4) % 7 + 1], clock(minute))
end

local hours = {}

function hours.new(options)
  local made = { zone = options.zone or "UTC", days = {}, closed = {} }
  for name in pairs(options) do
    if not known[name] then error("hours: there is no option '" .. tostring(name) .. "'", 2) end
  end
  zone.offset(made.zone, 0) -- a zone that is not known is a mistake now, not at night
  for i, name in ipairs(names) do
    local group = (i == 1 or i == 7) and options.weekend or i ~= 1 and i ~= 7 and options.weekdays or nil
    made.days[i] = spans(options[name] or group)
  end
  for _, day in ipairs(options.closed or {}) do
    if not day:match "^%d%d%d%d%-%d%d%-%d%d$" and not day:match "^%d%d%-%d%d$" then
      error("hours: closed days are \"MM-DD\" or \"YYYY-MM-DD\", not '" .. day .. "'", 2)
    end
    made.closed[day] = true
  end
  return setmetatable(made, Hours)
end

return hours
