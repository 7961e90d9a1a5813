"""Heads that were read before: all bytes that a request shares with others, and the sender that they make."""

import re
from collections.abc import Mapping
from typing import Final

from edge.clicks.recent import Recent, SecondSight
from edge.clicks.visitors import Sender
from edge.http.head import FORWARDED_FOR
from edge.http.reader import Received

VERSION: Final = b" HTTP/1.1"
LINE_END: Final = b"\r\n"

HeadKey = bytes | tuple[bytes, bytes]
"""What heads have in common. Where a field was cut out, what stood before it, and what after unless it was the last."""

PERSONAL: Final = (
    b"cookie",
    b"x-request-id",
    b"x-real-ip",
    b"x-correlation-id",
    b"traceparent",
    b"tracestate",
    b"x-amzn-trace-id",
    b"x-amz-cf-id",
    b"x-cloud-trace-context",
    b"cf-ray",
    b"cf-connecting-ip",
    b"true-client-ip",
)
"""Fields that differ in every request and say nothing that a click is decided by."""

MAX_CUTS: Final = 4
"""Personal fields looked for in a head; each costs some 0.3 us, and any client can send one."""

MAX_BYTES: Final = 2048
_MAX_FIELDS: Final = 32
_MAX_HEADS: Final = 8192

_BEGINS: Final[Mapping[bytes, re.Pattern[bytes]]] = {
    name: re.compile(rb"\r\n%b: (?=[^ \t\r])" % name, re.IGNORECASE) for name in (FORWARDED_FOR, *PERSONAL)
}
_VALUE: Final = re.compile(rb"[\t -~\x80-\xff]*")  # what httptools takes
_UNIQUE: Final = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})


class KnownHeads:
    """What is known of one kind of peer's heads.

    A head's key is all of it from the line break after `HTTP/1.1` on, without personal fields, and without
    X-Forwarded-For where the peer is trusted. `forwarded_for` is how that field begins here (empty: it is not cut out),
    `cuts` how the personal ones do: proxies spell them as they like, but always alike.
    """

    __slots__ = ("_seen", "_trusted", "cuts", "forwarded_for", "senders")

    def __init__(self, *, trusted: bool) -> None:
        self._trusted = trusted
        self.forwarded_for = b"\r\nX-Forwarded-For: " if trusted else b""
        self.cuts: tuple[bytes, ...] = ()
        self.senders: Recent[HeadKey, Sender] = Recent(_MAX_HEADS)
        self._seen = SecondSight()

    def clear(self) -> None:
        """Forget all senders: what a Host means has changed."""
        self.senders.clear()

    def without_cuts(self, fields: bytes) -> bytes:
        """Return fields, from the end of the first line on, without personal ones; nothing where one is malformed."""
        for begin in self.cuts:
            before, found, after = fields.rpartition(begin)
            if found:
                value, line_end, after = after.partition(LINE_END)
                if not (line_end and _VALUE.fullmatch(value)):
                    return b""
                fields = before + line_end + after
        return fields

    def new_key(self, received: Received) -> HeadKey | None:
        """Return the key of a head that was just read, where it should be remembered now: at its second sight.

        Known can be what keeps its connection and names no field twice, none that is about more than its head.
        """
        head = received.head
        if not (received.keeps_alive and len(head.headers) == len(head.fields) <= _MAX_FIELDS):
            return None
        if not _UNIQUE.isdisjoint(head.headers) or (self._trusted and FORWARDED_FOR not in head.headers):
            return None
        key = self._learn(received)
        if key is None or self.senders.find(key) is not None or not self._seen.has(key):
            return None
        return key

    def _learn(self, received: Received) -> HeadKey | None:
        """Learn how fields are spelled here; return the head's key, None where it cannot be cut."""
        raw, headers = received.raw, received.head.headers
        for name in PERSONAL:
            if name in headers and len(self.cuts) < MAX_CUTS:
                begin = _BEGINS[name].search(raw)
                if begin is not None and begin[0] not in self.cuts:
                    self.cuts = (*self.cuts, begin[0])
        fields = self.without_cuts(raw.partition(VERSION)[2])
        if len(fields) > MAX_BYTES:
            return None
        return self._without_address(fields, headers[FORWARDED_FOR]) if self._trusted else fields

    def _without_address(self, fields: bytes, address: bytes) -> HeadKey | None:
        """Cut X-Forwarded-For out, and learn anew how it is spelled where that has changed."""
        if self.forwarded_for not in fields:
            begin = _BEGINS[FORWARDED_FOR].search(fields)
            if begin is None:
                return None
            self.forwarded_for = begin[0]
        before, _, after = fields.rpartition(self.forwarded_for)
        value, _, after = after.partition(LINE_END)
        if value != address:
            return None
        return before if after == LINE_END else (before, after)
