-- Takes all that leases say, from every bucket or from none. ARGV: the time that is told, or nothing; the
-- gateway; how many may wait, or nothing; the request's place, or nothing; the counts; the takes of all leases; the leases: their
-- numbers, each with what is kept of it.
local now = clock(ARGV[1])
local gateway, size, place = ARGV[2], ARGV[3], ARGV[4]
local counts, at = counts_of(5, 8)
anybody = load(now, ANYBODY) ~= false
local takes
takes, at = takes_of(at, counts)
local first_lease = at

local begun = string.format('%.0f', now) .. ' 0 0 '
for lease = first_lease, #ARGV, 2 do
  if redis.call('HSETNX', LEASES, ARGV[lease], begun .. ARGV[lease + 1]) == 0 then
    -- It was asked for before, or given back before it came.
    for before = first_lease, lease - 2, 2 do redis.call('HDEL', LEASES, ARGV[before]) end
    return { 'again' }
  end
end

local function done(answer)
  save()
  tell()
  return answer
end

local function nothing(answer)
  for lease = first_lease, #ARGV, 2 do redis.call('HDEL', LEASES, ARGV[lease]) end
  return done(answer)
end

local which, why, wait = full_window(takes, now)
if which then return nothing({ 'refused', which, why, string.format('%.0f', wait) }) end

local rank, waiting
if size ~= '' then
  rank = place ~= '' and redis.call('ZRANK', LINE, place)
  waiting = redis.call('ZCARD', LINE)
end

if rank and rank > 0 then return nothing({ 'waits', place }) end
local slot, whose = full_slots(takes, rank and tonumber(place) or nil)
if size == '' then
  if slot then return nothing({ 'refused', slot, 'reserved', '0' }) end
elseif rank then
  if slot then
    wait_at(place, whose)
    return nothing({ 'waits', place })
  end
else
  if not slot and waiting > 0 then
    for index, take in ipairs(takes) do
      if take.count.kind == 'h' then
        slot = index
        break
      end
    end
  end
  if slot then
    if waiting >= tonumber(size) then return nothing({ 'refused', slot, 'line', '0' }) end
    return nothing({ 'waits', join(LINE, gateway, 'place-' .. ARGV[first_lease], whose, waiting, now) })
  end
end

local answer = { 'taken' }
for _, take in ipairs(takes) do
  local count = take.count
  count.changed = true
  if take.unit == 'q' then
    use(count, take.unit, now, take.high, take.low)
  else
    count.held_high, count.held_low = add(count.held_high, count.held_low, take.high, take.low)
  end
  local used, reserved, over = level(count, now)
  answer[#answer + 1] = used
  answer[#answer + 1] = reserved
  answer[#answer + 1] = over
end
if rank then
  local taken = {}
  for _, take in ipairs(takes) do
    if take.count.kind == 'h' and not holds(taken, take.count.whose) then taken[#taken + 1] = take.count.whose end
  end
  go(LINE, place, taken)
end
return done(answer)
