-- Whether each of these is there.
local answer = {}
for index, key in ipairs(KEYS) do answer[index] = tostring(redis.call('EXISTS', key)) end
return answer
