"""The folder of one boot: its lock, its segments, and the count of what was lost."""

import contextlib
import errno
import fcntl
import os
import shutil
from pathlib import Path
from typing import Any, Final

import orjson

from edge.spool.frames import SEGMENT, Opening, encode_frame, encode_opening

LOCK: Final = "lock"
SEGMENTS: Final = "*.segment"
_LOCK_BYTES: Final = 512
"""Length of the lock's text: overwritten in place it needs no new disk block, so that a full disk takes it."""


class Segment:
    """One file of frames, open for its only writer."""

    def __init__(self, path: Path, descriptor: int, size: int) -> None:
        """Take an open file whose whole frames end at `size`."""
        self.path = path
        self.size = size
        self._descriptor = descriptor

    @classmethod
    def create(cls, folder: Path, opening: Opening, ordinal: int) -> "Segment":
        """Make a new segment with its first frame. Raises OSError."""
        path = folder / f"{opening.batch:012d}.segment"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        segment = cls(path, descriptor, 0)
        try:
            segment.append(encode_frame(SEGMENT, ordinal, encode_opening(opening)))
        except OSError:
            segment.close()
            raise
        return segment

    @classmethod
    def reopen(cls, path: Path, size: int) -> "Segment":
        """Open a segment to write after its whole frames, which end at `size`. Raises OSError."""
        return cls(path, os.open(path, os.O_RDWR | os.O_CLOEXEC), size)

    def append(self, frame: bytes) -> None:
        """Write one frame. Raises OSError, and leaves then what the next frame overwrites."""
        written = os.pwrite(self._descriptor, frame, self.size)
        while written < len(frame):  # a disk that fills up takes a part, and says why only when asked for the rest
            more = os.pwrite(self._descriptor, frame[written:], self.size + written)
            if not more:
                raise OSError(errno.ENOSPC, "nothing was written")
            written += more
        self.size += len(frame)

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def open_locked(folder: Path) -> int:
    """Make a folder that nobody else can adopt from its first moment on; return its lock. Raises OSError."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    unseen = folder / f"{LOCK}.new"
    descriptor = os.open(unseen, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.pwrite(descriptor, b" " * _LOCK_BYTES, 0)
        unseen.rename(folder / LOCK)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def try_lock(folder: Path) -> int | None:
    """Return the lock of a folder that its process left behind, or None where there is nothing to take."""
    path = folder / LOCK
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(descriptor), path.stat()):  # else whoever held it has just removed it
            return descriptor
    except OSError:
        pass
    os.close(descriptor)
    return None


def note_dropped(lock: int, dropped: dict[str, int]) -> None:
    """Keep the counts of lost clicks where a full disk cannot refuse them, for whoever adopts this spool."""
    with contextlib.suppress(OSError):
        os.pwrite(lock, orjson.dumps(dropped).ljust(_LOCK_BYTES), 0)


def read_dropped(lock: int) -> dict[str, int]:
    """Return the counts of lost clicks that a lock holds."""
    try:
        fields: Any = orjson.loads(os.pread(lock, _LOCK_BYTES, 0))
    except (OSError, orjson.JSONDecodeError):
        return {}
    if not isinstance(fields, dict):
        return {}
    return {reason: count for reason, count in fields.items() if type(count) is int and count > 0}


def size_of(path: Path) -> int:
    """Return a file's size; 0 where it is gone."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def remove_folder(folder: Path) -> None:
    """Remove a boot's folder, and its worker's when it was the last."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
