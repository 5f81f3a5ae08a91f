-- A gateway that others took for dead, or whose server came back empty, says what it holds. ARGV: the time that is told, or nothing; the
-- lease's number; what is kept of it; the counts; of each take the count, unit and amount.
local now = clock(ARGV[1])
local kept = redis.call('HGET', LEASES, ARGV[2])
if kept and string.sub(kept, 1, 1) ~= 'b' then return 0 end
-- Of one that was buried so much is counted, of one that is not known nothing.
local landed_tokens, landed_cost = string.match(kept or '', '^b %d+ (%d+) (%d+)$')
local counts, at = counts_of(4, 8)
load(now, nil, true)
for take = at, #ARGV, 3 do
  local count, unit = counts[tonumber(ARGV[take])], ARGV[take + 1]
  local high, low = read(ARGV[take + 2])
  if count.broken then
    -- What can't be read keeps nothing else from being held.
  elseif unit == 'q' then
    use(count, 'q', now, high, low)
  else
    local left_high, left_low = subtract(high, low, read((unit == 't' and landed_tokens or landed_cost) or '0'))
    count.held_high, count.held_low = add(count.held_high, count.held_low, left_high, left_low)
    count.changed = true
  end
end
local begun = string.format('%.0f', now) .. ' ' .. (landed_tokens or '0') .. ' ' .. (landed_cost or '0') .. ' '
redis.call('HSET', LEASES, ARGV[2], begun .. ARGV[3])
save()
return 1
