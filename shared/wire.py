"""What travels between control and edge through Redis: names, head, values, announcements, leases.

Everything is JSON. A reader refuses what it does not fully understand with `Malformed`, and raises nothing else.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import fields as fields_of
from typing import Any, Final, NamedTuple

import orjson

from shared.key import Key

TAG: Final = "{t0}"
"""Hash tag of everything: one shard, so that one script can read or write all of it atomically."""

HEAD: Final = f"{TAG}head"
LOG: Final = f"{TAG}log"
CHANNEL: Final = f"{TAG}inv"
EDGES: Final = f"{TAG}edges"
"""Set of the lease keys ever written; a member whose key has lapsed is an edge nobody hears from."""

CLICKS: Final = f"{TAG}clicks"
CLICKS_DONE: Final = f"{TAG}clicks:done"
CLICKS_COUNTS: Final = f"{TAG}clicks:counts"
"""In the clicks Redis: the stream of batches; the hash boot -> highest batch up to which SQL has every one; the hash
boot -> what its worker counts at this moment (JSON: host, slot, produced, dropped by reason)."""

DOMAINS: Final = "domains"
SALTS: Final = "salts"
"""Keys that every worker holds at all times, for they are small: registered hosts; visitor-hash salts by UTC day."""

MAX_INLINE_BYTES: Final = 16 * 1024
"""An announcement carries its values up to this size; above it, edges fetch them."""

LEASE_TTL_MS: Final = 10_000


class Malformed(ValueError):
    """Bytes that are not what their place in Redis says they are."""


def redis_key(key: str) -> str:
    """Return the Redis name of a published key (`o:<offer id>`, `k:<domain>/<slug>`, `domains`, `salts`)."""
    return TAG + key


def table_key(offer_id: str) -> str:
    """Return the published key of an offer's table."""
    return f"o:{offer_id}"


def pointer_key(key: Key) -> str:
    """Return the published key of what a slug points at."""
    return f"k:{key.domain}/{key.slug}"


def worker_name(host: str, slot: int) -> str:
    """Return what a worker is called among all: it stays through restarts."""
    return f"{host}/{slot}"


def lease_key(host: str, slot: int) -> str:
    """Return the Redis name of a worker's lease."""
    return f"{TAG}edge:{worker_name(host, slot)}"


class Version(NamedTuple):
    """The total order of all publishes: lineage first, place in it second."""

    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Head:
    """Where Redis stands: `state` is `loading` while a rebuild writes, else `ready`."""

    epoch: int
    sequence: int
    hash: str
    state: str = "ready"

    @property
    def ready(self) -> bool:
        """Whether absence in Redis means that a key does not exist."""
        return self.state == "ready"

    @property
    def version(self) -> Version:
        """Epoch and sequence, comparable."""
        return Version(self.epoch, self.sequence)


@dataclass(frozen=True, slots=True)
class Value:
    """One stored value: what was published last for `key`; `body` None is a tombstone (deleted)."""

    version: Version
    key: str
    body: Any


@dataclass(frozen=True, slots=True)
class Announcement:
    """One transaction that went live. `values` are the stored bytes, in the order of `keys`, or None when too large.

    `before` and `hash` are the chain's before and after it, "" where its writer does not say. The same fields are an
    entry of the log, where `values` is always None.
    """

    epoch: int
    previous: int
    sequence: int
    keys: tuple[str, ...]
    values: tuple[bytes, ...] | None = None
    before: str = ""
    hash: str = ""


@dataclass(frozen=True, slots=True)
class Lease:
    """What one worker says of itself. `stale` until it has caught up; `nacks` are refused values, newest last.

    `boot` is new for every process; `workers` is how many slots its host runs; `schema` the newest it understands.
    `address` is where its host answers visitors (`10.0.0.5:8080`), "" where it does not say; `geo_built_at` when its
    country database was built, in seconds since 1970, 0 without one. Of its last seconds: `per_second` redirects, 99 of
    100 answered within `p99_us` microseconds of being read (0 without any), in `memory_bytes`. `replaced` counts the
    processes that died in its place before this one, since its host was started. `forked` is the epoch in which Redis
    has another history than this worker has followed, 0 where it has not.
    """

    host: str
    slot: int
    workers: int
    boot: str
    schema: int
    epoch: int
    acked: int
    state: str
    started_at: int
    nacks: tuple["Nack", ...] = ()
    address: str = ""
    geo_built_at: int = 0
    per_second: int = 0
    p99_us: int = 0
    memory_bytes: int = 0
    replaced: int = 0
    forked: int = 0


@dataclass(frozen=True, slots=True)
class Nack:
    """A published value that a worker refused, and why; the one before it keeps serving."""

    key: str
    sequence: int
    reason: str


def chain_hash(previous: str, sequence: int, changes: Iterable[tuple[str, bytes | None]]) -> str:
    """Return the hash of a transaction and all before it, over keys and bodies (None: deleted) in their order."""
    digest = hashlib.blake2b(f"{previous}\n{sequence}\n".encode(), digest_size=16)
    for key, body in changes:
        digest.update(f"{key}\n{-1 if body is None else len(body)}\n".encode())
        digest.update(body or b"")
    return digest.hexdigest()


def encode_head(head: Head) -> bytes:
    """Return the head's stored form."""
    return orjson.dumps({"epoch": head.epoch, "sequence": head.sequence, "hash": head.hash, "state": head.state})


def decode_head(raw: bytes) -> Head:
    """Return the head in `raw`. Raises Malformed."""
    fields = _object(raw)
    epoch, sequence = _count(fields, "epoch"), _count(fields, "sequence")
    state, digest = fields.get("state"), fields.get("hash")
    if state not in ("loading", "ready") or not isinstance(digest, str):
        raise Malformed("a head has a hash and a state, loading or ready")
    return Head(epoch, sequence, digest, state)


def encode_value(version: Version, key: str, body: bytes | None) -> bytes:
    """Return the stored form of a compiled body (JSON bytes, embedded as they are) or of a tombstone."""
    name = orjson.dumps(key)
    return b'{"epoch":%d,"sequence":%d,"key":%s,"body":%s}' % (*version, name, b"null" if body is None else body)


def decode_value(raw: bytes, key: str) -> Value:
    """Return the value in `raw`, which must say that it belongs to `key`. Raises Malformed."""
    fields = _object(raw)
    if fields.get("key") != key:
        raise Malformed(f"a value of another key is stored under {key[:100]}")
    if "body" not in fields:
        raise Malformed("a value without body")
    return Value(Version(_count(fields, "epoch"), _count(fields, "sequence")), key, fields["body"])


def encode_announcement(announcement: Announcement) -> bytes:
    """Return the published form; values larger than 16 KiB together are left for the edges to fetch."""
    values = announcement.values
    if values is not None and sum(map(len, values)) > MAX_INLINE_BYTES:
        values = None
    return orjson.dumps(
        {
            "epoch": announcement.epoch,
            "previous": announcement.previous,
            "sequence": announcement.sequence,
            "keys": announcement.keys,
            "values": None if values is None else [value.decode() for value in values],
            "before": announcement.before,
            "hash": announcement.hash,
        }
    )


def decode_announcement(raw: bytes) -> Announcement:
    """Return the announcement in `raw`. Raises Malformed."""
    fields = _object(raw)
    keys = _texts(fields, "keys")
    values = None if fields.get("values") is None else _texts(fields, "values")
    if values is not None and len(values) != len(keys):
        raise Malformed("an announcement has as many values as keys, or none")
    return Announcement(
        _count(fields, "epoch"),
        _count(fields, "previous"),
        _count(fields, "sequence"),
        keys,
        None if values is None else tuple(value.encode() for value in values),
        _text(fields, "before"),
        _text(fields, "hash"),
    )


def encode_lease(lease: Lease) -> bytes:
    """Return the lease's stored form."""
    return orjson.dumps(lease)


def decode_lease(raw: bytes) -> Lease:
    """Return the lease in `raw`; a newer edge may say more than this reader understands. Raises Malformed."""
    fields = _object(raw)
    try:
        nacks = tuple(Nack(**nack) for nack in fields.pop("nacks", ()))
        lease = Lease(**{name: fields[name] for name in fields.keys() & _LEASE_FIELDS}, nacks=nacks)
    except TypeError as exc:
        raise Malformed("a lease with other fields than this reader's") from exc
    if not (_has_types(lease) and all(map(_has_types, nacks))):
        raise Malformed("a lease's field is of the wrong type")
    return lease


_LEASE_FIELDS: Final = frozenset(field.name for field in fields_of(Lease))


def _has_types(record: Lease | Nack) -> bool:
    """Tell whether the fields have the types that are declared: int, str, and for anything else a tuple."""
    return all(
        type(getattr(record, field.name)) is (field.type if field.type in (int, str) else tuple)
        for field in fields_of(record)
    )


def _object(raw: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise Malformed("not JSON") from exc
    if not isinstance(fields, dict):
        raise Malformed("not an object")
    return fields


def _count(fields: dict[str, Any], name: str) -> int:
    value = fields.get(name)
    if type(value) is not int or value < 0:
        raise Malformed(f"{name} is not a count")
    return value


def _text(fields: dict[str, Any], name: str) -> str:
    """Return a text that an older writer may have left out."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise Malformed(f"{name} is not a text")
    return value


def _texts(fields: dict[str, Any], name: str) -> tuple[str, ...]:
    value = fields.get(name)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise Malformed(f"{name} is not a list of texts")
    return tuple(value)
