-- KEYS: records, gone, foreign, marks. ARGV: ids remembered at most, then the ids. Says how many were there.
local members = {}
for i = 2, #ARGV do
  local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. ARGV[i] .. '\1', '(' .. ARGV[i] .. '\2', 'LIMIT', 0, 1)
  members[#members + 1] = found[1]
end
leave(KEYS, members, tonumber(ARGV[1]), next_change(KEYS[4]))
return #members
