"""Where a click is sent: macros, the visitor's own parameters, the click id.

Bytes in, bytes out: a Location is assembled from ASCII pieces that were checked when they were compiled, and from the
visitor's query as it was sent.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_to_bytes

from shared.visitor import Visitor

MACROS: Final = (
    "click_id",
    "partner",
    "coupon",
    "country",
    "device",
    "os",
    "offer",
    "link",
    "rule",
    "sub1",
    "sub2",
    "sub3",
    "sub4",
    "sub5",
)
SUBS: Final = ("sub1", "sub2", "sub3", "sub4", "sub5")
MAX_SUB_CHARS: Final = 200
"""`via`, `coupon` and each sub-ID are cut here, in events and in macros alike."""

_MACRO: Final = re.compile(rb"\{(" + "|".join(MACROS).encode() + rb")\}")
_PRINTABLE: Final = re.compile(rb"[\x21-\x7e]+")
_HEAD: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*:(?://[^/?#]*)?")
_NOT_IN_A_QUERY: Final = re.compile(rb"[^\x21\x23-\x7e]|#")  # raw quotes, spaces, controls, non-ASCII and fragments
_NEVER_PASSED: Final = frozenset({b"via", b"click_id", *(name.encode() for name in SUBS)})


def macros_of(visitor: Visitor, sent: Mapping[str, str], *, offer: str, link: str, rule: str) -> dict[str, str]:
    """Return the plain values of all macros but the click id.

    sent: values of the reserved parameters of the query, and of what the link presets, by name. offer: its slug. link:
    the link's slug, "" for the offer's own.
    """
    return {
        "partner": sent.get("via", ""),
        "coupon": sent.get("coupon", ""),
        "country": visitor.country,
        "device": visitor.device,
        "os": visitor.os,
        "offer": offer,
        "link": link,
        "rule": rule,
        **{sub: sent.get(sub, "") for sub in SUBS},
    }


class InvalidDestination(ValueError):
    """A compiled destination that must not be sent to anybody."""


def param_name(param: bytes) -> bytes:
    """Return the percent-decoded name of one `name=value` of a query."""
    name = param.partition(b"=")[0]
    if b"%" not in name and b"+" not in name:
        return name
    return unquote_to_bytes(name.replace(b"+", b" "))


def param_value(raw: bytes) -> str:
    """Return a query value decoded as a form's (`+` is a space), cut at 200 characters; bad UTF-8 is replaced."""
    if b"%" in raw or b"+" in raw:
        raw = unquote_to_bytes(raw.replace(b"+", b" "))
    return raw.decode("utf-8", "replace")[:MAX_SUB_CHARS]


class Destination:
    """A destination taken apart once, so that a click only joins pieces.

    `url` is the WHATWG form with macros in braces. Raises InvalidDestination where it is not printable ASCII, has no
    scheme, or has a macro outside path, query and fragment.
    """

    __slots__ = ("_append", "_fragment", "_names", "_pass", "_pieces", "_separator", "ready", "url")

    ready: bytes | None
    """Everything before the click id, where nothing else of the Location depends on a visitor without a query."""

    def __init__(self, url: str, *, pass_query: bool = True, append_click_id: bool = True) -> None:
        raw = _checked(url)
        before, hash_sign, fragment = raw.partition(b"#")
        self.url = url
        self._pieces = _MACRO.split(before)
        self._fragment = _MACRO.split(hash_sign + fragment)
        own = before.partition(b"?")[2]
        self._names = frozenset(param_name(param) for param in own.split(b"&") if param) | _NEVER_PASSED
        self._separator = b"" if before.endswith((b"?", b"&")) else b"&" if b"?" in before else b"?"
        self._pass = pass_query
        self._append = append_click_id and b"{click_id}" not in raw
        static = len(self._pieces) == 1 and self._fragment == [b""]
        self.ready = before + self._separator + b"click_id=" if static and self._append else None

    def location(self, click_id: bytes, query: bytes, macros: Mapping[str, str]) -> bytes:
        """Return the Location for one click.

        query: the visitor's, as sent, without `?`. macros: name -> plain value; a missing one is empty, `click_id` is
        taken from `click_id`.
        """
        if self.ready is not None and not query:
            return self.ready + click_id
        params = self._passed(query) if query and self._pass else []
        if self._append:
            params.append(b"click_id=" + click_id)
        location = _render(self._pieces, click_id, macros)
        if params:
            location += self._separator + b"&".join(params)
        return location + _render(self._fragment, click_id, macros)

    def _passed(self, query: bytes) -> list[bytes]:
        if _NOT_IN_A_QUERY.search(query):
            query = _NOT_IN_A_QUERY.sub(lambda match: b"%%%02X" % match[0][0], query)
        return [param for param in query.split(b"&") if param and param_name(param) not in self._names]


def _checked(url: str) -> bytes:
    try:
        raw = url.encode("ascii")
    except UnicodeEncodeError as exc:
        raise InvalidDestination("a destination is ASCII once compiled") from exc
    head = _HEAD.match(raw)
    if not _PRINTABLE.fullmatch(raw) or not head:
        raise InvalidDestination("a destination is an absolute URL of printable ASCII")
    if b"{" in head[0]:
        raise InvalidDestination("a macro stands only in path, query or fragment")
    return raw


def _render(pieces: list[bytes], click_id: bytes, macros: Mapping[str, str]) -> bytes:
    """Join split pieces: text at even places, macro names at odd ones."""
    if len(pieces) == 1:
        return pieces[0]
    out = list(pieces)
    for place in range(1, len(out), 2):
        name = out[place].decode()
        out[place] = click_id if name == "click_id" else quote(macros.get(name, ""), safe="").encode()
    return b"".join(out)
