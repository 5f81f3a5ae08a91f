-- Whether there is room for what is asked.

-- Whether a take has room where so much is there: within its limit together, or below the limit as it is.
local function fits(take, high, low)
  if take.rule == 'b' then return is_less(high, low, take.limit_high, take.limit_low) end
  high, low = add(high, low, take.high, take.low)
  return not is_less(take.limit_high, take.limit_low, high, low)
end

-- Reads takes: which count, unit, rule, amount, limit. `own` of each is what those before it take of the same count.
local function takes_of(at, counts)
  local takes, number = {}, tonumber(ARGV[at])
  at = at + 1
  for which = 1, number do
    local count = counts[tonumber(ARGV[at])]
    local high, low = read(ARGV[at + 3])
    local limit_high, limit_low = read(ARGV[at + 4])
    local own_high, own_low = 0, 0
    if count.own == takes then own_high, own_low = count.own_high, count.own_low end
    takes[which] = {
      count = count, unit = ARGV[at + 1], rule = ARGV[at + 2], high = high, low = low, limit_high = limit_high, limit_low = limit_low,
      own_high = own_high, own_low = own_low,
    }
    count.own, count.own_high, count.own_low = takes, add(own_high, own_low, high, low)
    at = at + 5
  end
  return takes, at
end

-- So many moments are read at once.
local PART = 64

-- How long until a window that rolls has room, if nothing more is used.
local function room_in(take, now)
  local count = take.count
  local left_high, left_low = count.high, count.low
  for from = 0, count.listed - 1, PART do
    for _, one in ipairs(redis.call('LRANGE', count.list, from, from + PART - 1)) do
      left_high, left_low = subtract(left_high, left_low, amount_of(one))
      if fits(take, add(take.own_high, take.own_low, left_high, left_low)) then
        return math.max(at_of(one) + count.length - now, 0)
      end
    end
  end
  return math.max(count.last + count.length - now, 0)
end

-- Why a window has no room, and how long that lasts: 'much' by itself, 'used' so long, -1 for ever, or 'reserved'.
local function full(take, now)
  local count = take.count
  local high, low = take.own_high, take.own_low
  if not fits(take, high, low) then return 'much', 0 end
  high, low = add(high, low, count.high, count.low)
  local all_high, all_low = add(high, low, count.held_high, count.held_low)
  if fits(take, all_high, all_low) then return nil end
  if fits(take, high, low) then return 'reserved', 0 end
  if count.kind == 'r' then return 'used', room_in(take, now) end
  if count.kind == 'c' then return 'used', count.left end
  return 'used', -1
end

-- The window that has no room: of several the one for which it takes longest, so that it is worth to come again when it says.
local function full_window(takes, now)
  local which, why, wait, rank = nil, nil, nil, -1
  for index, take in ipairs(takes) do
    if take.count.kind ~= 'h' then
      local this, lasts = full(take, now)
      if this then
        local order = math.max(lasts, 0)
        if this == 'much' then order = 1e300 elseif lasts == -1 then order = 1e299 end
        if order > rank then which, why, wait, rank = index, this, lasts, order end
      end
    end
  end
  return which, why, wait
end

-- Whether a slot is in the way of a request with a place of this number: none is free, or somebody waits for it who came before.
local function is_in_way(take, number)
  local count = take.count
  local high, low = take.own_high, take.own_low
  if not fits(take, high, low) then return true end
  if not fits(take, add(high, low, count.high, count.low)) then return true end
  local first = first_for(count.whose)
  return first ~= nil and (number == nil or first < number)
end

-- The slots that are in a request's way: the first of them, and whose they are.
local function full_slots(takes, number)
  local first, whose = nil, {}
  for index, take in ipairs(takes) do
    if take.count.kind == 'h' and is_in_way(take, number) then
      first = first or index
      if not holds(whose, take.count.whose) then whose[#whose + 1] = take.count.whose end
    end
  end
  return first, whose
end
