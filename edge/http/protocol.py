"""The fast road: uvicorn's `http` class, which answers clicks itself and hands everything else to the Starlette app.

Three ways to read a request, each for what the one before does not know:

    known      the head's bytes were seen before: look-ups, and no header is looked at          `data_received`
    read       any other head: httptools, header by header, however it was cut or pipelined     `Conversation`
    handed on  what asks for no link: uvicorn's own protocol gets its bytes, and so the app     `HandedOn`

All come to `Clicks`, and all answer on the same connection, in order, which stays on the fast road.

# Notes: why heads are remembered. Of a browser's request only the first line and, behind a proxy, X-Forwarded-For
# differ from visitor to visitor; the rest (Host, User-Agent, hints, Accept, ...) is shared by thousands. So the rest,
# cut out, is the key of what it says. Nothing passes that httptools would not take: the key was read by it before, byte
# for byte; the first line is `GET /<slug in memory>`, a query of printable ASCII and `HTTP/1.1`; X-Forwarded-For is
# letters and digits of addresses. PERFORMANCE.md has the figures, and what else was tried.
"""

import re
from typing import Final

from edge.clicks.click import Clicks
from edge.clicks.plan import Link
from edge.clicks.visitors import MAX_FORWARDED_BYTES, Caller, Sender
from edge.http.conversation import Conversation
from edge.http.head import MAX_TARGET_BYTES
from edge.http.known_heads import LINE_END, VERSION_BYTES
from edge.http.responses import ENDING
from edge.http.sweep import Sweep
from edge.rules.cache import Entry

_QUERY: Final = re.compile(rb"[!\"$-~]*")
_ADDRESS_BYTES: Final = b"0123456789abcdefABCDEF.:, "


class ClickProtocol(Conversation):
    """One connection. Use `protocol_for`, which makes the class that uvicorn can build connections from."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Answer a request whose head is known; leave every other to `_read`.

        Long for this house, and in one piece: a call costs as much here as three look-ups.
        """
        clicks = self._clicks
        turn = clicks.turn
        if not turn.begun:
            turn.begin()
        line_end = data.find(LINE_END, 5)
        if line_end < 0 or not self._ready or data[:5] != b"GET /":
            return self._read(data)
        known, visitors = self._known, clicks.visitors
        head = known.without_cuts(data, line_end) if known.cuts else data
        begin = known.forwarded_for
        if begin:
            start = head.rfind(begin, line_end)
            stop = head.find(b"\r\n", start + 2)
            if start < 0:
                return self._read(data)
            key, address_key = head[line_end + VERSION_BYTES : start] + head[stop:], head[start + len(begin) : stop]
        else:
            key, address_key = head[line_end + VERSION_BYTES :], self._address_key
        sender = known.senders.young.get(key) or known.senders.find(key)
        if sender is None:
            return self._read(data)
        path, _, query = data[5:line_end].partition(b"?")
        entry = clicks.lookup((sender.domain, path.decode("latin-1")))  # type: ignore[arg-type]  # a Key costs 0.1 us
        if not isinstance(entry, Entry) or (query and query not in clicks.queries.young and not _is_plain(query)):
            return self._read(data)
        link = entry.memo
        if not isinstance(link, Link):
            link = clicks.link_of(entry)
        caller = visitors.callers.young.get((address_key, sender)) or self._caller_of(sender, address_key)
        if caller is None or clicks.now_ms >= link.until:
            return self._read(data)
        location = clicks.redirect(link, caller, query)
        ending = ENDING
        if self._peer.trusted:
            ending = clicks.trusted_endings.get(link.revision) or clicks.trusted_ending(link)
        turn.responses.append((self._write, turn.openings[link.status] + location + ending))
        self._active = True
        return None

    def _caller_of(self, sender: Sender, address_key: bytes) -> Caller | None:
        """Return the visitor whom X-Forwarded-For names; None where it is not spelt as proxies do."""
        peer, is_peer = self._peer, address_key is self._address_key
        if not is_peer and (address_key.translate(None, _ADDRESS_BYTES) or len(address_key) > MAX_FORWARDED_BYTES):
            return None
        return self._clicks.visitors.caller_of(sender, peer.address, b"" if is_peer else address_key)


def protocol_for(clicks: Clicks) -> type[ClickProtocol]:
    """Return the class to give to `uvicorn.Config(http=...)`, all of whose connections serve `clicks`."""
    return type("BoundClickProtocol", (ClickProtocol,), {"clicks": clicks, "sweep": Sweep(), "__slots__": ()})


def _is_plain(query: bytes) -> bool:
    """Tell whether a query is what httptools takes, and no longer than a target may be."""
    return len(query) <= MAX_TARGET_BYTES - 128 and _QUERY.fullmatch(query) is not None
