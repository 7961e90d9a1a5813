"""Heads that were read before: all bytes that a request shares with others, and the sender that they make."""

import re
from typing import Final

from edge.head import FORWARDED_FOR
from edge.reader import Received
from edge.recent import Recent
from edge.visitors import Sender

MAX_BYTES: Final = 2048
_MAX_HEADS: Final = 4096
_MAX_SEEN_ONCE: Final = 16_384
"""Hashes of heads seen once, a megabyte of them: one with a cookie never comes again, and is not worth its place."""

LINE_END: Final = b" HTTP/1.1\r\n"
VERSION_BYTES: Final = len(b" HTTP/1.1")
USUAL_ANCHOR: Final = b"\r\nX-Forwarded-For: "
_FORWARDED_FOR: Final = re.compile(rb"\r\n(%b): (?=[^ \t])" % FORWARDED_FOR, re.IGNORECASE)
_NEVER_SHARED: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade", b"x-turnout-debug"})


class KnownHeads:
    """Known heads of one kind of peer. A key is a head from the line break after `HTTP/1.1` to its end, without the
    line of X-Forwarded-For where the peer is trusted. `young` has most of them, for look-ups without a call.
    """

    __slots__ = ("_seen_once", "senders")

    def __init__(self) -> None:
        self.senders: Recent[bytes, Sender] = Recent(_MAX_HEADS)
        self._seen_once: set[int] = set()

    def clear(self) -> None:
        """Forget all: what a Host means has changed."""
        self.senders.clear()

    def is_due(self, key: bytes) -> bool:
        """Tell whether a head was seen for the second time and is worth remembering."""
        seen = hash(key)
        if seen in self._seen_once:
            self._seen_once.discard(seen)
            return True
        if len(self._seen_once) >= _MAX_SEEN_ONCE:
            self._seen_once.clear()
        self._seen_once.add(seen)
        return False


def key_of(received: Received, *, trusted: bool) -> tuple[bytes, bytes] | None:
    """Return a head's key and how its X-Forwarded-For begins (empty where not cut out); None: it must not be known.

    Known can be a GET that keeps its connection and names no field twice, none that is about more than this one head.
    """
    head, raw = received.head, received.raw
    if not head.is_get or not received.keeps_alive or len(head.headers) != len(head.fields) or len(raw) > 2 * MAX_BYTES:
        return None
    if not _NEVER_SHARED.isdisjoint(head.headers):
        return None
    start = raw.find(LINE_END) + VERSION_BYTES
    if not trusted:
        return (raw[start:], b"") if len(raw) - start <= MAX_BYTES else None
    match = _FORWARDED_FOR.search(raw, start)
    if match is None:
        return None
    stop = raw.find(b"\r\n", match.end())
    if raw[match.end() : stop] != head.headers[FORWARDED_FOR]:
        return None
    key = raw[start : match.start()] + raw[stop:]
    return (key, match[0]) if len(key) <= MAX_BYTES else None
