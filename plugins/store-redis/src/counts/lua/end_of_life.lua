-- A gateway that has said nothing for long is none of the living any more. KEYS[1] are the living; ARGV: its name, and how often it had
-- said that it lives.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[1], ARGV[1])
return 1
