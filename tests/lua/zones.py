#!/usr/bin/env python3
"""zones.py PROGRAM ZONE.LUA: the offsets of every zone in the table, at moments spread over some years and around each change of the
clocks, must be those of the system's own time zone data."""
import datetime
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import zoneinfo

BOT = """bot { name = "zones" }
transports { stdin {} }
pipeline { rules { dir = "rules" } }
"""
RULES = """local zone = require "repartee.zone"
rule "offset" {
  match = [[^(?<zone>\\S+) (?<now>\\d+)$]],
  reply = function(t)
    local at = zone.time(t.match.zone, math.tointeger(tonumber(t.match.now)))
    return string.format("%d %04d-%02d-%02d %02d:%02d:%02d %d", at.offset, at.year, at.month, at.day, at.hour, at.min, at.sec, at.wday)
  end,
}
"""
FIRST, LAST = 1735689600, 1893456000  # 2025 to 2030


def changes(zone):
    """Moments just before and at each change of the offset."""
    def offset(now):
        return datetime.datetime.fromtimestamp(now, zone).utcoffset()
    day = 86400
    for start in range(FIRST, LAST, day):
        if offset(start) == offset(start + day):
            continue
        low, high = start, start + day
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset(middle) == offset(start) else (low, middle)
        yield from (low, high)


def expected(zone, now):
    at = datetime.datetime.fromtimestamp(now, zone)
    seconds = int(at.utcoffset().total_seconds())
    return f"{seconds} {at:%Y-%m-%d %H:%M:%S} {(at.weekday() + 1) % 7 + 1}"


def main():
    program, table = sys.argv[1:]
    names = re.findall(r'\["([A-Z]\w+/\w+)"\] =', pathlib.Path(table).read_text())
    assert len(names) > 30
    pick = random.Random(1)
    lines = ["pace 1s"]
    for name in names:
        zone = zoneinfo.ZoneInfo(name)
        for now in [*changes(zone), *(pick.randrange(FIRST, LAST) for _ in range(10))]:
            lines += [f"> {name} {now}", f"< {expected(zone, now)}"]
    with tempfile.TemporaryDirectory() as folder:
        bot = pathlib.Path(folder)
        (bot / "rules").mkdir()
        (bot / "bot.lua").write_text(BOT)
        (bot / "rules/zones.lua").write_text(RULES)
        (bot / "zones.chat").write_text("\n".join(lines) + "\n")
        return subprocess.run([program, "test", "-c", bot / "bot.lua", bot / "zones.chat"]).returncode


if __name__ == "__main__":
    sys.exit(main())
