"""The spool: clicks lie on this machine's disk before their redirects are sent, until SQL has them.

A worker collects the lines of one turn of its event loop (`put`) and writes them as one frame (`flush`) before that
turn's responses; the kernel keeps what was written when the process is killed. `cut` numbers what was written since the
last cut as a batch, on disk before it is sent anywhere, so that sending it again sends the same. A full or failing disk
costs clicks, counted by reason, and never a redirect.

    <root>/<host>-<slot>/<boot>/lock                  held as long as the process lives; holds the counts of lost clicks
    <root>/<host>-<slot>/<boot>/000000000001.segment  named by its first batch
"""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from edge.spool.backlog import Backlog, Batch, Content
from edge.spool.folder import Segment, note_dropped, open_locked, remove_folder, size_of
from edge.spool.frames import CUT, EVENTS, HEADER_BYTES, Opening, Owner, encode_cut, encode_frame
from shared.events import SCHEMA

MAX_BATCH_EVENTS: Final = 500
MAX_BATCH_BYTES: Final = 256 * 1024
SEGMENT_BYTES: Final = 8 * 1024 * 1024
SEGMENTS_IN_QUOTA: Final = 8
"""A segment is freed as a whole and not while it is written to: small ones under a small quota, so that it empties."""
REOPEN_S: Final = 1.0
"""Pause between attempts to make the spool's folder, where there is none."""

QUOTA, DISK_FULL, IO_ERROR, UNREADABLE = REASONS = ("quota", "disk_full", "io_error", "unreadable")


class SpoolStatus(NamedTuple):
    """Counts of this boot's clicks: produced = recorded (SQL has them) + in_flight + the dropped, by reason.

    `bytes` is the disk that the spool takes, adopted spools included.
    """

    produced: int
    recorded: int
    in_flight: int
    dropped: dict[str, int]
    bytes: int


class Spool:
    """The spool of one worker process."""

    def __init__(self, root: Path, owner: Owner, quota_bytes: int, clock: Callable[[], float]) -> None:
        """Use `open`."""
        self.root = root
        self.owner = owner
        self.backlog = Backlog(owner)
        self.adopted_bytes = 0
        """Disk that adopted spools take: counted against the quota. The shipper keeps it."""
        self._folder = root / f"{owner.host.replace('/', '_')}-{owner.slot}" / owner.boot
        self._quota_bytes = quota_bytes
        self._segment_bytes = min(SEGMENT_BYTES, quota_bytes // SEGMENTS_IN_QUOTA)
        self._clock = clock
        self._lines: list[bytes] = []
        self.put: Callable[[bytes], None] = self._lines.append
        """Take one event of this turn: a call into C and no frame, at every click."""
        self._lock: int | None = None
        self._segment: Segment | None = None
        self._open_at = 0.0
        self._ordinal = 0
        self._batch = 0
        self._bytes = 0
        self._produced = 0
        self._dropped = dict.fromkeys(REASONS, 0)
        self._noted = (0, 0)
        self._pending: list[bytes] = []
        self._pending_events = 0
        self._pending_bytes = 0
        self._pending_start = 0

    @classmethod
    def open(
        cls,
        root: Path,
        quota_bytes: int,
        *,
        boot: str,
        host: str,
        slot: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> "Spool":
        """Return the spool of a process under `root`; `boot` is new for every process and drawn after its fork.

        A folder that cannot be made is no error: clicks are dropped and counted, and it is tried again each second.
        """
        spool = cls(root, Owner(boot, host, slot, SCHEMA), quota_bytes, clock)
        spool._try_open()
        return spool

    def flush(self) -> None:
        """Write this turn's events with one write(). Never raises and never waits for anything but that."""
        if self._lines:
            lines = self._lines.copy()
            self._lines.clear()
            for start in range(0, len(lines), MAX_BATCH_EVENTS):
                self._write(lines[start : start + MAX_BATCH_EVENTS])

    def cut(self) -> bool:
        """Number what was written since the last cut as a batch, ready to be sent; one without events where only
        losses are to be told. False where there is nothing, or the disk takes no cut."""
        told = (self._produced, sum(self._dropped.values()))
        segment = self._segment
        if segment is None or not (self._pending_events or told != self._noted):
            return False
        number, counts = self._batch + 1, self.counts()
        frame = self._frame(CUT, encode_cut(number, counts), self._pending_events)
        try:
            segment.append(frame)
        except OSError:
            return False
        content = Content(b"\n".join(self._pending), counts)
        batch = Batch(number, self._pending_events, segment.path, self._pending_start, segment.size)
        self._bytes += len(frame)
        self._batch, self._noted = number, told
        self.backlog.add(batch, content)
        self._begin_batch(segment)
        return True

    def counts(self) -> bytes:
        """Return the boot's counts so far as JSON: `{"produced": n, "dropped": {reason: n}}`."""
        dropped = {reason: count for reason, count in self._dropped.items() if count}
        return orjson.dumps({"produced": self._produced, "dropped": dropped})

    def status(self) -> SpoolStatus:
        """Return where this boot's clicks are."""
        recorded = self.backlog.recorded
        in_flight = self._produced - recorded - sum(self._dropped.values())
        return SpoolStatus(self._produced, recorded, in_flight, dict(self._dropped), self._bytes + self.adopted_bytes)

    def release(self, done: int) -> list[Path]:
        """Forget the batches up to `done`, which SQL has; return the segments to remove."""
        open_segment = self._segment.path if self._segment else None
        segments = [path for path in self.backlog.release(done) if path != open_segment]
        self._bytes -= sum(map(size_of, segments))
        return segments

    def lose(self, batch: Batch) -> None:
        """Count the events of a batch that can no longer be read."""
        self._drop(batch.events, UNREADABLE)

    def close(self) -> None:
        """Write and cut what is left, and let go of the folder; remove it when SQL has everything."""
        self.flush()
        self.cut()
        if self._segment is not None:
            self._segment.close()
            self._segment = None
        if self._lock is not None:
            if not self.backlog and not self._pending_events:
                remove_folder(self._folder)
            os.close(self._lock)
            self._lock = None

    def _write(self, lines: list[bytes]) -> None:
        payload = b"\n".join(lines)
        events = len(lines)
        if self._pending_events and (
            self._pending_events + events > MAX_BATCH_EVENTS or self._pending_bytes + len(payload) > MAX_BATCH_BYTES
        ):
            self.cut()
        self._produced += events
        reason = self._append(payload, events)
        if reason:
            self._drop(events, reason)
        elif self._pending_events >= MAX_BATCH_EVENTS:
            self.cut()

    def _append(self, payload: bytes, events: int) -> str:
        """Write a frame of events; return why it could not be, or nothing."""
        segment = self._segment or self._try_open()
        if segment is None:
            return IO_ERROR
        if self._bytes + self.adopted_bytes + HEADER_BYTES + len(payload) > self._quota_bytes:
            return QUOTA
        if self._pending_events + events > MAX_BATCH_EVENTS:  # the cut before it failed: the disk is full
            return DISK_FULL
        frame = self._frame(EVENTS, payload, events)
        try:
            segment.append(frame)
        except OSError as exc:
            return DISK_FULL if exc.errno in (errno.ENOSPC, errno.EDQUOT) else IO_ERROR
        self._bytes += len(frame)
        self._pending.append(payload)
        self._pending_events += events
        self._pending_bytes += len(payload)
        return ""

    def _drop(self, events: int, reason: str) -> None:
        self._dropped[reason] += events
        if self._lock is not None:
            note_dropped(self._lock, self._dropped)

    def _frame(self, kind: int, payload: bytes, count: int) -> bytes:
        self._ordinal += 1
        return encode_frame(kind, self._ordinal, payload, count)

    def _begin_batch(self, segment: Segment) -> None:
        if segment.size >= self._segment_bytes:
            segment = self._new_segment() or segment
        self._pending, self._pending_events, self._pending_bytes = [], 0, 0
        self._pending_start = segment.size

    def _try_open(self) -> Segment | None:
        now = self._clock()
        if now < self._open_at:
            return None
        self._open_at = now + REOPEN_S
        try:
            if self._lock is None:
                self._lock = open_locked(self._folder)
        except OSError:
            return None
        segment = self._new_segment()
        if segment is not None:
            self._pending_start = segment.size
        return segment

    def _new_segment(self) -> Segment | None:
        """Go on in a new file; on any error stay with the one there is."""
        self._ordinal += 1
        opening = Opening(self.owner, self._batch + 1, self.counts())
        try:
            segment = Segment.create(self._folder, opening, self._ordinal)
        except OSError:
            return None
        if self._segment is not None:
            self._segment.close()
        self._segment = segment
        self._bytes += segment.size
        return segment
