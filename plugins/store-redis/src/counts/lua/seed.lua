-- Is told what was used of one window before anything was counted in it. ARGV: the time that is told, or nothing; the count; then
-- how long ago, in microseconds, and how much, the longest ago first.
local now = clock(ARGV[1])
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
local counts, at = counts_of(2, 1)
load(now)
local count = counts[1]
count.changed = true
for index = at, #ARGV, 2 do
  local high, low = read(ARGV[index + 1])
  use(count, 'q', math.max(now - tonumber(ARGV[index]), 0), high, low)
end
save()
return 1
