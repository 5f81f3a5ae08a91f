-- Sums are packed: nine counts of 64 bits and two amounts of 96, the highest byte first. Here each is two numbers: what is
-- above its lowest 48 bits, and these. So every step is exact in numbers of Lua.
local FORMAT = '>' .. string.rep('I2I6', 9) .. 'i6I6i6I6'
local LOW = 2 ^ 48
local COUNT, AMOUNT = 2 ^ 16 - 1, 2 ^ 47 - 1

local function unpacked(sums)
  return {struct.unpack(FORMAT, sums)}
end

local function add(to, more)
  for i = 1, 22, 2 do
    local high, low = to[i] + more[i], to[i + 1] + more[i + 1]
    if low >= LOW then
      high, low = high + 1, low - LOW
    end
    to[i], to[i + 1] = high, low
  end
end

-- What is too large stays at the largest there is.
local function packed(sums)
  for i = 1, 22, 2 do
    local most = i < 19 and COUNT or AMOUNT
    if sums[i] > most then
      sums[i], sums[i + 1] = most, LOW - 1
    elseif sums[i] < -AMOUNT - 1 then
      sums[i], sums[i + 1] = -AMOUNT - 1, 0
    end
  end
  return struct.pack(FORMAT, unpack(sums, 1, 22))
end

local function add_to(key, label, sums)
  local before = redis.call('HGET', key, label)
  if before then
    add(sums, unpacked(before))
  end
  redis.call('HSET', key, label, packed(sums))
end
