-- How full counts are; nothing but what is over is changed. KEYS begin with the first count's. ARGV: the time that is told, or nothing;
-- the counts. What can't be read says nothing of itself, and does not keep others from being looked at.
local now = clock(ARGV[1])
local counts = counts_of(2, 1)
load(now, nil, true)
local answer = {}
for _, count in ipairs(counts) do
  local used, reserved, over = '', '', ''
  if not count.broken then used, reserved, over = level(count, now) end
  answer[#answer + 1] = used
  answer[#answer + 1] = reserved
  answer[#answer + 1] = over
end
save()
return answer
