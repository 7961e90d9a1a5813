"""What the snapshot on disk must not bring back: a journal beside it, written before the deletion is acked.

A worker that acked a deletion and is killed starts again from its last snapshot, which may still have the link. The
journal survives the process (one write, no fsync): its keys become floors at start.
"""

import os
from pathlib import Path
from typing import Final

from shared.wire import Version

MAX_KEYS: Final = 50_000
_FIELDS: Final = 3


class Withdrawals:
    """Keys deleted since the snapshot was begun, in memory and in a file of lines `epoch sequence key`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept = dict(_read(path))

    def __len__(self) -> int:
        return len(self._kept)

    def items(self) -> list[tuple[str, Version]]:
        """Return each key with the version below which it must not come back."""
        return list(self._kept.items())

    def add(self, keys: tuple[str, ...], version: Version) -> None:
        """Add deleted keys. Raises OSError."""
        self._kept.update(dict.fromkeys(keys, version))
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("ab") as file:
            file.write(b"\n" + b"".join(_line(key, version) for key in keys))  # whatever was cut short ends here

    def prune(self, version: Version) -> None:
        """Forget what a snapshot begun at `version` no longer has. Raises OSError."""
        self._kept = {key: deleted for key, deleted in self._kept.items() if deleted > version}
        if not self._kept:
            self._path.unlink(missing_ok=True)
            return
        temporary = self._path.with_name(f"{self._path.name}.tmp")
        temporary.write_bytes(b"".join(_line(key, deleted) for key, deleted in self._kept.items()))
        os.replace(temporary, self._path)


def _line(key: str, version: Version) -> bytes:
    return b"%d %d %s\n" % (*version, key.encode())


def _read(path: Path) -> list[tuple[str, Version]]:
    """Return what the file says; a line that was cut short was never acked, and is passed over."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")[:-1]
    fields = [line.decode("utf-8", "replace").split(" ", 2) for line in lines]
    return [
        (rest[0], Version(int(epoch), int(sequence)))
        for epoch, sequence, *rest in (field for field in fields if len(field) == _FIELDS)
        if epoch.isdecimal() and sequence.isdecimal()
    ]
