-- KEYS: records, gone, foreign, words, marks, quarters, processes, then the sums of each quarter-hour.
-- ARGV: records kept at most, ids remembered at most, the last id, by how much ids are behind and before their times, the
-- process or nothing, the number of words; each word's name and text, which is empty where it should be there; where each
-- quarter-hour begins; each record with the place of its quarter-hour, its label, and its sums.
local records, gone, foreign, words, marks, quarters, processes = unpack(KEYS, 1, 7)

local missing, at = {}, 8
for _ = 1, tonumber(ARGV[7]) do
  if ARGV[at + 1] == '' and redis.call('HEXISTS', words, ARGV[at]) == 0 then
    missing[#missing + 1] = ARGV[at]
  end
  at = at + 2
end
if #missing > 0 then
  return {redis.call('HLEN', words), missing}
end
for i = 8, at - 2, 2 do
  if ARGV[i + 1] ~= '' then
    redis.call('HSETNX', words, ARGV[i], ARGV[i + 1])
  end
end
local starts = at
at = at + #KEYS - 7

local order, rows = {}, {}
for i = at, #ARGV, 4 do
  local id = string.sub(ARGV[i], 1, 8)
  local there = redis.call('ZLEXCOUNT', records, '[' .. id .. '\1', '(' .. id .. '\2') > 0
  if not there and not redis.call('ZSCORE', gone, id) then
    redis.call('ZADD', records, 0, ARGV[i])
    local found_by = foreign_of(ARGV[i])
    if found_by then
      redis.call('ZADD', foreign, 0, found_by)
    end
    local place = ARGV[i + 1] .. ':' .. ARGV[i + 2]
    local row = rows[place]
    if row then
      add(row.sums, unpacked(ARGV[i + 3]))
    else
      row = {quarter = tonumber(ARGV[i + 1]), label = ARGV[i + 2], sums = unpacked(ARGV[i + 3])}
      rows[place] = row
      order[#order + 1] = row
    end
  end
end

local change = next_change(marks)
local changed = {}
for _, row in ipairs(order) do
  local key = KEYS[7 + row.quarter]
  add_to(key, row.label, row.sums)
  if not changed[key] then
    changed[key] = true
    local start = ARGV[starts + row.quarter - 1]
    redis.call('HSET', key, '', change)
    redis.call('ZADD', quarters, start, start)
  end
end

local last = redis.call('HGET', marks, 'last')
if not last or ARGV[3] > last then
  redis.call('HSET', marks, 'last', ARGV[3])
end
for name, now in pairs({behind = ARGV[4], before = ARGV[5]}) do
  if tonumber(now) > tonumber(redis.call('HGET', marks, name) or '0') then
    redis.call('HSET', marks, name, now)
  end
end
if ARGV[6] ~= '' then
  redis.call('ZADD', processes, change, ARGV[6])
end

local over = redis.call('ZCARD', records) - tonumber(ARGV[1])
if over > 0 then
  leave(KEYS, redis.call('ZRANGE', records, 0, math.min(over, 200) - 1), tonumber(ARGV[2]), change)
end
return {}
