-- What buckets have counted. All that a script needs of them is read at once, changed, and each is written once.
--
-- A count is one string of doubles, lowest byte first: what is used and what is reserved, as two parts each; and of a window that
-- rolls also its grain, its first and last moment, how much was used at the last, and how many moments are in the list beside it.
-- Where there is no moment it is -1.
local SUMS, ROLLS = '<dddd', '<dddddddddd'

-- How many moments at which requests came are kept as they were. Beyond that they are rounded as amounts are.
local EXACT_MAX = 1000
-- Of how many slices a window is made whose moments are rounded.
local SLICES = 128
-- How long what says nothing any more is kept at least, in milliseconds.
local KEPT = 3600000

local NOTHING = struct.pack(SUMS, 0, 0, 0, 0)
local NEVER = struct.pack(ROLLS, 0, 0, 0, 0, 1, -1, -1, 0, 0, 0)

-- Microseconds; asked once, as it may move while a script runs.
local function clock(told)
  if told ~= '' then return tonumber(told) end
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000000 + tonumber(time[2])
end

local function entry(at, high, low)
  return string.format('%016.0f', at) .. write(high, low)
end

local function at_of(entry)
  return tonumber(string.sub(entry, 1, 16)) or 0
end

local function amount_of(entry)
  return read(string.sub(entry, 17))
end

-- All moments, the first one first.
local function moments(count)
  local all = count.listed > 0 and redis.call('LRANGE', count.list, 0, -1) or {}
  if count.last then all[#all + 1] = entry(count.last, count.last_high, count.last_low) end
  return all
end

-- In their place.
local function set_moments(count, all)
  redis.call('DEL', count.list)
  count.listed, count.changed = math.max(#all - 1, 0), true
  for index = 1, count.listed do redis.call('RPUSH', count.list, all[index]) end
  local last = all[#all]
  count.first, count.last = all[1] and at_of(all[1]), last and at_of(last)
  if last then count.last_high, count.last_low = amount_of(last) end
end

-- The clock was set back: what was counted is as long ago as it was before.
local function set_back(count, by)
  local all = moments(count)
  for index, one in ipairs(all) do all[index] = entry(math.max(at_of(one) - by, 0), amount_of(one)) end
  set_moments(count, all)
end

-- Drops what is over: a window reaches back to just after its length ago.
local function pass(count, now)
  if count.last and count.last > now + count.grain then set_back(count, count.last - now) end
  while count.first and count.first + count.length <= now do
    count.changed = true
    local gone = count.listed > 0 and redis.call('LPOP', count.list)
    if gone then
      count.high, count.low = subtract(count.high, count.low, amount_of(gone))
      count.listed = count.listed - 1
      local first = count.listed > 0 and redis.call('LINDEX', count.list, 0)
      count.first = first and at_of(first) or count.last
    else
      -- Nothing is left, whatever became of the list.
      count.high, count.low = 0, 0
      count.first, count.last, count.listed, count.grain = nil, nil, 0, 1
    end
  end
end

-- Counts, each once: in their order, and by their keys.
local all, by_key = {}, {}

-- The counts that arguments name: kind, span, and for slots whose they are, for days, weeks and months how long they are. Each has a
-- key, and one that rolls a second one, of its list.
local function counts_of(at, first_key)
  local counts, number = {}, tonumber(ARGV[at])
  at = at + 1
  for which = 1, number do
    local key, kind = KEYS[first_key], ARGV[at]
    local count = by_key[key]
    if not count then
      -- With all that it will ever have: a table that grows is made anew each time.
      count = {
        key = key, kind = kind, high = 0, low = 0, held_high = 0, held_low = 0, changed = false, length = 0, list = false, left = 0,
        whole = 0, whose = false, own = false, own_high = 0, own_low = 0, grain = 1, first = nil, last = nil, last_high = 0,
        last_low = 0, listed = 0, broken = false,
      }
      if kind == 'r' then
        count.length, count.list = tonumber(ARGV[at + 1]), KEYS[first_key + 1]
      elseif kind == 'c' then
        count.left, count.whole = math.max(tonumber(ARGV[at + 1]), 0), tonumber(ARGV[at + 2])
      else
        count.whose = ARGV[at + 2]
      end
      all[#all + 1] = count
      by_key[key] = count
    end
    first_key = first_key + (kind == 'r' and 2 or 1)
    counts[which] = count
    at = at + 3
  end
  return counts, at, first_key
end

-- Writes what was changed, but for what could not be read.
local function save()
  for _, count in ipairs(all) do
    if count.changed and not count.broken then
      if count.kind == 'h' and count.high == 0 and count.low == 0 then
        redis.call('DEL', count.key)
      elseif count.kind == 'r' then
        local length = math.floor(count.length / 1000) * 2 + KEPT
        -- Never gone before the sum of it.
        if count.listed > 0 then redis.call('PEXPIRE', count.list, length + KEPT) end
        local kept = struct.pack(ROLLS, count.high, count.low, count.held_high, count.held_low, count.grain, count.first or -1,
          count.last or -1, count.last_high, count.last_low, count.listed)
        redis.call('SET', count.key, kept, 'PX', length)
      else
        local kept = struct.pack(SUMS, count.high, count.low, count.held_high, count.held_low)
        if count.kind == 'c' then
          redis.call('SET', count.key, kept, 'PX', math.floor(math.max(count.left, count.whole) / 1000) + 24 * KEPT)
        else
          -- A total of a key that was deleted ends by itself.
          redis.call('SET', count.key, kept, 'KEEPTTL')
        end
      end
    end
  end
end

-- Reads one as it is now, and drops what is over of it. Its list is asked for first: one that is no list is found before anything is
-- changed, and after it nothing fails.
local function load_one(count, found, now)
  if count.kind ~= 'r' then
    count.high, count.low, count.held_high, count.held_low = struct.unpack(SUMS, found or NOTHING)
    return
  end
  count.high, count.low, count.held_high, count.held_low, count.grain, count.first, count.last, count.last_high,
    count.last_low, count.listed = struct.unpack(ROLLS, found or NEVER)
  if count.last < 0 then count.first, count.last = nil, nil end
  if count.listed > 0 then redis.call('LLEN', count.list) end
  pass(count, now)
end

-- What is told of an error.
local function said(why)
  return type(why) == 'table' and why.err or tostring(why)
end

-- Reads all counts as they are now, and what stands at one key more. Of one that can't be read it is noted why, where that is borne;
-- else the script ends with it before anything is counted. What was dropped of others is written: their lists are shorter by now.
local function load(now, more, bears)
  local keys = {}
  for index, count in ipairs(all) do keys[index] = count.key end
  keys[#keys + 1] = more
  local kept = #keys > 0 and redis.call('MGET', unpack(keys)) or {}
  local broken
  for index, count in ipairs(all) do
    local could, why = pcall(load_one, count, kept[index], now)
    if not could then
      count.broken = count.key .. ': ' .. said(why)
      broken = broken or count.broken
    end
  end
  if broken and not bears then
    save()
    error(broken, 0)
  end
  return more and kept[#all + 1]
end

local function end_of_slice(count, at)
  local beyond = at % count.grain
  if beyond == 0 then return at end
  return at + count.grain - beyond
end

local function push(count, at, high, low)
  if high == 0 and low == 0 then return end
  count.high, count.low = add(count.high, count.low, high, low)
  count.changed = true
  if count.last and count.last >= at then
    count.last_high, count.last_low = add(count.last_high, count.last_low, high, low)
    return
  end
  if count.last then
    -- What stands there where nothing should is none of this window's.
    if count.listed == 0 then redis.call('DEL', count.list) end
    count.listed = redis.call('RPUSH', count.list, entry(count.last, count.last_high, count.last_low))
  end
  count.first = count.first or at
  count.last, count.last_high, count.last_low = at, high, low
end

-- Something is used now.
local function land(count, unit, now, high, low)
  if count.grain == 1 and (unit ~= 'q' or count.listed >= EXACT_MAX) then
    local all = moments(count)
    redis.call('DEL', count.list)
    count.grain, count.high, count.low = math.floor(count.length / SLICES) + 1, 0, 0
    count.first, count.last, count.listed = nil, nil, 0
    for _, one in ipairs(all) do push(count, end_of_slice(count, at_of(one)), amount_of(one)) end
  end
  push(count, end_of_slice(count, now), high, low)
end

-- Something is used as of a moment, whatever the window.
local function use(count, unit, now, high, low)
  count.changed = true
  if count.kind == 'r' then return land(count, unit, now, high, low) end
  count.high, count.low = add(count.high, count.low, high, low)
end

-- Where a moment stands in the list beside, and what stands there.
local function find(count, at)
  local from, to = 0, count.listed - 1
  while from <= to do
    local middle = math.floor((from + to) / 2)
    local one = redis.call('LINDEX', count.list, middle)
    if not one then return nil end
    local there = at_of(one)
    if there == at then return middle, one end
    if there < at then from = middle + 1 else to = middle - 1 end
  end
end

-- Takes back as much as there is of what was used at a moment, without a look at all others.
local function take_back_one(count, at, high, low)
  local is_last = at == count.last
  local index, one
  if not is_last then index, one = find(count, at) end
  if not is_last and not one then return end
  local there_high, there_low = count.last_high, count.last_low
  if one then there_high, there_low = amount_of(one) end
  if is_less(there_high, there_low, high, low) then high, low = there_high, there_low end
  count.high, count.low = subtract(count.high, count.low, high, low)
  there_high, there_low = subtract(there_high, there_low, high, low)
  local is_gone = there_high == 0 and there_low == 0
  if one and not is_gone then
    redis.call('LSET', count.list, index, entry(at, there_high, there_low))
  elseif one then
    redis.call('LREM', count.list, 1, one)
    count.listed = count.listed - 1
    local head = count.listed > 0 and redis.call('LINDEX', count.list, 0)
    count.first = head and at_of(head) or count.last
  elseif not is_gone then
    count.last_high, count.last_low = there_high, there_low
  else
    local before = count.listed > 0 and redis.call('RPOP', count.list)
    count.listed = before and count.listed - 1 or 0
    count.last = before and at_of(before) or nil
    if before then count.last_high, count.last_low = amount_of(before) end
    if count.listed == 0 then count.first = count.last end
  end
end

-- Takes back as much as there is of what was used from a moment on, or at that moment alone: what stays is over no earlier than
-- what was really used. Nothing where some of it may be over, as what is left may be all others'.
local function take_back(count, since, alone, now, high, low)
  if since + count.length <= now then return end
  local first, left = end_of_slice(count, since), {}
  if alone then return count.last and take_back_one(count, first, high, low) end
  for _, one in ipairs(moments(count)) do
    local at = at_of(one)
    local there_high, there_low = amount_of(one)
    if (high > 0 or low > 0) and at >= first then
      local less_high, less_low = there_high, there_low
      if is_less(high, low, there_high, there_low) then less_high, less_low = high, low end
      high, low = subtract(high, low, less_high, less_low)
      there_high, there_low = subtract(there_high, there_low, less_high, less_low)
      count.high, count.low = subtract(count.high, count.low, less_high, less_low)
    end
    if there_high > 0 or there_low > 0 then left[#left + 1] = entry(at, there_high, there_low) end
  end
  set_moments(count, left)
end

-- A number that leaves: what a double holds exactly goes as it is.
local function told(high, low)
  return high == 0 and low or write(high, low)
end

-- How full it is: what is used, what is reserved beside, and how long until all that was used is over.
local function level(count, now)
  local over = ''
  if count.kind == 'r' and count.last then over = count.last + count.length - now end
  return told(count.high, count.low), told(count.held_high, count.held_low), over
end
