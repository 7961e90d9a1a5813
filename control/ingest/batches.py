"""A stream entry as the ingester understands it."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import orjson

from shared.events import SCHEMA

MAX_NAME_CHARS: Final = 200
_MAX_COUNT: Final = 2**62


class Batch(NamedTuple):
    """One batch: its place in the stream, whose it is, its number there, its lines, and the boot's counts with it.

    `kept_from` is the oldest batch that its edge still had; what came before, SQL once had.
    """

    entry: bytes
    boot: str
    number: int
    host: str
    slot: int
    lines: list[bytes]
    produced: int
    dropped: dict[str, int]
    kept_from: int = 1


class UnknownSchema(Exception):
    """A batch whose events a later release wrote: it waits in the stream for an ingester that can read them."""


class MalformedBatch(ValueError):
    """An entry that is no batch; the text says why."""


def read_batch(entry: bytes, fields: Mapping[bytes, bytes]) -> Batch:
    """Return the batch in a stream entry. Raises MalformedBatch, and UnknownSchema for a later release's."""
    try:
        schema, number, slot = (int(fields[name]) for name in (b"schema", b"batch", b"slot"))
        kept_from = int(fields.get(b"kept_from", 1))  # an older edge does not say
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
    if not 0 < kept_from <= number:
        raise MalformedBatch("a batch is kept by the edge that sends it")
    if schema != SCHEMA:
        raise UnknownSchema(schema)
    lines = events.split(b"\n") if events else []
    return Batch(entry, boot, number, host, slot, lines, produced, dropped, kept_from)


def _counts(raw: bytes) -> tuple[int, dict[str, int]]:
    counts: Any = orjson.loads(raw)
    produced, dropped = counts["produced"], counts["dropped"]
    numbers = [produced, *dropped.values()]
    if not all(type(number) is int and 0 <= number < _MAX_COUNT for number in numbers):
        raise ValueError("counts are no counts")
    return produced, {str(reason)[:50]: number for reason, number in dropped.items()}
