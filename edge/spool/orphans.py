"""Spools that dead processes left behind: adopted by whoever finds their lock free, and sent as what they were."""

import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from edge.spool.backlog import Backlog, Batch, Content
from edge.spool.folder import LOCK, SEGMENTS, Segment, read_dropped, remove_folder, size_of, try_lock
from edge.spool.frames import CUT, EVENTS, Opening, decode_cut, decode_opening, encode_cut, encode_frame, read_frames

_UNREADABLE: Final = "unreadable"


class _Tail(NamedTuple):
    """What lies after the last cut of the last segment, to become `batch`; `end` is where its whole frames end."""

    batch: int
    segment: Path
    events: int
    lines: list[bytes]
    start: int
    end: int
    ordinal: int


class _Counts:
    """A boot's counts: what it produced, and what it lost by reason."""

    def __init__(self, raw: bytes, lost: dict[str, int]) -> None:
        fields = orjson.loads(raw or b'{"produced":0,"dropped":{}}')
        self.told: int = sum(fields["dropped"].values())
        self.kept: int = fields["produced"] - self.told
        names = {*fields["dropped"], *lost}
        self.dropped = {name: max(fields["dropped"].get(name, 0), lost.get(name, 0)) for name in names}

    def encode(self) -> bytes:
        return orjson.dumps({"produced": self.kept + sum(self.dropped.values()), "dropped": self.dropped})


class Orphan:
    """One adopted spool. `backlog` holds its batches; events that no cut gathered yet become its last one."""

    def __init__(self, folder: Path, lock: int, backlog: Backlog, tail: _Tail, counts: _Counts) -> None:
        """Use `adopt`."""
        self.backlog = backlog
        self.owner = backlog.owner
        self._folder = folder
        self._lock = lock
        self._tail: _Tail | None = tail
        self._counts = counts

    @property
    def size_bytes(self) -> int:
        """Disk that it takes."""
        return sum(map(size_of, self._folder.glob(SEGMENTS)))

    @property
    def finished(self) -> bool:
        """Whether SQL has everything that was in it."""
        return self._tail is None and not self.backlog

    def counts(self) -> bytes:
        """Return the boot's counts as JSON, losses that its process told nobody of included."""
        return self._counts.encode()

    def cut(self) -> bool:
        """Gather the events after the last cut in a batch; False where nothing is left to tell, or the disk is full."""
        tail = self._tail
        if tail is None:
            return False
        if not tail.events and sum(self._counts.dropped.values()) == self._counts.told:
            self._tail = None
            return False
        payload = encode_cut(tail.batch, self.counts())
        try:
            segment = Segment.reopen(tail.segment, tail.end)
            segment.append(encode_frame(CUT, tail.ordinal + 1, payload, tail.events))
        except OSError:
            return False
        batch = Batch(tail.batch, tail.events, tail.segment, tail.start, segment.size)
        segment.close()
        self.backlog.add(batch, Content(b"\n".join(tail.lines), self.counts()))
        self._tail = None
        return True

    def lose(self, batch: Batch) -> None:
        """Count the events of a batch that can no longer be read."""
        dropped = self._counts.dropped
        dropped[_UNREADABLE] = dropped.get(_UNREADABLE, 0) + batch.events
        self._counts.kept -= batch.events

    def release(self, done: int) -> list[Path]:
        """Forget the batches up to `done`, which SQL has; return the segments to remove."""
        keep = self._tail.segment if self._tail else None
        return [path for path in self.backlog.release(done) if path != keep]

    def close(self) -> None:
        """Let go of the folder; remove it when SQL has everything."""
        if self.finished:
            remove_folder(self._folder)
        os.close(self._lock)


def adopt(root: Path) -> Iterator[Orphan]:
    """Yield the spools under `root` that no process holds, locked for this one; empty ones are removed instead.

    A spool whose format this program cannot read is left alone. Reads whole segments: not for an event loop's thread.
    """
    for path in sorted(root.glob(f"*/*/{LOCK}")):
        lock = try_lock(path.parent)
        if lock is not None:
            try:
                orphan = _read_orphan(path.parent, lock)
            except OSError:
                orphan = None
            if orphan is None:
                os.close(lock)
            else:
                yield orphan


def _read_orphan(folder: Path, lock: int) -> Orphan | None:
    segments = sorted(folder.glob(SEGMENTS))
    readings = [reading for reading in map(_read_segment, segments) if reading is not None]
    if not readings:
        if not any(map(size_of, segments)):
            remove_folder(folder)
        return None
    last = readings[-1]
    batches = sorted([*(batch for reading in readings for batch in reading.batches), *_gaps(readings)])
    counts = _Counts(last.counts, read_dropped(lock))
    counts.kept += last.tail.events
    return Orphan(folder, lock, Backlog(last.opening.owner, batches), last.tail, counts)


class _Reading(NamedTuple):
    opening: Opening
    batches: list[Batch]
    counts: bytes
    tail: _Tail


def _read_segment(path: Path) -> _Reading | None:
    """Return what a segment's whole frames say, up to the first damage; None where not even the first is readable."""
    frames = read_frames(path.read_bytes())
    first = next(frames, None)
    opening = decode_opening(first.payload) if first else None
    if first is None or opening is None:
        return None
    batches: list[Batch] = []
    lines: list[bytes] = []
    counts, events, start, last = opening.counts, 0, first.end, first
    for frame in frames:
        last = frame
        if frame.kind == EVENTS:
            events += frame.events
            lines.append(frame.payload)
        elif frame.kind == CUT:
            number, counts = decode_cut(frame.payload)
            batches.append(Batch(number, frame.events, path, start, frame.end))
            lines, events, start = [], 0, frame.end
    number = batches[-1].number + 1 if batches else opening.batch
    return _Reading(opening, batches, counts, _Tail(number, path, events, lines, start, last.end, last.ordinal))


def _gaps(readings: list[_Reading]) -> Iterator[Batch]:
    """Yield stand-ins, at no place, for batches that damage took; the first of a gap stands for all its events."""
    for reading, following in pairwise(readings):
        lost = _Counts(following.opening.counts, {}).kept - _Counts(reading.counts, {}).kept
        for number in range(reading.tail.batch, following.opening.batch):
            yield Batch(number, lost if number == reading.tail.batch else 0, reading.tail.segment, 0, 0)
