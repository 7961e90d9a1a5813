"""What a worker asks the rules Redis at once, as Lua that 6.2 understands; `replies.py` reads what the reads return.

These return the head first, read in the same instant as everything else: what Redis holds at that instant is the
outcome of all transactions up to that head. Keys are all in one hash slot (`{t0}`), named or derived.
"""

from typing import Final

from shared import wire

_GET: Final = """
local function get(name)  -- what is not a string is no value of ours, and must not fail the whole read
    local value = redis.pcall('GET', name)
    return type(value) == 'table' and 'not a string' or value
end
"""

_OFFER_OF: Final = """
local function offer_of(raw)
    local ok, value = pcall(cjson.decode, raw)
    local body = ok and type(value) == 'table' and value.body
    local offer = type(body) == 'table' and body.offer
    return type(offer) == 'string' and offer or nil
end
"""

MISSES: Final = (
    _GET
    + _OFFER_OF
    + f"""
-- KEYS: head, then pointers. Returns head, pointers, the place of each one's table (0: none), and the tables.
local pointers, places, tables, place_of = {{}}, {{}}, {{}}, {{}}
for n = 2, #KEYS do
    local pointer = get(KEYS[n])
    local offer = pointer and offer_of(pointer)
    if offer and not place_of[offer] then
        tables[#tables + 1] = get('{wire.redis_key("o:")}' .. offer)
        place_of[offer] = #tables
    end
    pointers[n - 1] = pointer
    places[n - 1] = offer and place_of[offer] or 0
end
return {{get(KEYS[1]), pointers, places, tables}}
"""
)
"""Many misses cost Redis one call, and a table travels once for all links of its offer."""

READ: Final = (
    _GET
    + """
-- KEYS: head, and any others. Returns what they hold, in this order.
local values = {}
for n, name in ipairs(KEYS) do values[n] = get(name) end
return values
"""
)

MAX_PAGE_ENTRIES: Final = 256
MAX_PAGE_KEYS: Final = 1_000
MAX_PAGE_BYTES: Final = 4 * 1024 * 1024

PAGE: Final = (
    _GET
    + _OFFER_OF
    + f"""
-- KEYS: head, log. ARGV: epoch, first sequence, most entries, keys and bytes of a page.
-- Returns head, entries, the names in them and of the tables that named pointers point at, and what these hold; only
-- the head where its epoch is another. A table left out for its size is read by the edge that needs it.
local max_keys, max_bytes = tonumber(ARGV[4]), tonumber(ARGV[5])
local names, values, seen, bytes = {{}}, {{}}, {{}}, 0
local function add(name)
    if seen[name] then return end
    seen[name] = true
    local value = get('{wire.TAG}' .. name)
    names[#names + 1] = name
    values[#values + 1] = value
    bytes = bytes + (value and #value or 0)
    return value
end
local function keys_of(raw)
    local ok, announcement = pcall(cjson.decode, raw)
    return ok and type(announcement) == 'table' and type(announcement.keys) == 'table' and announcement.keys or nil
end
local head = get(KEYS[1])
local ok, lineage = pcall(cjson.decode, head or '')
if not ok or type(lineage) ~= 'table' or lineage.epoch ~= tonumber(ARGV[1]) then return {{head, {{}}, {{}}, {{}}}} end
local entries = {{}}
for _, entry in ipairs(redis.call('XRANGE', KEYS[2], ARGV[2] .. '-0', '+', 'COUNT', ARGV[3])) do
    local keys = keys_of(entry[2][2])
    if #entries > 0 and (bytes > max_bytes or #names + #(keys or {{}}) > max_keys) then break end
    entries[#entries + 1] = entry[2][2]
    for _, name in ipairs(keys or {{}}) do
        local value = type(name) == 'string' and add(name)
        local offer = value and string.sub(name, 1, 2) == 'k:' and offer_of(value)
        if offer and bytes < max_bytes then add('o:' .. offer) end
    end
end
return {{head, entries, names, values}}
"""
)

LEASE: Final = (
    _GET
    + """
-- KEYS: lease, set of leases, head. ARGV: lease, ttl (ms). Writes and lists the lease; returns the head.
local written = redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if written.err then  -- 6.2 hides the kind of error behind the place in this script
    return redis.error_reply((string.gsub(written.err, '^@user_script: ?%d+: %-', '')))
end
redis.call('SADD', KEYS[2], KEYS[1])
return get(KEYS[3])
"""
)
