-- Calls to the bank's interface. Reading may fail and be tried again by the customer; writing is marked safe to repeat: the
-- bank knows the Idempotency-Key and does nothing twice.

local say = include "lib/say.lua"

local bank = {}

bank.down = { "Our systems do not answer right now. Please try again in a few minutes.",
              "系统暂时没有响应，请过几分钟再试。" }

-- The decoded answer, or nil.
function bank.read(t, path)
  local answer = t:get(t.config.api .. path, { timeout = 5 })
  if answer.ok then return answer.json end
  return nil, answer.status
end

function bank.write(t, path, body)
  local answer = t:post(t.config.api .. path, { json = body, idempotent = true, timeout = 10 })
  if answer.ok then return answer.json end
  return nil, answer.status
end

-- Answers come as the customer typed them: １０ may stand for 10.
function bank.digits(typed)
  return (typed:gsub("\xEF\xBC([\x90-\x99])", function(last) return string.char(last:byte() - 0x60) end))
end

function bank.sorry(t)
  return say.text(t, bank.down)
end

return bank
