-- A gateway has ended, or all that a dead one held is given back. KEYS: the living, how often each was told, what it holds; ARGV: its
-- name, and '0' where it must still be dead.
if ARGV[2] == '0' and redis.call('HGET', KEYS[1], ARGV[1]) ~= '0' then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('DEL', KEYS[3])
return 1
