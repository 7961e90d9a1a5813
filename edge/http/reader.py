"""Heads from bytes as they arrive, however they are cut: one at a time, checked by httptools, within every limit."""

import re
from typing import Final, NamedTuple

import httptools

from edge.http import responses
from edge.http.head import MAX_FIELDS, MAX_HEAD_BYTES, MAX_TARGET_BYTES, Field, Head, refusal
from edge.http.responses import Response

_END: Final = b"\r\n\r\n"
_METHOD: Final = re.compile(rb"\r?\n?(?:\r\n)*[A-Z][A-Z-]{0,30} ")
_ABSOLUTE: Final = re.compile(rb"(https?)://([^/?#]*)", re.IGNORECASE)
_UPGRADE: Final = re.compile(rb"\r\nupgrade:[^\r]*", re.IGNORECASE)
_DEFAULT_PORTS: Final = {b"http": b":80", b"https": b":443"}
_VERSION_1_1: Final = b" HTTP/1.1\r\n"


class Received(NamedTuple):
    """A head, and its bytes as they are to be handed on. `keeps_alive`: another request may follow it."""

    head: Head
    raw: bytes
    keeps_alive: bool


class Reader:
    """What one connection has sent and nobody has answered yet. `pending` is its length in bytes."""

    __slots__ = (
        "_checked",
        "_complete",
        "_data",
        "_fields",
        "_parser",
        "_start",
        "_stays",
        "_target",
        "_upgrade",
        "_whole",
    )

    def __init__(self) -> None:
        self._data = b""
        self._start = 0
        self._begin()

    @property
    def pending(self) -> int:
        """How many bytes wait to be answered."""
        return len(self._data) - self._start

    def feed(self, data: bytes) -> None:
        """Take more bytes."""
        if self._start:
            self._checked -= self._start
            self._data = self._data[self._start :]
            self._start = 0
        self._data += data

    def next(self) -> Received | Response | None:
        """Return the next whole head, the refusal that ends the connection, or None where bytes are missing."""
        while self._checked < len(self._data):
            end = self._data.find(_END, max(self._start, self._checked - len(_END) + 1))
            piece_end = len(self._data) if end < 0 else end + len(_END)
            answer = self._check(piece_end)
            if answer is not None:
                return answer
            if self._complete:
                return self._take(piece_end)
            if end >= 0:  # empty lines before a request line are ignored
                self._start = piece_end
        return None

    # httptools calls these

    def on_url(self, url: bytes) -> None:
        """Take a part of the target."""
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        self._fields.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Take note that the head is whole. Only now does the parser always know whether the connection stays."""
        self._complete = True
        self._stays = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        """Take note that no body follows."""
        self._whole = True

    def _begin(self) -> None:
        self._parser = httptools.HttpRequestParser(self)
        self._checked = self._start
        self._next_message()

    def _next_message(self) -> None:
        self._target = b""
        self._fields: list[Field] = []
        self._complete = self._whole = self._upgrade = self._stays = False

    def _check(self, piece_end: int) -> Response | None:
        """Parse up to `piece_end`, or so far that a limit is broken; return the refusal of what breaks one."""
        limit = self._start + MAX_HEAD_BYTES
        piece = self._data[self._checked : min(piece_end, limit + 1)]
        self._checked += len(piece)
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade:  # h2c, a WebSocket, CONNECT: the offer is not taken up
            self._upgrade = True
        except httptools.HttpParserInvalidMethodError:
            known_shape = _METHOD.match(self._data, self._start)
            return responses.METHOD_NOT_ALLOWED if known_shape else responses.BAD_REQUEST
        except httptools.HttpParserError:
            return self._too_large(limit) or responses.BAD_REQUEST
        return self._too_large(limit)

    def _too_large(self, limit: int) -> Response | None:
        if len(self._target) > MAX_TARGET_BYTES:
            return responses.TARGET_TOO_LONG
        if self._checked > limit or len(self._fields) > MAX_FIELDS:
            return responses.HEAD_TOO_LARGE
        return None

    def _take(self, end: int) -> Received | Response:
        raw, self._start = self._data[self._start : end], end
        target, authority = _origin_form(self._target)
        path, _, query = target.partition(b"#")[0].partition(b"?")
        head = Head(self._parser.get_method(), path, query, self._fields)
        is_1_1 = raw.find(_VERSION_1_1, 0, raw.find(b"\r\n", 2) + 2) > 0  # the parser would make a text each time
        if not is_1_1 and self._parser.get_http_version() != "1.0":
            return responses.BAD_REQUEST
        answer = refusal(head, len(raw))
        if answer is None and authority is not None and authority != _authority(head.headers[b"host"], b"http"):
            answer = responses.BAD_HOST
        if answer is None and not path.startswith(b"/"):
            answer = responses.BAD_REQUEST
        if answer is not None:
            return answer
        if authority is not None:
            raw = raw.replace(self._target, target, 1)
        keeps_alive = self._whole and not head.has_body and is_1_1 and self._stays
        if self._upgrade:
            raw = _UPGRADE.sub(b"", raw)
            self._parser = httptools.HttpRequestParser(self)
        self._next_message()
        return Received(head, raw, keeps_alive)


def _origin_form(target: bytes) -> tuple[bytes, bytes | None]:
    """Return a target from its path on, and the authority of an absolute one."""
    absolute = _ABSOLUTE.match(target)
    if absolute is None:
        return target, None
    rest = target[absolute.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest, _authority(absolute[2], absolute[1].lower())


def _authority(host: bytes, scheme: bytes) -> bytes:
    """Return host and port in a form that can be compared; an authority with user info is equal to none."""
    return host.lower().removesuffix(_DEFAULT_PORTS[scheme])
