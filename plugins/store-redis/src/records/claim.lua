-- A number for a process: its own, where it has one; else one that nobody had yet, or the one that was used longest ago.
-- KEYS: processes, marks. ARGV: how many there are, and its own or nothing.
local number = ARGV[2]
if number == '' then
  number = redis.call('ZCARD', KEYS[1])
  if number >= tonumber(ARGV[1]) then
    number = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
  end
end
redis.call('ZADD', KEYS[1], next_change(KEYS[2]), number)
return tonumber(number)
