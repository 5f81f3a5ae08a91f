-- A gateway that has said nothing for long is none of the living any more, until it says so again: it stands at 0 while what it
-- held is given back. KEYS[1] are the living; ARGV: its name, and how often it had said that it lives.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], 0)
return 1
