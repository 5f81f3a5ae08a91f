-- Counts what a gateway has used while the server was out of reach. KEYS: what is known of this by now, and the counts. ARGV: the time
-- that is told, or nothing; for how long it is known, in milliseconds; the counts; of each its unit, how many moments, and of each how
-- long ago it was, in microseconds, and how much.
local now = clock(ARGV[1])
local counts, at = counts_of(3, 2)
load(now, nil, true)

local function sum_up(count, first, number)
  count.changed = true
  for index = first, first + 2 * number - 2, 2 do
    count.high, count.low = add(count.high, count.low, read(ARGV[index + 1]))
  end
end

-- Each at its moment among all others; rounded where those are, or would be too many.
local function merge(count, unit, first, number)
  local sums, order = {}, {}
  local function put(moment, high, low)
    local sum = sums[moment]
    if not sum then
      sum = { 0, 0 }
      sums[moment], order[#order + 1] = sum, moment
    end
    sum[1], sum[2] = add(sum[1], sum[2], high, low)
  end
  for _, one in ipairs(moments(count)) do put(at_of(one), amount_of(one)) end
  for index = first, first + 2 * number - 2, 2 do
    local moment = end_of_slice(count, math.max(now - tonumber(ARGV[index]), 0))
    if moment + count.length > now then
      local high, low = read(ARGV[index + 1])
      count.high, count.low = add(count.high, count.low, high, low)
      put(moment, high, low)
    end
  end
  if #order == 0 then return end
  if count.grain == 1 and (unit ~= 'q' or #order > EXACT_MAX) then
    count.grain = math.floor(count.length / SLICES) + 1
    local before, exact = order, sums
    sums, order = {}, {}
    for _, moment in ipairs(before) do put(end_of_slice(count, moment), unpack(exact[moment])) end
  end
  table.sort(order)
  local all = {}
  for index, moment in ipairs(order) do all[index] = entry(moment, unpack(sums[moment])) end
  set_moments(count, all)
end

for _, count in ipairs(counts) do
  local unit, number = ARGV[at], tonumber(ARGV[at + 1])
  -- What can't be read keeps nothing else from being told.
  if not count.broken and redis.call('HSETNX', KEYS[1], count.key, 1) == 1 then
    if count.kind == 'r' then merge(count, unit, at + 2, number) else sum_up(count, at + 2, number) end
  end
  at = at + 2 + 2 * number
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
save()
return 1
