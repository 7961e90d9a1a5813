"""Published values on their way into memory: decoded, or refused with the reason that goes into the nack."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Final, NamedTuple, TypeVar

from shared import wire
from shared.canary import decode_for
from shared.domains import decode_domains, decode_salts
from shared.key import Key
from shared.pointer import Pointer, decode_pointer
from shared.table import RefusedTable, Table
from shared.wire import Malformed, Value

_T = TypeVar("_T")

PINNED: Final = (wire.DOMAINS, wire.SALTS)
"""Keys that every worker holds at all times."""

_POINTER: Final = "k:"
_TABLE: Final = "o:"
_TOMBSTONE_END: Final = b',"body":null}'


class Refused(ValueError):
    """A value that must not be served; what was there before it keeps serving. `sequence` is 0 where it is unknown."""

    def __init__(self, key: str, reason: str, sequence: int = 0) -> None:
        super().__init__(reason)
        self.key = key
        self.sequence = sequence


class Stored(NamedTuple):
    """A value that may be used, and its stored bytes; `value` None: nothing is stored, and that may be relied upon."""

    value: Value | None
    raw: bytes

    @property
    def gone(self) -> bool:
        """Whether the key does not exist, or not any more."""
        return self.value is None or self.value.body is None


def link_of(published_key: str) -> Key | None:
    """Return the link whose pointer is stored under a published key, None for a key of another kind."""
    if not published_key.startswith(_POINTER):
        return None
    domain, _, slug = published_key[len(_POINTER) :].partition("/")
    return Key(domain, slug)


def offer_of(published_key: str) -> str | None:
    """Return the offer whose table is stored under a published key, None for a key of another kind."""
    return published_key[len(_TABLE) :] if published_key.startswith(_TABLE) else None


def is_tombstone(raw: bytes | None) -> bool:
    """Tell whether nothing or a tombstone is stored, by its spelling: most named keys are not worth decoding."""
    return raw is None or raw.endswith(_TOMBSTONE_END)


def read_value(key: str, raw: bytes) -> Value:
    """Return the value stored for `key`, its body still as JSON gave it. Raises Refused."""
    try:
        return wire.decode_value(raw, key)
    except Malformed as exc:
        raise Refused(key, str(exc)) from exc


def read_pointer(value: Value) -> Pointer:
    """Return the pointer of a value that is not a tombstone. Raises Refused."""
    return _decode(decode_pointer, value)


def read_table(value: Value, worker: str) -> Table:
    """Return the table that `worker` serves by a value that is not a tombstone: its own side of a canary.

    Raises Refused, also for a table of another offer than the key's.
    """
    table = _decode(partial(decode_for, worker), value)
    if table.offer != offer_of(value.key):
        raise Refused(value.key, "a table of another offer", value.version.sequence)
    return table


def read_domains(value: Value) -> Mapping[str, str | None]:
    """Return registered host -> root URL. Raises Refused."""
    return _decode(decode_domains, value)


def read_salts(value: Value) -> Mapping[str, bytes]:
    """Return UTC day -> salt. Raises Refused."""
    return _decode(decode_salts, value)


def _decode(decode: Callable[[Any], _T], value: Value) -> _T:
    try:
        return decode(value.body)
    except RefusedTable as exc:
        raise Refused(value.key, str(exc), value.version.sequence) from exc
    except Exception as exc:  # whatever a body does to its decoder, the one before it must keep serving
        raise Refused(value.key, f"{type(exc).__name__} while decoding", value.version.sequence) from exc
