-- A number for a process: one that nobody had yet, else the one that was used longest ago. KEYS: processes, marks. ARGV: how
-- many there are.
local number = redis.call('ZCARD', KEYS[1])
if number >= tonumber(ARGV[1]) then
  number = redis.call('ZRANGE', KEYS[1], 0, 0)[1]
end
redis.call('ZADD', KEYS[1], next_change(KEYS[2]), number)
return tonumber(number)
