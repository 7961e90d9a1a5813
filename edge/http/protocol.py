"""The fast road: uvicorn's `http` class, which answers clicks itself and hands everything else to the Starlette app.

Three ways to read a request, each for what the one before does not know:

    known      the head's bytes were seen before: look-ups, and no header is looked at          `answer`
    read       any other head: httptools, header by header, however it was cut or pipelined     `Conversation`
    handed on  what asks for no link: uvicorn's own protocol gets its bytes, and so the app     `HandedOn`

All come to `Clicks`, and all answer on the same connection, in order, which stays on the fast road.

# Notes: why heads are remembered. Of a browser's request only the first line and, behind a proxy, X-Forwarded-For
# differ from visitor to visitor; the rest (Host, User-Agent, hints, Accept, ...) is shared by thousands. So the rest,
# cut out, is the key of what it says. Nothing passes that httptools would not take: the key was read by it before, byte
# for byte; the first line is `GET /<slug in memory>`, a query of printable ASCII and `HTTP/1.1`; X-Forwarded-For is
# letters and digits of addresses. PERFORMANCE.md has the figures, and what else was tried.
#
# Why a turn's requests are answered together: between two polls all sockets are read, then all requests answered, then
# all events written, then all responses. Each stage finds its code and data in the processor's caches, where one
# request at a time would find the kernel's.
"""

import re
from collections.abc import Iterable
from functools import partial
from typing import Final

from edge.clicks.click import Clicks
from edge.clicks.plan import Link
from edge.clicks.visitors import MAX_FORWARDED_BYTES, Caller, Sender
from edge.http.conversation import Conversation
from edge.http.head import MAX_HEAD_BYTES, MAX_TARGET_BYTES
from edge.http.known_heads import LINE_END, VERSION, HeadKey
from edge.http.responses import ENDING
from edge.http.sweep import Sweep
from edge.rules.cache import Entry

_QUERY: Final = re.compile(rb"[!\"$-~]*")
_ADDRESS_BYTES: Final = b"0123456789abcdefABCDEF.:, "


class ClickProtocol(Conversation):
    """One connection. Use `protocol_for`, which makes the class that uvicorn can build connections from."""

    __slots__ = ()

    def data_received(self, data: bytes) -> None:
        """Put what came with the rest of this turn; `answer` takes all of it."""
        turn = self.turn
        if not turn.begun:
            turn.begin()
        turn.requests.append((self, data))

    def caller_of(self, sender: Sender, address_key: bytes) -> Caller | None:
        """Return the visitor whom X-Forwarded-For names; None where it is not spelt as proxies do."""
        peer, is_peer = self.peer, address_key is self.address_key
        if not is_peer and (address_key.translate(None, _ADDRESS_BYTES) or len(address_key) > MAX_FORWARDED_BYTES):
            return None
        return self._clicks.visitors.caller_of(sender, peer.address, b"" if is_peer else address_key)


def protocol_for(clicks: Clicks) -> type[ClickProtocol]:
    """Return the class to give to `uvicorn.Config(http=...)`, all of whose connections serve `clicks`."""
    clicks.turn.answer = partial(answer, clicks)
    return type("BoundClickProtocol", (ClickProtocol,), {"clicks": clicks, "sweep": Sweep(), "__slots__": ()})


def answer(clicks: Clicks, requests: Iterable[tuple[ClickProtocol, bytes]]) -> None:
    """Answer what came in one turn: requests with known heads here, all else by `Conversation.read`.

    Long for this house, and in one piece: a call costs as much here as three look-ups.
    """
    turn, lookup, redirect = clicks.turn, clicks.lookup, clicks.redirect
    callers, queries, endings = clicks.visitors.callers.young, clicks.queries.young, clicks.trusted_endings
    for connection, data in requests:
        try:
            line, _, rest = data.partition(VERSION)
            method, _, target = line.partition(b" /")
            if method != b"GET" or not connection.ready:
                connection.read(data)
                continue
            known, address = connection.known, connection.address_key
            key: HeadKey
            if known.cuts:
                rest = known.without_cuts(rest) if len(data) <= MAX_HEAD_BYTES else b""
            if known.forwarded_for:
                before, _, after = rest.rpartition(known.forwarded_for)
                address, _, after = after.partition(LINE_END)
                key = before if after == LINE_END else (before, after)
            else:
                key = rest
            sender = known.senders.young.get(key) or known.senders.find(key)
            if sender is None:
                connection.read(data)
                continue
            path, _, query = target.partition(b"?")
            entry = lookup((sender.domain, path.decode("latin-1")))  # type: ignore[arg-type]  # a Key costs 0.1 us
            if not isinstance(entry, Entry) or (query and query not in queries and not _is_plain(query)):
                connection.read(data)
                continue
            link: Link = entry.memo or clicks.link_of(entry)
            caller = callers.get((address, sender)) or connection.caller_of(sender, address)
            if caller is None or clicks.now_ms >= link.until:
                connection.read(data)
                continue
            location = redirect(link, caller, query)
            ending = ENDING
            if known.forwarded_for:
                ending = endings.get(link.revision) or clicks.trusted_ending(link.revision)
            turn.responses.append((connection.write, turn.openings[link.status] + location + ending))
            connection.active = True
        except Exception as exc:  # a fault of ours costs one connection, and nobody else of the turn
            connection.fail(exc)


def _is_plain(query: bytes) -> bool:
    """Tell whether a query is what httptools takes, and no longer than a target may be."""
    return len(query) <= MAX_TARGET_BYTES - 128 and _QUERY.fullmatch(query) is not None
