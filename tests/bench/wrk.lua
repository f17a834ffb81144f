-- The requests of scripts/bench: one fixed POST, its body in the file that BENCH_BODY names. "{n}" in it is replaced by
-- numbers from 1 to 256, so that as many users talk. Counts what is not a 200.
local file = assert(io.open(os.getenv("BENCH_BODY")))
local body = file:read("*a"):gsub("%s+$", "")
file:close()

local requests, at = {}, 0

function init()
  for n = 1, 256 do
    requests[n] = wrk.format("POST", wrk.path, { ["Content-Type"] = "application/json" }, (body:gsub("{n}", ("%03d"):format(n))))
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(('{"requests": %d, "failed": %d, "seconds": %.6f}\n'):format(summary.requests, failed, summary.duration / 1e6))
end
