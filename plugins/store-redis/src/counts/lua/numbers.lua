-- Amounts are whole numbers up to far beyond 2^53, kept as decimal digits, and counted as two parts that a double holds exactly:
-- high * 1e15 + low. What is no number is nothing: a script that fails has done what it did until then.
local BASE = 1e15

local function read(digits)
  if not digits then return 0, 0 end
  local length = #digits
  if length <= 15 then return 0, tonumber(digits) or 0 end
  return tonumber(string.sub(digits, 1, length - 15)) or 0, tonumber(string.sub(digits, length - 14)) or 0
end

local function write(high, low)
  if high == 0 then return string.format('%.0f', low) end
  return string.format('%.0f%015.0f', high, low)
end

local function add(high, low, more_high, more_low)
  high, low = high + more_high, low + more_low
  if low >= BASE then return high + 1, low - BASE end
  return high, low
end

-- Nothing is less than nothing.
local function subtract(high, low, less_high, less_low)
  high, low = high - less_high, low - less_low
  if low < 0 then high, low = high - 1, low + BASE end
  if high < 0 then return 0, 0 end
  return high, low
end

local function is_less(high, low, than_high, than_low)
  return high < than_high or (high == than_high and low < than_low)
end
