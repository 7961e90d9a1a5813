"""Whether something read from Redis, a replica or a snapshot may be used: the one place that decides it."""

from edge.rules.floors import Floors
from edge.rules.published import Refused, Stored, read_value
from shared.wire import Head, Version

NOTHING = Stored(None, b"")


def judge(key: str, raw: bytes | None, head: Head | None, floors: Floors) -> Stored | None:
    """Return what the bytes read for `key` together with `head` may be taken for; None: nothing vouches for them.

    What a ready head's lineage did not write is left over from one that ended, and no longer exists. Raises Refused for
    what is not a value of this key, and where Redis contradicts what it announced.
    """
    if raw is None:
        return NOTHING if floors.admits_absence(key, head) else None
    value = read_value(key, raw)
    if head is not None and head.ready and value.version.epoch < head.epoch:
        return judge(key, None, head, floors)
    if head is not None and value.version > head.version:
        if not head.ready:  # a rebuild may be ahead of its head for a moment
            return None
        raise Refused(key, "newer than its head", value.version.sequence)
    if floors.admits(key, value.version, head):
        return Stored(value, raw)
    if floors.admits_absence(key, head):
        raise Refused(key, "older than what was announced", value.version.sequence)
    return None


def judge_kept(key: str, raw: bytes, kept_at: Version, floors: Floors) -> Stored | None:
    """Return what may be made of bytes in a snapshot of which nothing is older than `kept_at`. Raises Refused."""
    value = read_value(key, raw)
    passes = max(value.version, kept_at) >= floors.for_all and value.version >= floors.of(key)
    return Stored(value, raw) if passes else None
