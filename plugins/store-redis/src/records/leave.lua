-- By what a record is found whose request id is not the gateway's own.
local function foreign_of(member)
  if math.floor(string.byte(member, 10) / 2) % 2 == 1 then
    local length = struct.unpack('>I2', member, 11)
    return string.sub(member, 13, 12 + length) .. '\0' .. string.sub(member, 1, 8)
  end
end

-- Records leave with a change, and their ids are remembered for a while: what comes again adds nothing. Those go that have left
-- first, whatever their ids are: an old one that has come late may come again. Keys: records, gone, foreign.
local function leave(keys, members, most, change)
  for _, member in ipairs(members) do
    redis.call('ZREM', keys[1], member)
    redis.call('ZADD', keys[2], change, string.sub(member, 1, 8))
    local found_by = foreign_of(member)
    if found_by then
      redis.call('ZREM', keys[3], found_by)
    end
  end
  local over = redis.call('ZCARD', keys[2]) - most
  if over > 0 then
    redis.call('ZREMRANGEBYRANK', keys[2], 0, math.min(over, 500) - 1)
  end
end
