"""A stream entry as the ingester understands it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from shared.events import SCHEMA

MAX_NAME_CHARS: Final = 200
_MAX_COUNT: Final = 2**62


class Batch(NamedTuple):
    """One batch: its place in the stream, whose it is, its number there, its lines, and the boot's counts with it."""

    entry: bytes
    boot: str
    number: int
    host: str
    slot: int
    lines: list[bytes]
    produced: int
    dropped: dict[str, int]


class UnknownSchema(Exception):
    """A batch whose events a later release wrote: it waits in the stream for an ingester that can read them."""


class MalformedBatch(ValueError):
    """An entry that is no batch; the text says why."""


def read_batch(entry: bytes, fields: Mapping[bytes, bytes]) -> Batch:
    """Return the batch in a stream entry. Raises MalformedBatch, and UnknownSchema for a later release's."""
    try:
        schema, number, slot = (int(fields[name]) for name in (b"schema", b"batch", b"slot"))
        boot, host = (fields[name].decode() for name in (b"boot", b"host"))
        produced, dropped = _counts(fields[b"counts"])
        events = fields[b"events"]
    except KeyError as exc:
        raise MalformedBatch(f"no field {exc}") from exc
    except (ValueError, TypeError) as exc:
        raise MalformedBatch(f"a field is not what it should be: {exc}"[:200]) from exc
    if not (0 < len(boot) <= MAX_NAME_CHARS and len(host) <= MAX_NAME_CHARS and "\0" not in boot + host):
        raise MalformedBatch("boot and host are short texts")
    if not (0 < number < _MAX_COUNT and 0 <= slot < 2**31):
        raise MalformedBatch("batches are numbered from one, slots from zero")
    if schema != SCHEMA:
        raise UnknownSchema(schema)
    return Batch(entry, boot, number, host, slot, events.split(b"\n") if events else [], produced, dropped)


def _counts(raw: bytes) -> tuple[int, dict[str, int]]:
    counts: Any = orjson.loads(raw)
    produced, dropped = counts["produced"], counts["dropped"]
    numbers = [produced, *dropped.values()]
    if not all(type(number) is int and 0 <= number < _MAX_COUNT for number in numbers):
        raise ValueError("counts are no counts")
    return produced, {str(reason)[:50]: number for reason, number in dropped.items()}
