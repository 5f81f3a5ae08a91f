-- How many wait in each of these lines.
local answer = {}
for index, line in ipairs(KEYS) do answer[index] = tostring(redis.call('ZCARD', line)) end
return answer
