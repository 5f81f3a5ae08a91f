-- Sums of a quarter-hour go over to those of its day, so many at most.
-- KEYS: marks, quarters, days, the quarter-hour's sums, the day's. ARGV: where the quarter-hour begins, where the day does,
-- the zone of the days, from when on there are sums of quarter-hours, how many at most. Says how many it were, or -1 where
-- days are another zone's.
local marks, quarters, days, quarter, day = unpack(KEYS, 1, 5)
if (redis.call('HGET', marks, 'zone') or 'UTC') ~= ARGV[3] then
  return -1
end
if tonumber(ARGV[4]) > tonumber(redis.call('HGET', marks, 'sums_from') or '-1e15') then
  redis.call('HSET', marks, 'sums_from', ARGV[4])
end
local most = tonumber(ARGV[5])
local rows = redis.call('HRANDFIELD', quarter, most + 1, 'WITHVALUES')
local moved = 0
for i = 1, #rows, 2 do
  if rows[i] ~= '' and moved < most then
    add_to(day, rows[i], unpacked(rows[i + 1]))
    redis.call('HDEL', quarter, rows[i])
    moved = moved + 1
  end
end
if moved > 0 then
  redis.call('ZADD', days, ARGV[2], ARGV[2])
end
redis.call('HINCRBY', marks, 'moves', 1)
local left = redis.call('HLEN', quarter)
if left == 0 or (left == 1 and redis.call('HEXISTS', quarter, '') == 1) then
  redis.call('DEL', quarter)
  redis.call('ZREM', quarters, ARGV[1])
else
  redis.call('HSET', quarter, '', next_change(marks))
end
return moved
