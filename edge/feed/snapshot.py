"""The hot set on disk: published values by key, so that a worker that starts or a Redis that is gone costs no link.

One file: a header (magic, format, versions, when, count, where the index is, digest of all that follows),
records of key and value, and an index of record offsets, open-addressed by the key's CRC, so that one link is found
without reading the others. Nothing in it is older than its header's version. Values are stored as published: what reads
them is the decoder of what Redis sends.
"""

import hashlib
import mmap
import os
import struct
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Final, NamedTuple, Self

from shared.wire import Version

MAGIC: Final = b"TURNOUT\x00"
FORMAT: Final = 1

_HEADER: Final = struct.Struct(">8sHQQQQQQQ32s")
_RECORD: Final = struct.Struct(">HI")
_OFFSET_BYTES: Final = 8
_SPARE: Final = 2
"""Index places per record: half of them empty keeps probes short."""


class BadSnapshot(ValueError):
    """A file that is not a whole snapshot of a format that is understood; the text says why."""


class Header(NamedTuple):
    """What a snapshot says of itself: nothing in it is older than `version`, and nothing newer than `newest`.

    `written_at_ms` is milliseconds since 1970 UTC, `index_at` a file offset.
    """

    version: Version
    newest: Version
    written_at_ms: int
    records: int
    index_at: int
    digest: bytes


class Snapshot:
    """An open snapshot. Raises BadSnapshot unless the whole file is what its header says, OSError if unreadable."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_size < _HEADER.size:
                raise BadSnapshot("shorter than a header")
            self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            self.header = _read_header(self._map)
            self._places = self._check()
        except BadSnapshot:
            self._map.close()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._map.close()

    def get(self, key: str) -> bytes | None:
        """Return the value kept for a published key."""
        name = key.encode()
        for probe in range(self._places):
            offset = self._offset((zlib.crc32(name) + probe) % self._places)
            if not offset:
                return None
            found, value, _ = self._record(offset)
            if found == name:
                return value
        return None

    def __iter__(self) -> Iterator[tuple[str, bytes]]:
        """Yield all keys and values, in the order they were written."""
        offset = _HEADER.size
        for _ in range(self.header.records):
            key, value, offset = self._record(offset)
            yield key.decode(), value

    def _check(self) -> int:
        """Return the number of places of the index. Raises BadSnapshot."""
        digest = hashlib.blake2b(memoryview(self._map)[_HEADER.size :], digest_size=32).digest()
        if digest != self.header.digest:
            raise BadSnapshot("the digest does not fit: cut short or damaged")
        places, rest = divmod(len(self._map) - self.header.index_at, _OFFSET_BYTES)
        if rest or places < self.header.records:
            raise BadSnapshot("the index does not fit")
        return places

    def _offset(self, place: int) -> int:
        start = self.header.index_at + place * _OFFSET_BYTES
        return int.from_bytes(self._map[start : start + _OFFSET_BYTES], "little")

    def _record(self, offset: int) -> tuple[bytes, bytes, int]:
        key_size, value_size = _RECORD.unpack_from(self._map, offset)
        key_at = offset + _RECORD.size
        value_at = key_at + key_size
        end = value_at + value_size
        return self._map[key_at:value_at], self._map[value_at:end], end


class SnapshotWriter:
    """Writes a snapshot beside `path` and puts it in its place when `commit` is called; as a context, cleans up.

    Every method blocks on the disk: call them from a thread, one at a time.
    """

    def __init__(self, path: Path, version: Version, written_at_ms: int) -> None:
        self._path = path
        self._temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
        self._version = version
        self._written_at_ms = written_at_ms
        self._entries: list[tuple[int, int]] = []
        self._digest = hashlib.blake2b(digest_size=32)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[bytes] = self._temporary.open("wb")
        self._file.write(bytes(_HEADER.size))
        self._at = _HEADER.size

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._temporary.unlink(missing_ok=True)

    def add(self, records: Iterable[tuple[str, bytes]]) -> None:
        """Append published keys and values; a key must not come twice."""
        for key, value in records:
            name = key.encode()
            self._entries.append((zlib.crc32(name), self._at))
            self._write(_RECORD.pack(len(name), len(value)) + name + value)

    def commit(self, newest: Version) -> None:
        """Write index and header, and make the file durable under its name; no value is newer than `newest`."""
        index_at = self._at
        self._write(self._index())
        about = (*self._version, *newest, self._written_at_ms, len(self._entries), index_at)
        self._file.seek(0)
        self._file.write(_HEADER.pack(MAGIC, FORMAT, *about, self._digest.digest()))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._temporary.replace(self._path)
        _sync_folder(self._path.parent)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._digest.update(data)
        self._at += len(data)

    def _index(self) -> bytes:
        places = len(self._entries) * _SPARE + 1
        index = array("Q", bytes(places * _OFFSET_BYTES))
        for crc, offset in self._entries:
            place = crc % places
            while index[place]:
                place = (place + 1) % places
            index[place] = offset
        if struct.pack("=H", 1) != struct.pack("<H", 1):
            index.byteswap()
        return index.tobytes()


def _read_header(data: mmap.mmap) -> Header:
    magic, file_format, *versions, written_at_ms, count, index, digest = _HEADER.unpack_from(data)
    if magic != MAGIC:
        raise BadSnapshot("not a snapshot")
    if file_format != FORMAT:
        raise BadSnapshot(f"format {file_format} is not understood here")
    if not _HEADER.size <= index <= len(data):
        raise BadSnapshot("cut short")
    return Header(Version(*versions[:2]), Version(*versions[2:]), written_at_ms, count, index, digest)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
