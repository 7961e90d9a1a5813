"""The head of a request, as both roads hand it on: what is asked, by which method, with which headers."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from edge.http import responses
from edge.http.responses import Response
from shared.key import slug_of

MAX_TARGET_BYTES: Final = 8 * 1024
MAX_HEAD_BYTES: Final = 16 * 1024
MAX_FIELDS: Final = 64

Field = tuple[bytes, bytes]
FORWARDED_FOR: Final = b"x-forwarded-for"


class Peer(NamedTuple):
    """The other end of a connection: its address ("" where it has none), and whether it is a proxy of ours."""

    address: str
    trusted: bool


class Head:
    """A request's head. `path` and `query` are as sent, without `?`; `fields` have lower-case names, in their order."""

    __slots__ = ("fields", "headers", "method", "path", "query", "slug")

    def __init__(self, method: bytes, path: bytes, query: bytes, fields: list[Field]) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.fields = fields
        self.headers = _headers(fields)
        self.slug = slug_of(path)

    @property
    def is_get(self) -> bool:
        """Whether the method is GET, the only one that clicks."""
        return self.method == b"GET"

    @property
    def is_click(self) -> bool:
        """Whether this asks for a link: GET or HEAD on what can be a slug."""
        return self.slug is not None and self.method in (b"GET", b"HEAD")

    @property
    def has_body(self) -> bool:
        """Whether a body follows, which nobody will read."""
        return self.headers.get(b"content-length", b"0") != b"0" or b"transfer-encoding" in self.headers


def refusal(head: Head, head_bytes: int) -> Response | None:
    """Return why a request is not answered and its connection is closed, None where all is well."""
    if len(head.path) + len(head.query) + bool(head.query) > MAX_TARGET_BYTES:
        return responses.TARGET_TOO_LONG
    if len(head.fields) > MAX_FIELDS or head_bytes > MAX_HEAD_BYTES:
        return responses.HEAD_TOO_LARGE
    if len(head.headers) != len(head.fields) and [name for name, _ in head.fields].count(b"host") > 1:
        return responses.BAD_HOST
    if b"host" not in head.headers:
        return responses.BAD_HOST
    return None if head.method in (b"GET", b"HEAD") else responses.METHOD_NOT_ALLOWED


def least_bytes(head: Head) -> int:
    """Return how long a head was at least: white space around values is gone."""
    line = len(head.method) + len(head.path) + len(head.query) + len(b"  HTTP/1.1\r\n")
    return line + sum([len(name) + len(value) + 4 for name, value in head.fields]) + 2


def _headers(fields: list[Field]) -> Mapping[bytes, bytes]:
    """Return name -> value: of a name sent twice the last, which the nearest proxy wrote; lists of addresses joined."""
    headers = dict(fields)
    if len(headers) != len(fields) and FORWARDED_FOR in headers:
        headers[FORWARDED_FOR] = b", ".join([value for name, value in fields if name == FORWARDED_FOR])
    return headers
