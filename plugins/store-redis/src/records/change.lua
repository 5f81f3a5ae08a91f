-- The number of a change. After a server has lost all it had, none comes again that somebody may remember.
local function next_change(marks)
  local change = redis.call('HINCRBY', marks, 'changes', 1)
  if change == 1 then
    change = redis.call('HINCRBY', marks, 'changes', string.format('%.0f', redis.call('TIME')[1] * 1000))
  end
  return string.format('%.0f', change)
end
