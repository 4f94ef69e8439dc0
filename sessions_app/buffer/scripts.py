"""The Lua scripts: one per state change of a buffer, one round trip each.

All take KEYS meta, order, bodies, processing. A slot holds the blocks of one input (a long one's in several slots,
"<sequence>-<n>") or of one asset ("<sequence>a<n>"); its body is "<revision>|<JSON array of blocks>". A body is only
ever replaced by one of a higher revision, so that a late or doubled message can't undo a newer one. `meta` is the mark
of completeness: without it nothing is written, and the caller rebuilds from the journal.
"""

from __future__ import annotations

# ARGV: TTL (s), loaded at (ISO 8601; empty: only where a buffer is), then per slot: revision, slot, score, body,
# leased until (ms, 0 = finished) → slots written, -1 where no buffer is
WRITE = """
if ARGV[2] ~= '' then redis.call('HSET', KEYS[1], 'loaded_at', ARGV[2])
elseif redis.call('EXISTS', KEYS[1]) == 0 then return -1 end
local written = 0
for i = 3, #ARGV, 5 do
  local stored = redis.call('HGET', KEYS[3], ARGV[i + 1])
  if not stored or tonumber(string.match(stored, '^(%d+)|')) < tonumber(ARGV[i]) then
    redis.call('ZADD', KEYS[2], ARGV[i + 2], ARGV[i + 1])
    redis.call('HSET', KEYS[3], ARGV[i + 1], ARGV[i] .. '|' .. ARGV[i + 3])
    if tonumber(ARGV[i + 4]) > 0 then redis.call('ZADD', KEYS[4], ARGV[i + 4], ARGV[i + 1])
    else redis.call('ZREM', KEYS[4], ARGV[i + 1]) end
    written = written + 1
  end
end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[1]) end
return written
"""

# ARGV: first, last position, TTL (s) → false without a buffer, else {slots in all, slots in work, bodies...}
READ = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
for i = 1, 4 do redis.call('EXPIRE', KEYS[i], ARGV[3]) end
local found = {redis.call('ZCARD', KEYS[2]), redis.call('ZCARD', KEYS[4])}
local slots = redis.call('ZRANGE', KEYS[2], ARGV[1], ARGV[2])
if #slots > 0 then
  for _, body in ipairs(redis.call('HMGET', KEYS[3], unpack(slots))) do found[#found + 1] = body end
end
return found
"""
