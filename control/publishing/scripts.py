"""The Lua that Redis runs, each script one atomic step; Redis 6.2 and newer.

The scripts compare heads byte for byte (`wire.encode_head` has one spelling) and never decode JSON. Where they must
know how new a stored value is, they read the fixed beginning that `wire.encode_value` gives it; a value that does not
begin so is nothing this program wrote, and counts as older than anything.
"""

from typing import Final

_VERSION_OF: Final = """
local function version_of(key)
  local start = redis.call('GETRANGE', key, 0, 63)
  local epoch, sequence = string.match(start, '^{"epoch":(%d+),"sequence":(%d+),')
  return tonumber(epoch) or -1, tonumber(sequence) or -1
end
"""

_STORE: Final = """
local function store(key, value, is_tombstone, ttl_ms)
  if is_tombstone == '1' then
    redis.call('SET', key, value, 'PX', ttl_ms)
  else
    redis.call('SET', key, value)
  end
end
"""

PUBLISH: Final = (
    _STORE
    + """
-- Carries a batch of transactions. Returns 1, or the head found where it is not the expected one (false: none).
-- KEYS: head, log, channel, then one key a change
-- ARGV: head expected when ready, when loading; new head when ready, when loading; tombstone ttl (ms); log bound;
--       number of transactions; sequence, log entry and message of each; value and is-tombstone of each change
local head = redis.call('GET', KEYS[1])
local moved
if head == ARGV[1] then moved = ARGV[3] elseif head == ARGV[2] then moved = ARGV[4] else return {0, head} end
local count = tonumber(ARGV[7])
for n = 0, count - 1 do  -- first, for it alone can fail: a log that is ahead of the head refuses the number
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], ARGV[8 + 3 * n] .. '-0', 'a', ARGV[9 + 3 * n])
end
local first = 8 + 3 * count
for n = 0, #KEYS - 4 do
  store(KEYS[4 + n], ARGV[first + 2 * n], ARGV[first + 1 + 2 * n], ARGV[5])
end
redis.call('SET', KEYS[1], moved)
for n = 0, count - 1 do
  redis.call('PUBLISH', KEYS[3], ARGV[10 + 3 * n])
end
return {1}
"""
)

BEGIN_REBUILD: Final = """
-- Puts a loading head of a higher epoch in place of the head expected ('' for none), and starts the log anew.
-- KEYS: head, log; ARGV: expected head, new head. Returns 1, or 0 where another head is found.
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[2])
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""

FILL: Final = (
    _VERSION_OF
    + """
-- Sets each key whose stored version is lower, while the head still is this rebuild's. Returns 1, or 0 where it is not.
-- KEYS: head, then one key a value; ARGV: how this rebuild's head begins, epoch; sequence and value of each
local head = redis.call('GET', KEYS[1]) or ''
if string.sub(head, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
local epoch = tonumber(ARGV[2])
for n = 0, #KEYS - 2 do
  local stored_epoch, stored_sequence = version_of(KEYS[2 + n])
  local sequence = tonumber(ARGV[3 + 2 * n])
  if stored_epoch < epoch or (stored_epoch == epoch and stored_sequence < sequence) then
    redis.call('SET', KEYS[2 + n], ARGV[4 + 2 * n])
  end
end
return 1
"""
)

BURY: Final = (
    _VERSION_OF
    + """
-- Puts a tombstone over each key that this rebuild did not write, for SQL does not have it. Returns 1, or 0 as above.
-- KEYS: head, then one key a tombstone; ARGV: how this rebuild's head begins, epoch, tombstone ttl (ms); the tombstones
local head = redis.call('GET', KEYS[1]) or ''
if string.sub(head, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
for n = 0, #KEYS - 2 do
  local stored_epoch = version_of(KEYS[2 + n])
  if stored_epoch < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[2 + n], ARGV[4 + n], 'PX', ARGV[3])
  end
end
return 1
"""
)

FINISH_REBUILD: Final = """
-- Makes a loading head ready and wakes the edges. KEYS: head, channel; ARGV: head expected, head when ready, message.
-- Returns 1, or 0 where another head is found.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('PUBLISH', KEYS[2], ARGV[3])
return 1
"""

LEASES: Final = """
-- Returns the head, the names of all leases ever written, and what each holds now (false: lapsed).
-- KEYS: the set of names, head
local names = redis.call('SMEMBERS', KEYS[1])
local leases = {}
for n, name in ipairs(names) do leases[n] = redis.call('GET', name) end
return {redis.call('GET', KEYS[2]), names, leases}
"""
