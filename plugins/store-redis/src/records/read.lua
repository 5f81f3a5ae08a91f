-- Rows of sums. KEYS: marks, then each key of sums. ARGV: rows at most, then for each key which of its versions is known.
-- Says how often sums went over to days; then, of each key, its rows, 0 where it is as it is known, or how many there are,
-- where they are too many for now.
local answer, room = {tonumber(redis.call('HGET', KEYS[1], 'moves') or '0')}, tonumber(ARGV[1])
for i = 2, #KEYS do
  local known = ARGV[i]
  if known ~= '' and redis.call('HGET', KEYS[i], '') == known then
    answer[i] = 0
  else
    local rows = redis.call('HLEN', KEYS[i])
    room = room - rows
    if room < 0 then
      answer[i] = rows
    else
      answer[i] = redis.call('HGETALL', KEYS[i])
    end
  end
end
return answer
