-- A number for a process: its own, where it has one; else one that nobody had yet, or the one that was used longest ago.
-- KEYS: processes, marks. ARGV: how many there are, and its own or nothing; and one by chance.
local number = ARGV[2]
if number == '' then
  -- A server that forgot all hears those that live say their numbers again, in any order and not at once: the next free one from
  -- somewhere, and neither the first nor how many there are, which would be a living one's.
  for ahead = 0, tonumber(ARGV[1]) - 1 do
    local free = (tonumber(ARGV[3]) + ahead) % tonumber(ARGV[1])
    if not redis.call('ZSCORE', KEYS[1], free) then
      number = free
      break
    end
  end
  if number == '' then number = redis.call('ZRANGE', KEYS[1], 0, 0)[1] end
end
redis.call('ZADD', KEYS[1], next_change(KEYS[2]), number)
return tonumber(number)
