-- Who waits for slots. KEYS[1] are the leases of a gateway, KEYS[2] who wants whose slots, KEYS[3] who waits, KEYS[4] the number of
-- the last place, KEYS[5] how often each gateway was told, KEYS[6] whether anybody is wanted at all, KEYS[7] a line.
local LEASES, WANTED, WAITERS, PLACES, TOLD, ANYBODY, LINE = unpack(KEYS, 1, 7)

-- Places whose gateways are told at the end that it is worth asking.
local worth_asking = {}

local function padded(number)
  return string.format('%016.0f', tonumber(number))
end

-- What is kept of who waits: its gateway, the lease by whose name it came, the line, and whose slots are in its way.
local function waiter(number)
  local kept = redis.call('HGET', WAITERS, number)
  if not kept then return nil end
  local parts = {}
  for part in string.gmatch(kept, '%S+') do parts[#parts + 1] = part end
  return { number = number, gateway = parts[1], lease = parts[2], line = parts[3], at = { unpack(parts, 4) } }
end

local function keep_waiter(one)
  local kept = { one.gateway, one.lease, one.line }
  for _, whose in ipairs(one.at) do kept[#kept + 1] = whose end
  redis.call('HSET', WAITERS, one.number, table.concat(kept, ' '))
end

-- Whether anybody wants anybody's slots: read with the counts, as most often nobody does.
local anybody = false

-- Who has waited longest for somebody's slots.
local function first_for(whose)
  if not anybody then return nil end
  local first = redis.call('ZRANGEBYLEX', WANTED, '[' .. whose .. ' ', '(' .. whose .. '!', 'LIMIT', 0, 1)[1]
  return first and tonumber(string.sub(first, -16))
end

-- Who has waited longest for somebody's slots is told that it is worth asking: one of them may be free.
local function tell_first(whose)
  local first = first_for(whose)
  if first then worth_asking[string.format('%.0f', first)] = true end
end

local function tell()
  for number in pairs(worth_asking) do
    local one = waiter(number)
    if one then
      redis.call('HINCRBY', TOLD, one.gateway, 1)
      redis.call('PUBLISH', TOLD .. ':' .. one.gateway, number)
    end
  end
end

local function holds(list, value)
  for _, one in ipairs(list) do
    if one == value then return true end
  end
  return false
end

-- One does not wait for the slots of these any more.
local function forget(number, these)
  for _, whose in ipairs(these) do
    if redis.call('ZREM', WANTED, whose .. ' ' .. padded(number)) == 1 then tell_first(whose) end
  end
  if anybody and redis.call('EXISTS', WANTED) == 0 then
    anybody = false
    redis.call('DEL', ANYBODY)
  end
end

-- The first of a line waits for slots of these from now on.
local function wait_at(number, these)
  local one = waiter(number)
  if not one then return end
  local before = {}
  for _, whose in ipairs(one.at) do
    if not holds(these, whose) then before[#before + 1] = whose end
  end
  for _, whose in ipairs(these) do redis.call('ZADD', WANTED, 0, whose .. ' ' .. padded(number)) end
  if #these > 0 then
    anybody = true
    redis.call('SET', ANYBODY, 1)
  end
  one.at = these
  keep_waiter(one)
  forget(number, before)
end

local function head(line)
  return redis.call('ZRANGE', line, 0, 0)[1]
end

-- Takes one out of its line; whoever is the first then is told. The next waits where this one has taken, until it has asked
-- itself: nobody who came after it is before it there.
local function go(line, number, taken)
  local was_first = head(line) == number
  if redis.call('ZREM', line, number) == 0 then return end
  local gone = waiter(number)
  redis.call('HDEL', WAITERS, number)
  if gone and gone.lease ~= '-' then redis.call('HDEL', LEASES, gone.lease) end
  local following = was_first and head(line)
  if following then
    worth_asking[following] = true
    if taken then wait_at(following, taken) end
  end
  if gone then forget(number, gone.at) end
end

-- Gives a request a place behind all that wait.
local function join(line, gateway, lease, these, waiting, now)
  -- By the clock, so that a server which has forgotten all gives no number twice.
  local number = math.max(tonumber(redis.call('GET', PLACES) or 0) + 1, now)
  number = string.format('%.0f', number)
  redis.call('SET', PLACES, number)
  redis.call('ZADD', line, number, number)
  keep_waiter({ number = number, gateway = gateway, lease = lease, line = line, at = {} })
  if lease ~= '-' then redis.call('HSET', LEASES, lease, 'w' .. number .. ' ' .. line) end
  if waiting == 0 then wait_at(number, these) end
  return number
end
