-- A gateway that others took for dead, or whose server came back empty, says what it holds. ARGV: the time that is told, or nothing; the
-- lease's number; what is kept of it; tokens and cost that were told; the counts; of each take the count,
-- unit and amount. Requests were counted when they came.
local now = clock(ARGV[1])
if redis.call('HEXISTS', LEASES, ARGV[2]) == 1 then return 0 end
local counts, at = counts_of(6, 8, now)
for take = at, #ARGV, 3 do
  local count, unit = counts[tonumber(ARGV[take])], ARGV[take + 1]
  local high, low = read(ARGV[take + 2])
  if unit ~= 'q' then
    local landed_high, landed_low = read(unit == 't' and ARGV[4] or ARGV[5])
    count.held_high, count.held_low = add(count.held_high, count.held_low, subtract(high, low, landed_high, landed_low))
    count.changed = true
  elseif count.kind == 'h' then
    count.high, count.low = add(count.high, count.low, high, low)
    count.changed = true
  end
end
redis.call('HSET', LEASES, ARGV[2], string.format('%.0f', now) .. ' ' .. ARGV[4] .. ' ' .. ARGV[5] .. ' ' .. ARGV[3])
save(counts)
return 1
