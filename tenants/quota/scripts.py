"""The Lua scripts of quota: one per change, one round trip each.

All take KEYS account, held, leases of one council and resource, under one hash tag. `account` (hash: period, number,
left) is what the ledger said at its entry `number`; `left` is empty where there is no limit. `held` (hash: reference →
"<amount>|<token>") are the open reservations, `leases` (ZSET, score = ms) says when each of them is given up. What may
be reserved is `left` less everything held. Written for Redis 6.2.
"""

from __future__ import annotations

_EXPIRE_HOLDS = """
local function give_up(now)
  for _, reference in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
    redis.call('HDEL', KEYS[2], reference)
    redis.call('ZREM', KEYS[3], reference)
  end
end
local function held_by_others(own)
  local sum, all = 0, redis.call('HGETALL', KEYS[2])
  for i = 1, #all, 2 do
    if all[i] ~= own then sum = sum + tonumber(string.match(all[i + 1], '^(%d+)|')) end
  end
  return sum
end
local function keep(ttl)
  for i = 1, 3 do redis.call('EXPIRE', KEYS[i], ttl) end
end
"""

# ARGV: now (ms), TTL (s), period, reference, amount, token, leased until (ms) → {outcome, number, left over}
# outcome: 1 reserved, 0 too little is left, -1 the account is missing or of an earlier period
RESERVE = (
    _EXPIRE_HOLDS
    + """
local account = redis.call('HMGET', KEYS[1], 'period', 'number', 'left')
if not account[1] or account[1] < ARGV[3] then return {-1, 0, ''} end
give_up(ARGV[1])
local over = ''
if account[3] ~= '' then
  over = tonumber(account[3]) - held_by_others(ARGV[4])
  if over < tonumber(ARGV[5]) then return {0, tonumber(account[2]), string.format('%.0f', over)} end
  over = string.format('%.0f', over - tonumber(ARGV[5]))
end
redis.call('HSET', KEYS[2], ARGV[4], ARGV[5] .. '|' .. ARGV[6])
redis.call('ZADD', KEYS[3], ARGV[7], ARGV[4])
keep(ARGV[2])
return {1, tonumber(account[2]), over}
"""
)

# ARGV: now (ms), TTL (s), reference, amount, token, leased until (ms) → 1 held (on), 0 held by another run now
RENEW = (
    _EXPIRE_HOLDS
    + """
local mine = ARGV[4] .. '|' .. ARGV[5]
local stored = redis.call('HGET', KEYS[2], ARGV[3])
if stored and stored ~= mine then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], mine)
redis.call('ZADD', KEYS[3], ARGV[6], ARGV[3])
keep(ARGV[2])
return 1
"""
)

# ARGV: reference, token → 1 given back, 0 held by another run or not at all
RELEASE = """
local stored = redis.call('HGET', KEYS[2], ARGV[1])
if not stored or string.match(stored, '|(.*)$') ~= ARGV[2] then return 0 end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
"""

# ARGV: TTL (s), period, number, left, settled reference (or empty), then per reservation in the ledger: reference,
# amount|token, leased until (ms) → 1 written, 0 Redis knows a later entry. Whole values, so order does not matter.
PROJECT = (
    _EXPIRE_HOLDS
    + """
local account = redis.call('HMGET', KEYS[1], 'period', 'number')
local later = account[1] and (account[1] > ARGV[2]
  or (account[1] == ARGV[2] and tonumber(account[2]) > tonumber(ARGV[3])))
if not later then redis.call('HSET', KEYS[1], 'period', ARGV[2], 'number', ARGV[3], 'left', ARGV[4]) end
if ARGV[5] ~= '' then
  redis.call('HDEL', KEYS[2], ARGV[5])
  redis.call('ZREM', KEYS[3], ARGV[5])
end
for i = 6, #ARGV, 3 do
  if redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) == 1 then redis.call('ZADD', KEYS[3], ARGV[i + 2], ARGV[i]) end
end
keep(ARGV[1])
return later and 0 or 1
"""
)

# ARGV: now (ms) → {period, number, left, held}; the number is -1 where the account is missing
READ = (
    _EXPIRE_HOLDS
    + """
local account = redis.call('HMGET', KEYS[1], 'period', 'number', 'left')
give_up(ARGV[1])
return {account[1] or '', tonumber(account[2] or -1), account[3] or '', string.format('%.0f', held_by_others(''))}
"""
)
