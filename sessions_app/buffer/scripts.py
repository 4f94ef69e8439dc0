"""The Lua scripts: one per state change of a buffer, one round trip each.

All take KEYS meta, order, bodies, processing, applied. A slot's body is "<revision>|<JSON array of blocks>"; where
nothing is left only the revision stays, so that an older entry that comes late can't bring back what is gone.

Two rules make any order, repetition and loss of calls end in the same picture:
1. An entry is applied once (its bit in `applied`), and of two entries that write one slot the later one stands.
2. Where a key was lost alone (deleted, evicted), the counts in `meta` don't fit any more, and the picture is none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from redis.exceptions import NoScriptError

from astra_site.lib.redis_client import SessionRedis

_COMMON = r"""
local meta, order, bodies, processing, applied = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function whole()
  local counted = redis.call('HMGET', meta, 'slots', 'bodies', 'working')
  return counted[1] and redis.call('EXISTS', applied) == 1
    and tonumber(counted[1]) == redis.call('ZCARD', order)
    and tonumber(counted[2]) == redis.call('HLEN', bodies)
    and tonumber(counted[3]) == redis.call('ZCARD', processing)
end
local function count()
  redis.call('HSET', meta, 'slots', redis.call('ZCARD', order), 'bodies', redis.call('HLEN', bodies),
    'working', redis.call('ZCARD', processing))
end
local function keep(ttl) for i = 1, #KEYS do redis.call('EXPIRE', KEYS[i], ttl) end end
-- Bit 0 is always set, so the first bit that is not is the first entry that was not applied.
local function complete_to() return redis.call('BITPOS', applied, 0) - 1 end
"""

# ARGV: TTL (s), channel to announce it on ('': none), token of the rebuild that it is part of ('': none), first and
# last entry that are applied with it (0: none yet), then per slot: revision, name, score, body ('': gone), leased
# until (ms, 0 = finished) → slots written, -1 where the rebuild was overtaken
APPLY = (
    _COMMON
    + r"""
local ttl, channel, token, first, last = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
if token ~= '' and redis.call('HGET', meta, 'rebuilder') ~= token then return -1 end
if not whole() then
  if token ~= '' then return -1 end
  redis.call('UNLINK', unpack(KEYS))
end
redis.call('SETBIT', applied, 0, 1)
local written = 0
for i = 6, #ARGV, 5 do
  local revision, name, body, leased_until = ARGV[i], ARGV[i + 1], ARGV[i + 3], tonumber(ARGV[i + 4])
  local stored = redis.call('HGET', bodies, name)
  local known = stored and tonumber(string.match(stored, '^%d+')) or -1
  if redis.call('GETBIT', applied, revision) == 0 and known < tonumber(revision) then
    if body == '' then redis.call('ZREM', order, name) else redis.call('ZADD', order, ARGV[i + 2], name) end
    if body ~= '' and leased_until > 0 then redis.call('ZADD', processing, leased_until, name)
    elseif redis.call('ZREM', processing, name) == 1 then redis.call('HDEL', meta, 'worker:' .. name) end
    redis.call('HSET', bodies, name, revision .. '|' .. body)
    written = written + 1
  end
end
if first > 0 then
  while first <= last and first % 8 ~= 0 do redis.call('SETBIT', applied, first, 1); first = first + 1 end
  local bytes = math.floor((last - first + 1) / 8)
  if bytes > 0 then redis.call('SETRANGE', applied, first / 8, string.rep('\255', bytes)); first = first + bytes * 8 end
  while first <= last do redis.call('SETBIT', applied, first, 1); first = first + 1 end
  if token ~= '' then redis.call('HDEL', meta, 'rebuilder', 'rebuilt_until') end
end
count()
keep(ttl)
if channel ~= '' then redis.call('PUBLISH', channel, '') end
return written
"""
)

# ARGV: token, now (ms), the moment from which another may begin (ms), TTL (s) → 1, or 0 where somebody is at it
BEGIN = (
    _COMMON
    + r"""
local until_ms = redis.call('HGET', meta, 'rebuilt_until')
if until_ms and whole() and tonumber(until_ms) > tonumber(ARGV[2]) then return 0 end
redis.call('UNLINK', unpack(KEYS))
redis.call('HSET', meta, 'rebuilder', ARGV[1], 'rebuilt_until', ARGV[3])
redis.call('SETBIT', applied, 0, 1)
count()
keep(ARGV[4])
return 1
"""
)

# ARGV: number of entries that the journal has, first position, slots at most, bytes at most, TTL (s)
# → {applied without a gap, slots, slots in work, bodies...}; no bodies where entries are missing
READ = (
    _COMMON
    + r"""
if not whole() then return {0, 0, 0} end
keep(ARGV[5])
local found = {complete_to(), redis.call('ZCARD', order), redis.call('ZCARD', processing)}
if found[1] < tonumber(ARGV[1]) then return found end
local bytes = 0
for _, name in ipairs(redis.call('ZRANGE', order, ARGV[2], ARGV[2] + ARGV[3] - 1)) do
  local body = redis.call('HGET', bodies, name)
  bytes = bytes + #body
  if bytes > tonumber(ARGV[4]) and #found > 3 then break end
  found[#found + 1] = body
end
return found
"""
)

# ARGV: now (ms), slots at most → {applied without a gap, slots, slots in work, names of slots whose lease ran out...}
STANDING = (
    _COMMON
    + r"""
if not whole() then return {0, 0, 0} end
local found = {complete_to(), redis.call('ZCARD', order), redis.call('ZCARD', processing)}
for _, name in ipairs(redis.call('ZRANGEBYSCORE', processing, '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])) do
  found[#found + 1] = name
end
return found
"""
)

# ARGV: number of entries that the journal has, ranges at most → {first, last, first, last...} of what was not applied
MISSING = (
    _COMMON
    + r"""
local upto, at_most, found, start = tonumber(ARGV[1]), 2 * tonumber(ARGV[2]), {}, nil
if not whole() then return upto > 0 and {1, upto} or {} end
local n = complete_to() + 1
local base = math.floor(n / 8)
local bits = redis.call('GETRANGE', applied, base, math.floor(upto / 8))
while n <= upto and #found < at_most do
  local byte = string.byte(bits, math.floor(n / 8) - base + 1) or 0
  if n % 8 == 0 and n + 7 <= upto and ((byte == 255 and not start) or (byte == 0 and start)) then
    n = n + 8
  else
    local is_set = math.floor(byte / 2 ^ (7 - n % 8)) % 2 == 1
    if is_set and start then found[#found + 1] = start; found[#found + 1] = n - 1; start = nil
    elseif not is_set and not start then start = n end
    n = n + 1
  end
end
if start and #found < at_most then found[#found + 1] = start; found[#found + 1] = upto end
return found
"""
)

# ARGV: slot, worker, lease until (ms; 0 gives it back), now (ms) → 1, or 0 where the slot is not in work or another's
LEASE = (
    _COMMON
    + r"""
if not whole() then return 0 end
local lease = redis.call('ZSCORE', processing, ARGV[1])
if not lease then return 0 end
local field = 'worker:' .. ARGV[1]
local worker = redis.call('HGET', meta, field)
if ARGV[3] == '0' then
  if worker ~= ARGV[2] then return 0 end
  redis.call('HDEL', meta, field)
  redis.call('ZADD', processing, ARGV[4], ARGV[1])
  return 1
end
if worker and worker ~= ARGV[2] and tonumber(lease) > tonumber(ARGV[4]) then return 0 end
redis.call('HSET', meta, field, ARGV[2])
redis.call('ZADD', processing, ARGV[3], ARGV[1])
return 1
"""
)

DROP = "return redis.call('UNLINK', unpack(KEYS))"


class LuaScript:
    """A script that is sent as its hash, and in full to a server that does not know it yet.

    redis-py's own `Script` loads it into every master of a cluster first: one that is down would stop all the others.
    """

    def __init__(self, text: str) -> None:
        """Hash the text once."""
        self.text = text
        self._sha1 = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    def __call__(self, client: SessionRedis, keys: Sequence[str], arguments: Sequence[str | int]) -> Any:
        """Run it; raises what redis-py raises."""
        everything: list[Any] = [*keys, *arguments]
        try:
            return client.evalsha(self._sha1, len(keys), *everything)
        except NoScriptError:
            return client.eval(self.text, len(keys), *everything)


apply, begin, read = LuaScript(APPLY), LuaScript(BEGIN), LuaScript(READ)
standing, missing, lease, drop = LuaScript(STANDING), LuaScript(MISSING), LuaScript(LEASE), LuaScript(DROP)
SCRIPTS = (apply, begin, read, standing, missing, lease, drop)
