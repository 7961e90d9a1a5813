"""What a visitor's query presets: partner, coupon and sub-IDs, percent-encoded as sent."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from shared.destination import MAX_SUB_CHARS, SUBS, param_name
from shared.pointer import Pointer

NAMES: Final = (b"via", b"coupon", *(name.encode() for name in SUBS))
"""In the order of an event's fields."""

MAX_RAW_BYTES: Final = MAX_SUB_CHARS * 4 * 3
"""Longest spelling of 200 characters: four bytes each, percent-encoded. What is beyond is cut when it is read."""

NOTHING: Final = b"\t" * len(NAMES)


class Sent:
    """Reserved parameters as sent, kept as an event has them: every link in memory holds what it presets."""

    __slots__ = ("fields",)

    def __init__(self, values: Mapping[bytes, bytes]) -> None:
        self.fields = event_fields(values)

    @property
    def values(self) -> dict[bytes, bytes]:
        """Name -> value, of those that are not empty."""
        return {name: value for name, value in zip(NAMES, self.fields.split(b"\t"), strict=False) if value}

    def over(self, other: "Sent") -> "Sent":
        """Return these parameters and, where there is none, the other ones."""
        both = Sent.__new__(Sent)
        pairs = zip(self.fields.split(b"\t"), other.fields.split(b"\t"), strict=True)
        both.fields = b"\t".join([mine or theirs for mine, theirs in pairs])
        return both


def sent(query: bytes) -> Sent:
    """Return the reserved parameters in `query`; of a name sent twice the first."""
    found: dict[bytes, bytes] = {}
    for param in query.split(b"&"):
        name = param_name(param)
        if name in NAMES:
            found.setdefault(name, param.partition(b"=")[2][:MAX_RAW_BYTES])
    return Sent(found) if found else NOTHING_SENT


def preset(pointer: Pointer) -> dict[bytes, bytes]:
    """Return name -> percent-encoded value, for what a link presets."""
    values = (pointer.partner, pointer.coupon, *pointer.subs)
    if not any(values):
        return {}
    return {name: quote(value, safe="").encode() for name, value in zip(NAMES, values, strict=True) if value}


def event_fields(values: Mapping[bytes, bytes]) -> bytes:
    """Return `via` to `sub5` as an event has them, each followed by a tab."""
    return b"".join([values.get(name, b"") + b"\t" for name in NAMES]) if values else NOTHING


NOTHING_SENT: Final = Sent({})
