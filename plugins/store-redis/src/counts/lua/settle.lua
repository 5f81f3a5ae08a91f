-- Counts what a request has used by now in place of what it has reserved, or ends it. ARGV: the time that is told, or nothing; the
-- lease's number; how: 'land', 'end', 'undo' where nobody knows whether it was ever taken, or 'bury' where its gateway is dead; '1'
-- if it counts, of the dead the gateway; tokens; cost; the counts; of each take the count, unit and amount. KEYS[7] is the line in
-- which one that is undone may wait, and for the dead the key of the living.
--
-- Of one that was buried it is kept what was counted, so that the rest is if its gateway comes back: 'b', since when, tokens, cost.
local now = clock(ARGV[1])
local lease, how = ARGV[2], ARGV[3]
local kept = redis.call('HGET', LEASES, lease)
if how == 'bury' and redis.call('HGET', LINE, ARGV[4]) ~= '0' then return -1 end
if how == 'undo' then
  -- What comes later finds that it was given back.
  if not kept then redis.call('HSET', LEASES, lease, '-') end
  local place = string.match(redis.call('HGET', LEASES, 'place-' .. lease) or '', '^w(%d+)')
  if place then
    anybody = redis.call('EXISTS', ANYBODY) == 1
    go(LINE, place)
    tell()
  end
end
if not kept or kept == '-' then return 0 end

local buried = string.sub(kept, 1, 1) == 'b'
if buried and how ~= 'end' then return 0 end
local since, landed_tokens, landed_cost, rest = string.match(kept, '^b? ?(%d+) (%d+) (%d+) ?(.*)$')
since = tonumber(since)
local ended = how ~= 'land'
local counts, at, wanted = counts_of(7, 8, now, ANYBODY)
anybody = wanted ~= false
local nothing = ARGV[4] ~= '1'
local used_tokens, used_cost = ARGV[5], ARGV[6]
-- What a dead gateway has told of was used.
if how == 'bury' then used_tokens, used_cost = landed_tokens, landed_cost end

local function take_away(count, since, alone, now, high, low)
  count.changed = true
  if count.kind == 'r' then return take_back(count, since, alone, now, high, low) end
  count.high, count.low = subtract(count.high, count.low, high, low)
end

for take = at, #ARGV, 3 do
  local count, unit = counts[tonumber(ARGV[take])], ARGV[take + 1]
  local high, low = read(ARGV[take + 2])
  if unit ~= 'q' then
    local before_high, before_low = read(unit == 't' and landed_tokens or landed_cost)
    local after_high, after_low = read(unit == 't' and used_tokens or used_cost)
    -- What is reserved of it: as much as is not used yet, and nothing of one that is buried.
    if not buried then
      count.held_high, count.held_low = subtract(count.held_high, count.held_low, subtract(high, low, before_high, before_low))
    end
    if not ended then
      count.held_high, count.held_low = add(count.held_high, count.held_low, subtract(high, low, after_high, after_low))
    end
    count.changed = true
    if is_less(after_high, after_low, before_high, before_low) then
      take_away(count, since, false, now, subtract(before_high, before_low, after_high, after_low))
    elseif count.kind == 'r' then
      land(count, unit, now, subtract(after_high, after_low, before_high, before_low))
    else
      count.high, count.low = add(count.high, count.low, subtract(after_high, after_low, before_high, before_low))
    end
  elseif buried then
    -- It is none of those at once any more, and its request was given back.
    if not nothing and count.kind ~= 'h' then count_again(count, now, high, low) end
  elseif ended and (nothing or count.kind == 'h') then
    take_away(count, since, true, now, high, low)
  end
end

if how == 'bury' then
  redis.call('HSET', LEASES, lease, 'b ' .. string.format('%.0f', since) .. ' ' .. landed_tokens .. ' ' .. landed_cost)
elseif ended then
  redis.call('HDEL', LEASES, lease)
  if how == 'undo' then redis.call('HSET', LEASES, lease, '-') end
else
  redis.call('HSET', LEASES, lease, string.format('%.0f', since) .. ' ' .. used_tokens .. ' ' .. used_cost .. ' ' .. rest)
end
if ended then
  for _, count in ipairs(counts) do
    if count.kind == 'h' then tell_first(count.whose) end
  end
end
save(counts)
tell()
return 1
