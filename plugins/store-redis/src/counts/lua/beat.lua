-- A gateway says that it lives. KEYS[1] are the living, ARGV[1] is its name; answers how often it has said so, and who else did.
local beats = redis.call('HINCRBY', KEYS[1], ARGV[1], 1)
return { tostring(beats), redis.call('HGETALL', KEYS[1]) }
