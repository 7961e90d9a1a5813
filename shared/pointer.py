"""What a slug points at: an offer, and what a partner's link presets. Many pointers share one table."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from shared.destination import MAX_SUB_CHARS
from shared.table import RefusedTable

SCHEMA: Final = 1
OLDEST_SCHEMA: Final = 1
NO_SUBS: Final = ("", "", "", "", "")


class Pointer(NamedTuple):
    """`offer` is an offer's id. `link` is a link's id, "" for the offer's own slug. Presets are "" where unset.

    `partner` is a partner's slug. `expires_at` is milliseconds since 1970 UTC, None for never.
    """

    offer: str
    link: str = ""
    partner: str = ""
    coupon: str = ""
    subs: tuple[str, ...] = NO_SUBS
    enabled: bool = True
    expires_at: int | None = None

    def is_open(self, now_ms: int) -> bool:
        """Tell whether the link redirects at `now_ms`; one that does not answers 410."""
        return self.enabled and (self.expires_at is None or now_ms < self.expires_at)


def compile_pointer(pointer: Pointer) -> bytes:
    """Return the body of a pointer, without what is at its default: a million of them live in Redis."""
    body = {"schema": SCHEMA, "offer": pointer.offer}
    fields = pointer._asdict()
    body |= {name: fields[name] for name, unset in Pointer._field_defaults.items() if fields[name] != unset}
    return orjson.dumps(body)


def decode_pointer(body: object) -> Pointer:
    """Return the pointer in a body as JSON gave it. Raises RefusedTable for anything not fully understood."""
    if not isinstance(body, Mapping):
        raise RefusedTable("a pointer is an object")
    schema = body.get("schema")
    if not isinstance(schema, int) or not OLDEST_SCHEMA <= schema <= SCHEMA:
        raise RefusedTable(f"pointer schema {str(schema)[:20]} is not understood here")
    if not set(body) <= {"schema", *Pointer._fields}:
        raise RefusedTable("a pointer has a field that is not known here")
    pointer = Pointer(
        offer=_short_text(body, "offer"),
        link=_short_text(body, "link"),
        partner=_short_text(body, "partner"),
        coupon=_short_text(body, "coupon"),
        subs=_subs(body),
        enabled=body.get("enabled", True),
        expires_at=body.get("expires_at"),
    )
    if not pointer.offer or type(pointer.enabled) is not bool or not isinstance(pointer.expires_at, int | None):
        raise RefusedTable("a pointer's offer, enabled or expires_at is of the wrong type")
    return pointer


def _short_text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name, "")
    if not isinstance(value, str) or len(value) > MAX_SUB_CHARS:
        raise RefusedTable(f"a pointer's {name} is not a short text")
    return value


def _subs(body: Mapping[str, Any]) -> tuple[str, ...]:
    subs = body.get("subs", NO_SUBS)
    if not isinstance(subs, list | tuple) or len(subs) != len(NO_SUBS):
        raise RefusedTable("a pointer's subs are not five texts")
    return tuple(_short_text({"sub": sub}, "sub") for sub in subs) if any(subs) else NO_SUBS
