-- A gateway has ended, or all that a dead one held is given back. KEYS: the living, how often each was told, what it holds; ARGV: its
-- name, and '0' where it must still be dead. What it still holds others give back, who find it at 0; of what was given back it is
-- known for an hour what was counted.
local beats = redis.call('HGET', KEYS[1], ARGV[1])
if ARGV[2] == '0' and beats ~= '0' then return 0 end
if ARGV[2] ~= '0' and redis.call('HLEN', KEYS[3]) > 0 then
  redis.call('HSET', KEYS[1], ARGV[1], 0)
  return 1
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('PEXPIRE', KEYS[3], 3600000)
return 1
