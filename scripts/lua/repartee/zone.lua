-- Local time in a time zone, without the machine's own: rules of POSIX ("CET-1CEST,M3.5.0,M10.5.0/3") for the zones of
-- the table below, or any such rule written out. Past changes of a country's law are not known here.
--
--   local zone = require "repartee.zone"
--   local at = zone.time("Europe/Berlin", t.now)   -- { year, month, day, hour, min, sec, wday = 1 (Sunday) … 7, offset }

local zone = {}

local eu = ",M3.5.0,M10.5.0/3"
local us = ",M3.2.0,M11.1.0"

zone.rules = {
  ["UTC"] = "UTC0",
  ["Europe/London"] = "GMT0BST,M3.5.0/1,M10.5.0", ["Europe/Dublin"] = "GMT0BST,M3.5.0/1,M10.5.0",
  ["Europe/Lisbon"] = "WET0WEST,M3.5.0/1,M10.5.0/2",
  ["Europe/Berlin"] = "CET-1CEST" .. eu, ["Europe/Paris"] = "CET-1CEST" .. eu, ["Europe/Madrid"] = "CET-1CEST" .. eu,
  ["Europe/Rome"] = "CET-1CEST" .. eu, ["Europe/Vienna"] = "CET-1CEST" .. eu, ["Europe/Zurich"] = "CET-1CEST" .. eu,
  ["Europe/Amsterdam"] = "CET-1CEST" .. eu, ["Europe/Brussels"] = "CET-1CEST" .. eu,
  ["Europe/Stockholm"] = "CET-1CEST" .. eu, ["Europe/Oslo"] = "CET-1CEST" .. eu,
  ["Europe/Copenhagen"] = "CET-1CEST" .. eu, ["Europe/Warsaw"] = "CET-1CEST" .. eu,
  ["Europe/Prague"] = "CET-1CEST" .. eu, ["Europe/Budapest"] = "CET-1CEST" .. eu,
  ["Europe/Athens"] = "EET-2EEST,M3.5.0/3,M10.5.0/4", ["Europe/Helsinki"] = "EET-2EEST,M3.5.0/3,M10.5.0/4",
  ["Europe/Kyiv"] = "EET-2EEST,M3.5.0/3,M10.5.0/4", ["Europe/Istanbul"] = "TRT-3", ["Europe/Moscow"] = "MSK-3",
  ["America/New_York"] = "EST5EDT" .. us, ["America/Toronto"] = "EST5EDT" .. us, ["America/Chicago"] = "CST6CDT" .. us,
  ["America/Denver"] = "MST7MDT" .. us, ["America/Phoenix"] = "MST7", ["America/Los_Angeles"] = "PST8PDT" .. us,
  ["America/Vancouver"] = "PST8PDT" .. us, ["America/Sao_Paulo"] = "BRT3", ["America/Mexico_City"] = "CST6",
  ["Asia/Shanghai"] = "CST-8", ["Asia/Hong_Kong"] = "HKT-8", ["Asia/Taipei"] = "CST-8", ["Asia/Singapore"] = "SGT-8",
  ["Asia/Tokyo"] = "JST-9", ["Asia/Seoul"] = "KST-9", ["Asia/Kolkata"] = "IST-5:30", ["Asia/Dubai"] = "GST-4",
  ["Asia/Jakarta"] = "WIB-7", ["Asia/Bangkok"] = "ICT-7", ["Asia/Ho_Chi_Minh"] = "ICT-7", ["Asia/Manila"] = "PST-8",
  ["Australia/Sydney"] = "AEST-10AEDT,M10.1.0,M4.1.0/3", ["Australia/Melbourne"] = "AEST-10AEDT,M10.1.0,M4.1.0/3",
  ["Australia/Brisbane"] = "AEST-10", ["Australia/Perth"] = "AWST-8",
  ["Pacific/Auckland"] = "NZST-12NZDT,M9.5.0,M4.1.0/3", ["Africa/Johannesburg"] = "SAST-2", ["Africa/Lagos"] = "WAT-1",
}

-- Days since 1970-01-01 of a date of the Gregorian calendar, and back. Years begin in March, so that the leap day is last.
function zone.days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = year // 400
  local of_era = year - era * 400
  local of_year = (153 * (month - 3) + 2) // 5 + day - 1
  return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468
end

function zone.date(days)
  days = days + 719468
  local era = days // 146097
  local of_era = days - era * 146097
  local year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
  local of_year = of_era - (365 * year + year // 4 - year // 100)
  local month = (5 * of_year + 2) // 153
  local day = of_year - (153 * month + 2) // 5 + 1
  year = year + era * 400
  if month < 10 then return year, month + 3, day end
  return year + 1, month - 9, day
end

-- "5:30", "-8", "3" to seconds.
local function seconds(text)
  local sign, h, m, s = text:match "^([+-]?)(%d+):?(%d*):?(%d*)$"
  if not h then error("not a time: " .. text, 0) end
  local value = h * 3600 + (tonumber(m) or 0) * 60 + (tonumber(s) or 0)
  return math.tointeger(sign == "-" and -value or value)
end

-- "M3.5.0/3": the fifth (last) Sunday of March at three.
local function change(text)
  local month, week, wday, at = text:match "^M(%d+)%.(%d)%.(%d)/?(.*)$"
  if not month then error("not a day of change: " .. text, 0) end
  return { month = math.tointeger(tonumber(month)), week = math.tointeger(tonumber(week)),
           wday = math.tointeger(tonumber(wday)), at = seconds(at == "" and "2" or at) }
end

local function parse(rule)
  local offset, dst, rest = rule:match "^%a+([+-]?[%d:]+)(%a*)(.*)$"
  if not offset then error("not a time zone: " .. rule, 0) end
  local parsed = { standard = -seconds(offset) }
  if dst == "" then return parsed end
  local own, first, last = rest:match "^([+-]?[%d:]*),([^,]+),([^,]+)$"
  if not first then error("not a time zone: " .. rule, 0) end
  parsed.summer = own == "" and parsed.standard + 3600 or -seconds(own)
  parsed.first, parsed.last = change(first), change(last)
  return parsed
end

-- When a year's change comes, in seconds of UTC.
local function moment(year, rule, offset)
  local first = zone.days(year, rule.month, 1)
  local day = first + (rule.wday - (first + 4)) % 7 + 7 * (rule.week - 1)
  local _, month = zone.date(day)
  if month ~= rule.month then day = day - 7 end
  return day * 86400 + rule.at - offset
end

local function offset_at(parsed, now)
  if not parsed.summer then return parsed.standard end
  local year = zone.date((now + parsed.standard) // 86400)
  local first = moment(year, parsed.first, parsed.standard)
  local last = moment(year, parsed.last, parsed.summer)
  local summer
  if first < last then summer = now >= first and now < last else summer = now >= first or now < last end
  return summer and parsed.summer or parsed.standard
end

-- Seconds east of Greenwich.
function zone.offset(name, now)
  local rule = zone.rules[name] or name
  if not rule:match "^%a+[+-]?%d" then error("no time zone called '" .. tostring(name) .. "'", 2) end
  return offset_at(parse(rule), now)
end

function zone.time(name, now)
  local offset = zone.offset(name, now)
  local days, rest = (now + offset) // 86400, (now + offset) % 86400
  local year, month, day = zone.date(days)
  return { year = year, month = month, day = day, hour = rest // 3600, min = rest // 60 % 60, sec = rest % 60,
           wday = (days + 4) % 7 + 1, offset = offset }
end

return zone
