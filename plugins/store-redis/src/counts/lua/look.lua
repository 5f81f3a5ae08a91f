-- How full counts are; nothing but what is over is changed. KEYS begin with the first count's. ARGV: the time that is told, or nothing;
-- the counts.
local now = clock(ARGV[1])
local counts = counts_of(2, 1)
load(now)
local answer = {}
for _, count in ipairs(counts) do
  local used, reserved, over = level(count, now)
  answer[#answer + 1] = used
  answer[#answer + 1] = reserved
  answer[#answer + 1] = over
end
save()
return answer
