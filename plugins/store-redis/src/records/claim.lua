-- A number for a process: its own, where it has one; else one that nobody had yet, or the one that was used longest ago.
-- KEYS: processes, marks. ARGV: how many there are, and its own or nothing.
local number = ARGV[2]
if number == '' then
  -- After a server that forgot all those that live say their numbers again, in any order: the first that is free, and not how many
  -- there are.
  for free = 0, tonumber(ARGV[1]) - 1 do
    if not redis.call('ZSCORE', KEYS[1], free) then
      number = free
      break
    end
  end
  if number == '' then number = redis.call('ZRANGE', KEYS[1], 0, 0)[1] end
end
redis.call('ZADD', KEYS[1], next_change(KEYS[2]), number)
return tonumber(number)
