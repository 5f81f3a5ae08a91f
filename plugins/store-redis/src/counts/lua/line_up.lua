-- Waits in a line until one of some slots is free. ARGV as those of taking: the time, the gateway, how many may wait, the place, the
-- name by which it is found again, the counts, the takes.
local now = clock(ARGV[1])
-- It was given back before it came.
if redis.call('HEXISTS', LEASES, ARGV[5]) == 1 then return { 'again' } end
local gateway, size, place = ARGV[2], tonumber(ARGV[3]), ARGV[4]
local counts, at = counts_of(6, 8)
anybody = load(now, ANYBODY) ~= false
local takes = takes_of(at, counts)
local rank = place ~= '' and redis.call('ZRANK', LINE, place)
local waiting = redis.call('ZCARD', LINE)
if rank and rank > 0 then return { 'waits', place } end
if rank or waiting == 0 then
  for _, take in ipairs(takes) do
    take.own_high, take.own_low = 0, 0
    if not is_in_way(take, rank and tonumber(place) or nil) then
      -- It is still worth asking, whatever becomes of this answer.
      if rank then
        worth_asking[place] = true
        tell()
      end
      return { 'free' }
    end
  end
end
if not rank and waiting >= size then return { 'full' } end
local whose = {}
for _, take in ipairs(takes) do
  if not holds(whose, take.count.whose) then whose[#whose + 1] = take.count.whose end
end
if rank then
  wait_at(place, whose)
else
  place = join(LINE, gateway, 'place-' .. ARGV[5], whose, waiting, now)
end
tell()
return { 'waits', place }
