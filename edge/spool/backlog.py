"""Batches of one boot that SQL does not have yet: where they lie on disk, which were sent, which can be forgotten."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple

from edge.spool.frames import CUT, Owner, decode_cut, read_frames

RECENT: Final = 32
"""Batches just cut that are kept in memory too (about 4 MB), so that sending them reads no disk."""


class Batch(NamedTuple):
    """One numbered batch and its place: bytes `start` to `end` of `segment`, its cut included."""

    number: int
    events: int
    segment: Path
    start: int
    end: int


class Content(NamedTuple):
    """What is sent of a batch: its lines joined by line feeds, and the counts (JSON) noted with its cut."""

    events: bytes
    counts: bytes


class Backlog:
    """The batches of one boot, oldest first: the first `sent` of them are in Redis as far as is known."""

    def __init__(self, owner: Owner, batches: Iterable[Batch] = ()) -> None:
        """Take whose clicks these are, and what is known to lie on disk."""
        self.owner = owner
        self.recorded = 0
        """Events in batches that SQL has."""
        self._batches = deque(batches)
        self._sent: deque[bytes] = deque()
        self._recent: dict[int, Content] = {}

    def __len__(self) -> int:
        return len(self._batches)

    @property
    def unsent(self) -> int:
        """How many batches wait to be sent."""
        return len(self._batches) - len(self._sent)

    @property
    def kept_from(self) -> int:
        """The number of the oldest batch that is still here: SQL had every one before it."""
        return self._batches[0].number if self._batches else 0

    def add(self, batch: Batch, content: Content) -> None:
        """Append a batch just cut."""
        self._batches.append(batch)
        if len(self._recent) < RECENT:
            self._recent[batch.number] = content

    def next(self, count: int) -> list[Batch]:
        """Return the oldest `count` batches that were not sent."""
        first = len(self._sent)
        return list(islice(self._batches, first, first + count))

    def read(self, batch: Batch) -> Content | None:
        """Return a batch's content, or None where it cannot be read any more (the file is gone or damaged)."""
        return self._recent.get(batch.number) or _read(batch)

    def mark_sent(self, batch: Batch, entry_id: bytes) -> None:
        """Note that the oldest unsent batch is in Redis as `entry_id`."""
        assert batch == self._batches[len(self._sent)]
        self._sent.append(entry_id)
        self._recent.pop(batch.number, None)

    def oldest_sent(self) -> tuple[int, bytes] | None:
        """Return number and entry in Redis of the oldest batch, of those that were sent and that SQL does not have."""
        return (self._batches[0].number, self._sent[0]) if self._sent else None

    def rewind(self) -> None:
        """Forget that anything was sent: Redis lost some of it, and SQL knows each batch by its number."""
        self._sent.clear()

    def release(self, done: int) -> list[Path]:
        """Forget the batches up to number `done`; return the segments in which nothing else lies."""
        left: set[Path] = set()
        while self._batches and self._batches[0].number <= done:
            batch = self._batches.popleft()
            self.recorded += batch.events
            left.add(batch.segment)
            self._recent.pop(batch.number, None)
            if self._sent:
                self._sent.popleft()
        if self._batches:
            left.discard(self._batches[0].segment)
        return sorted(left)


def _read(batch: Batch) -> Content | None:
    try:
        with batch.segment.open("rb") as file:
            raw = os.pread(file.fileno(), batch.end - batch.start, batch.start)
    except OSError:
        return None
    lines: list[bytes] = []
    for payload, is_cut in _payloads(raw):
        if is_cut:
            return Content(b"\n".join(lines), decode_cut(payload)[1])
        lines.append(payload)
    return None


def _payloads(raw: bytes) -> Iterator[tuple[bytes, bool]]:
    for frame in read_frames(raw):
        yield frame.payload, frame.kind == CUT
