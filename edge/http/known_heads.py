"""Heads that were read before: all bytes that a request shares with others, and the sender that they make."""

import re
from collections.abc import Mapping
from typing import Final

from edge.clicks.recent import Recent, SecondSight
from edge.clicks.visitors import Sender
from edge.http.head import FORWARDED_FOR, MAX_HEAD_BYTES
from edge.http.reader import Received

LINE_END: Final = b" HTTP/1.1\r\n"
VERSION_BYTES: Final = len(b" HTTP/1.1")

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
        self.senders: Recent[bytes, Sender] = Recent(_MAX_HEADS)
        self._seen = SecondSight()

    def clear(self) -> None:
        """Forget all senders: what a Host means has changed."""
        self.senders.clear()

    def without_cuts(self, data: bytes, line_end: int) -> bytes:
        """Return a head without personal fields; empty where one holds what no field may hold."""
        for begin in self.cuts:
            start = data.rfind(begin, line_end)
            if start >= 0:
                stop = data.find(b"\r\n", start + 2)
                if len(data) > MAX_HEAD_BYTES or not _VALUE.fullmatch(data, start + len(begin), stop):
                    return b""
                data = data[:start] + data[stop:]
        return data

    def new_key(self, received: Received) -> bytes | None:
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

    def _learn(self, received: Received) -> bytes | None:
        """Learn how fields are spelled here; return the head's key, None where it cannot be cut."""
        raw, headers = received.raw, received.head.headers
        for name in PERSONAL:
            if name in headers and len(self.cuts) < MAX_CUTS:
                begin = _BEGINS[name].search(raw)
                if begin is not None and begin[0] not in self.cuts:
                    self.cuts = (*self.cuts, begin[0])
        line_end = raw.find(LINE_END)
        data = self.without_cuts(raw, line_end)
        start, end, rest = line_end + VERSION_BYTES, len(data), b""
        if self._trusted:
            end = data.rfind(self.forwarded_for, line_end)
            if end < 0:  # spelt otherwise from now on
                begin = _BEGINS[FORWARDED_FOR].search(data)
                if begin is None:
                    return None
                self.forwarded_for, end = begin[0], begin.start()
            value = end + len(self.forwarded_for)
            stop = data.find(b"\r\n", value)
            if data[value:stop] != headers[FORWARDED_FOR]:
                return None
            rest = data[stop:]
        key = data[start:end] + rest
        return key if len(key) <= MAX_BYTES else None
