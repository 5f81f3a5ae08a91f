-- Gives places up: KEYS[7] is their line. ARGV: nothing, or the gateway that must still be dead, whose they are, of which KEYS[8] knows;
-- then their numbers.
if ARGV[1] ~= '' and redis.call('HGET', KEYS[8], ARGV[1]) ~= '0' then return 0 end
anybody = redis.call('EXISTS', ANYBODY) == 1
for index = 2, #ARGV do go(LINE, ARGV[index]) end
tell()
return 1
