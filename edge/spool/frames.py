"""Frames: how a spool segment looks on disk.

A segment is a row of frames, each with a checksum, its kind, how many events it holds and an ordinal that never repeats
within a spool. The first frame says whose clicks these are; frames of events follow, as they were answered; a cut
gathers all events since the cut before it into one numbered batch. Whatever a crash or a full disk leaves behind the
last whole frame is recognised and ignored: by its checksum, or by an ordinal that does not rise.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import orjson

SEGMENT: Final = 1
EVENTS: Final = 2
CUT: Final = 3

FORMAT: Final = 1

_CHECKED: Final = struct.Struct("<IQBH")
_CHECKSUM: Final = struct.Struct("<I")
HEADER_BYTES: Final = _CHECKSUM.size + _CHECKED.size


class Frame(NamedTuple):
    """One whole frame. `start` and `end` are its place in the segment; `events` how many it holds or gathers."""

    kind: int
    events: int
    payload: bytes
    ordinal: int
    start: int
    end: int


class Owner(NamedTuple):
    """Whose clicks a segment holds: the edge's host and slot, the boot of its process, the schema of its events."""

    boot: str
    host: str
    slot: int
    schema: int


def encode_frame(kind: int, ordinal: int, payload: bytes, events: int = 0) -> bytes:
    """Return the frame's bytes."""
    checked = _CHECKED.pack(len(payload), ordinal, kind, events)
    return _CHECKSUM.pack(zlib.crc32(payload, zlib.crc32(checked))) + checked + payload


def read_frames(segment: bytes, after_ordinal: int = -1) -> Iterator[Frame]:
    """Yield the whole frames at the beginning of `segment`; what follows the last of them is damage."""
    start, last = 0, after_ordinal
    while start + HEADER_BYTES <= len(segment):
        (checksum,) = _CHECKSUM.unpack_from(segment, start)
        length, ordinal, kind, events = _CHECKED.unpack_from(segment, start + _CHECKSUM.size)
        end = start + HEADER_BYTES + length
        if end > len(segment) or ordinal <= last or checksum != zlib.crc32(segment[start + _CHECKSUM.size : end]):
            return
        yield Frame(kind, events, segment[start + HEADER_BYTES : end], ordinal, start, end)
        start, last = end, ordinal


class Opening(NamedTuple):
    """What a segment's first frame says: its owner, its first batch, and the boot's counts (JSON) before it."""

    owner: Owner
    batch: int
    counts: bytes


def encode_opening(opening: Opening) -> bytes:
    """Return the payload of a segment's first frame."""
    return b"%b\n%d\n%b" % (
        orjson.dumps({"format": FORMAT, **opening.owner._asdict()}),
        opening.batch,
        opening.counts,
    )


def decode_opening(payload: bytes) -> Opening | None:
    """Return what a segment's first frame says, or None where it is of a format that this program cannot read."""
    owner, _, rest = payload.partition(b"\n")
    batch, _, counts = rest.partition(b"\n")
    fields = _object(owner)
    if fields is None or fields.pop("format", None) != FORMAT:
        return None
    try:
        return Opening(Owner(**fields), int(batch), counts)
    except (TypeError, ValueError):
        return None


def encode_cut(batch: int, counts: bytes) -> bytes:
    """Return the payload of a cut: the batch's number, and the boot's counts so far (JSON)."""
    return b"%d\n%s" % (batch, counts)


def decode_cut(payload: bytes) -> tuple[int, bytes]:
    """Return the batch's number and the counts."""
    number, _, counts = payload.partition(b"\n")
    return int(number), counts


def _object(payload: bytes) -> dict[str, Any] | None:
    try:
        fields = orjson.loads(payload)
    except orjson.JSONDecodeError:
        return None
    return fields if isinstance(fields, dict) else None
