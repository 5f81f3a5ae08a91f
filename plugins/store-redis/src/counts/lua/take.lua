-- Takes all that the leases of requests say, of each request from every bucket or from none; one request after the other. KEYS from
-- the seventh on are the lines of their keys, one of each, and then the counts'. ARGV: the time that is told, or nothing; the
-- gateway; how many requests; the counts of all of them; of each request how many may wait, or nothing; its place, or nothing; its
-- takes; how many leases it has, and of each its number and what is kept of it.
--
-- What one request meets is told to it alone: 'broken' and why where a count of its own can't be read and nothing was done, 'never'
-- where something else failed, and some of it may have been done.
local now = clock(ARGV[1])
local gateway, number = ARGV[2], tonumber(ARGV[3])
local counts, at = counts_of(4, 7 + number)

local requests, names = {}, {}
for which = 1, number do
  local request = { size = ARGV[at], place = ARGV[at + 1], first = 0, last = 0, named = #names, line = KEYS[6 + which], takes = false }
  request.takes, at = takes_of(at + 2, counts)
  request.first, request.last = at + 1, at + 2 * tonumber(ARGV[at])
  for lease = request.first, request.last, 2 do names[#names + 1] = ARGV[lease] end
  at = request.last + 1
  requests[which] = request
end
local known = redis.call('HMGET', LEASES, unpack(names))
-- Behind all that may fail for all of them.
anybody = load(now, ANYBODY, true) ~= false
local begun, kept = string.format('%.0f', now) .. ' 0 0 ', {}

-- Whether one was asked for before, or given back before it came.
local function is_known(request)
  for which = 1, (request.last - request.first + 1) / 2 do
    if known[request.named + which] then return true end
  end
  return false
end

local function take_one(take, which, answer)
  local count = take.count
  count.changed = true
  if take.unit == 'q' then
    use(count, take.unit, now, take.high, take.low)
  else
    count.held_high, count.held_low = add(count.held_high, count.held_low, take.high, take.low)
  end
  answer[3 * which - 1], answer[3 * which], answer[3 * which + 1] = level(count, now)
end

local function taken(request, rank)
  local answer, takes = { 'taken' }, request.takes
  -- Windows that roll first, as they alone have something beside: if that failed, no slot would be taken without a lease.
  for which, take in ipairs(takes) do
    if take.count.kind == 'r' then take_one(take, which, answer) end
  end
  for which, take in ipairs(takes) do
    if take.count.kind ~= 'r' then take_one(take, which, answer) end
  end
  for lease = request.first, request.last, 2 do
    kept[#kept + 1], kept[#kept + 2] = ARGV[lease], begun .. ARGV[lease + 1]
  end
  if rank then
    local whose = {}
    for _, take in ipairs(takes) do
      if take.count.kind == 'h' and not holds(whose, take.count.whose) then whose[#whose + 1] = take.count.whose end
    end
    go(LINE, request.place, whose)
  end
  return answer
end

local function ask(request)
  if is_known(request) then return { 'again' } end
  local takes, size, place = request.takes, request.size, request.place
  for _, take in ipairs(takes) do
    if take.count.broken then return { 'broken', take.count.broken } end
  end
  LINE = request.line
  local which, why, wait = full_window(takes, now)
  if which then return { 'refused', which, why, string.format('%.0f', wait) } end

  local rank, waiting
  if size ~= '' then
    rank = place ~= '' and redis.call('ZRANK', LINE, place)
    waiting = redis.call('ZCARD', LINE)
  end
  if rank and rank > 0 then return { 'waits', place } end
  local slot, whose = full_slots(takes, rank and tonumber(place) or nil)
  if not slot and not rank and waiting and waiting > 0 then
    for index, take in ipairs(takes) do
      if take.count.kind == 'h' then
        slot = index
        break
      end
    end
  end
  if not slot then return taken(request, rank) end
  if size == '' then return { 'refused', slot, 'reserved', '0' } end
  if rank then
    wait_at(place, whose)
    return { 'waits', place }
  end
  if waiting >= tonumber(size) then return { 'refused', slot, 'line', '0' } end
  return { 'waits', join(LINE, gateway, 'place-' .. ARGV[request.first], whose, waiting, now) }
end

local answers = {}
for which, request in ipairs(requests) do
  local could, answer = pcall(ask, request)
  answers[which] = could and answer or { 'never', said(answer) }
end
if #kept > 0 then redis.call('HSET', LEASES, unpack(kept)) end
save()
tell()
return answers
