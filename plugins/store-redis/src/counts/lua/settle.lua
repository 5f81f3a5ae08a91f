-- Counts what requests have used by now in place of what they have reserved, or ends them. ARGV: the time that is told, or nothing; then
-- of each lease its number; how: 'land', 'end', 'undo' where nobody knows whether it was ever taken, or 'bury' where its gateway is
-- dead; '1' if it counts, of the dead the gateway; tokens; cost; the counts; how many takes, and of each the count, unit and amount.
-- KEYS[7] is the line in which one that is undone may wait, and for the dead the key of the living.
--
-- In a count that can't be read nothing is counted; all else of its leases is, and their slots are free.
--
-- Of one that was buried it is kept what was counted, so that the rest is if its gateway comes back: 'b', since when, tokens, cost.
local now = clock(ARGV[1])
local leases, names, at, key = {}, {}, 2, 8
while at <= #ARGV do
  local lease = { name = ARGV[at], how = ARGV[at + 1], flag = ARGV[at + 2], tokens = ARGV[at + 3], cost = ARGV[at + 4] }
  lease.counts, at, key = counts_of(at + 5, key)
  lease.first = at + 1
  at = at + 1 + 3 * tonumber(ARGV[at])
  lease.last = at - 1
  leases[#leases + 1], names[#names + 1] = lease, lease.name
end
if leases[1].how == 'bury' and redis.call('HGET', LINE, leases[1].flag) ~= '0' then return -1 end
local all_kept = redis.call('HMGET', LEASES, unpack(names))
anybody = load(now, ANYBODY, true) ~= false

local gone = {}

local function take_away(count, since, alone, high, low)
  count.changed = true
  if count.kind == 'r' then return take_back(count, since, alone, now, high, low) end
  count.high, count.low = subtract(count.high, count.low, high, low)
end

-- One amount was used of by now, where something else was told before.
local function progress(count, unit, since, before_high, before_low, after_high, after_low)
  count.changed = true
  if is_less(after_high, after_low, before_high, before_low) then
    take_away(count, since, false, subtract(before_high, before_low, after_high, after_low))
  else
    use(count, unit, now, subtract(after_high, after_low, before_high, before_low))
  end
end

local function settle(lease, kept)
  local how, nothing = lease.how, lease.flag ~= '1'
  if how == 'undo' then
    -- What comes later finds that it was given back.
    if not kept then redis.call('HSET', LEASES, lease.name, '-') end
    local place = string.match(redis.call('HGET', LEASES, 'place-' .. lease.name) or '', '^w(%d+)')
    if place then go(LINE, place) end
  end
  if not kept or kept == '-' then return end
  local buried = string.sub(kept, 1, 1) == 'b'
  if buried and how ~= 'end' then return end
  local since, landed_tokens, landed_cost, rest = string.match(kept, '^b? ?(%d+) (%d+) (%d+) ?()')
  since = tonumber(since)
  -- What stands there is none of ours.
  if not since then return end
  local ended, used_tokens, used_cost = how ~= 'land', lease.tokens, lease.cost
  -- What a dead gateway has told of was used.
  if how == 'bury' then used_tokens, used_cost = landed_tokens, landed_cost end

  for take = lease.first, lease.last, 3 do
    local count, unit = lease.counts[tonumber(ARGV[take])], ARGV[take + 1]
    local high, low = read(ARGV[take + 2])
    if count.broken then
      -- Nobody knows what stands there.
    elseif unit ~= 'q' then
      local before_high, before_low = read(unit == 't' and landed_tokens or landed_cost)
      local after_high, after_low = read(unit == 't' and used_tokens or used_cost)
      -- What is reserved of it: as much as is not used yet, and nothing of one that is buried.
      if not buried then
        count.held_high, count.held_low =
          subtract(count.held_high, count.held_low, subtract(high, low, before_high, before_low))
      end
      if not ended then
        count.held_high, count.held_low = add(count.held_high, count.held_low, subtract(high, low, after_high, after_low))
      end
      progress(count, unit, since, before_high, before_low, after_high, after_low)
    elseif buried then
      -- It is none of those at once any more, and its request was given back.
      if not nothing and count.kind ~= 'h' then use(count, 'q', now, high, low) end
    elseif ended and (nothing or count.kind == 'h') then
      take_away(count, since, true, high, low)
    end
  end

  if how == 'bury' then
    redis.call('HSET', LEASES, lease.name, 'b ' .. string.format('%.0f', since) .. ' ' .. landed_tokens .. ' ' .. landed_cost)
  elseif how == 'undo' then
    redis.call('HSET', LEASES, lease.name, '-')
  elseif ended then
    gone[#gone + 1] = lease.name
  else
    local begun = string.format('%.0f', since) .. ' ' .. used_tokens .. ' ' .. used_cost .. ' '
    redis.call('HSET', LEASES, lease.name, begun .. string.sub(kept, rest))
  end
  if ended then
    for _, count in ipairs(lease.counts) do
      if count.kind == 'h' then tell_first(count.whose) end
    end
  end
end

for index, lease in ipairs(leases) do settle(lease, all_kept[index]) end
if #gone > 0 then redis.call('HDEL', LEASES, unpack(gone)) end
save()
tell()
return 1
