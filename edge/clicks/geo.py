"""The country database: found, copied, checked, mapped, and swapped for a newer one while clicks go on.

# Notes: a mapped file that somebody rewrites in place kills the process that reads it (SIGBUS). So the edge never maps
# the file it was given but a copy of its own, written once under a name that says which file it was; all workers map
# the same copy. An old reader is never closed, for a thread may still be in it: it goes when nobody holds it.
"""

import asyncio
import contextlib
import logging
import lzma
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

import maxminddb

from shared.country import check_database

log = logging.getLogger("edge.geo")

Lookup = Callable[[str], object]
"""Address -> the database's record; may raise ValueError and what maxminddb raises for corrupt data."""

PACKAGED: Final = Path(str(resources.files("shared"))) / "data" / "dbip-country-2026-06.mmdb.xz"
WATCH_EVERY_S: Final = 5.0
_STALE_COPY_S: Final = 3600.0


class UnusableDatabase(Exception):
    """A file that is no country database this edge may serve from; the text says why."""


class _Signature(NamedTuple):
    """What tells one version of a file from the next without reading it."""

    device: int
    inode: int
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class GeoStatus:
    """`source` is "" while no database is loaded: every country is ZZ. `problem` is "" when all is well.

    `built_at` is seconds since 1970, as the database says. `swaps` and `refusals` count since start.
    """

    source: str
    built_at: int
    problem: str
    swaps: int
    refusals: int


class NoExtension(RuntimeError):
    """The reader in C is not installed; the one in Python takes ten times as long, on the path of every new address."""


def require_extension() -> None:
    """Raise NoExtension unless the reader in C can be used."""
    try:
        import maxminddb.extension  # noqa: F401
    except ImportError as exc:
        raise NoExtension("maxminddb lacks its C extension: install a wheel, or libmaxminddb and a compiler.") from exc


def sources_for(geo_db: Path | None, data_dir: Path) -> tuple[Path, ...]:
    """Return the files to look for, best first: the one set, or else a downloaded one before the packaged one."""
    return (geo_db,) if geo_db else (data_dir / "geo" / "country.mmdb", PACKAGED)


def nowhere(_address: str) -> None:
    """The look-up while there is no database: it knows no address."""


class CountryDatabase:
    """The database in use: opened once before workers are forked, then watched by each."""

    def __init__(self, sources: Sequence[Path], folder: Path) -> None:
        self._sources = sources
        self._folder = folder
        self._loaded: _Loaded | None = None
        self._refused: dict[Path, _Signature] = {}
        self._problem = ""
        self._swaps = 0
        self._refusals = 0

    @property
    def lookup(self) -> Lookup:
        """The look-up to use from now on; an older one stays usable for as long as someone holds it."""
        return self._loaded.reader.get if self._loaded else nowhere

    def open(self) -> None:
        """Load the best database where it is another than the loaded one; without any, say so loudly and go on."""
        self._adopt(self._newer())

    async def watch(self, on_swap: Callable[[Lookup], None], every_s: float = WATCH_EVERY_S) -> None:
        """Take up replaced files until cancelled; `on_swap` gets each new look-up, in the loop's thread."""
        while True:
            await asyncio.sleep(every_s)
            if self._adopt(await asyncio.to_thread(self._newer)):
                on_swap(self.lookup)

    def remove_other_copies(self) -> None:
        """Delete old copies but the loaded one; who has mapped one goes on reading it."""
        before = time.time() - _STALE_COPY_S
        for copy in self._folder.glob("country-*.*"):
            with contextlib.suppress(OSError):
                if (self._loaded is None or copy != self._loaded.copy) and copy.stat().st_mtime < before:
                    copy.unlink()

    def status(self) -> GeoStatus:
        """Return what is loaded and what is wrong."""
        loaded = self._loaded
        source, built_at = (str(loaded.source), loaded.built_at) if loaded else ("", 0)
        return GeoStatus(source, built_at, self._problem, self._swaps, self._refusals)

    def _adopt(self, found: "_Loaded | None") -> bool:
        if found:
            self._loaded = found
            self._swaps += 1
            log.info("country database loaded", extra={"source": str(found.source), "built_at": found.built_at})
        elif self._loaded is None and not self._problem:
            self._complain(f"no country database at {self._sources[0]}")
        return found is not None

    def _newer(self) -> "_Loaded | None":
        """Return the best file's database where it is another than the loaded one; it may run in a thread."""
        for source in self._sources:
            signature = _signature(source)
            if signature is None or self._refused.get(source) == signature:
                continue
            if self._loaded and (self._loaded.source, self._loaded.signature) == (source, signature):
                return None
            try:
                found = _load(source, signature, self._folder)
            except (UnusableDatabase, OSError) as exc:
                self._refuse(source, signature, exc)
                continue
            self._problem = ""
            return found
        return None

    def _refuse(self, source: Path, signature: _Signature, reason: Exception) -> None:
        """Keep what is loaded. A bad file is not read again until it changes; a full disk is tried again."""
        self._refusals += 1
        if isinstance(reason, UnusableDatabase):
            self._refused[source] = signature
        self._complain(f"country database {source} refused: {reason}")

    def _complain(self, problem: str) -> None:
        if problem != self._problem:
            serving = self._loaded.source if self._loaded else "nothing: every country is ZZ"
            log.error(problem, extra={"serving": str(serving)})
        self._problem = problem


@dataclass(frozen=True, slots=True)
class _Loaded:
    source: Path
    signature: _Signature
    copy: Path
    reader: maxminddb.Reader
    built_at: int


def _signature(path: Path) -> _Signature | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return _Signature(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _load(source: Path, signature: _Signature, folder: Path) -> _Loaded:
    """Raises UnusableDatabase, OSError."""
    copy = private_copy(source, signature, folder)
    try:
        reader = maxminddb.open_database(copy, maxminddb.MODE_MMAP_EXT)
        metadata = reader.metadata()
        problems = check_database(reader.get, metadata.node_count)
        built_at = int(metadata.build_epoch)
    except (maxminddb.InvalidDatabaseError, UnicodeError, ValueError) as exc:
        problems = [str(exc)]
    if problems:
        copy.unlink(missing_ok=True)
        raise UnusableDatabase("; ".join(problems)[:500])
    return _Loaded(source, signature, copy, reader, built_at)


def private_copy(source: Path, signature: _Signature, folder: Path) -> Path:
    """Return our copy of `source`, unpacked where it ends in .xz, made unless a worker has made it before.

    Raises OSError; UnusableDatabase where the file is none or is no whole archive.
    """
    copy = folder / f"country-{'-'.join(f'{number:x}' for number in signature)}.mmdb"
    if copy.exists():
        return copy
    if not source.is_file():
        raise UnusableDatabase("not a file")
    folder.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix="country-", suffix=".tmp", dir=folder)
    try:
        with os.fdopen(handle, "wb") as out, (lzma.open if source.suffix == ".xz" else open)(source, "rb") as packed:
            shutil.copyfileobj(packed, out)
            out.flush()
            os.fsync(out.fileno())
        if _signature(source) != signature:
            raise BlockingIOError("the file is being written")
        os.replace(temporary, copy)
    except (lzma.LZMAError, EOFError) as exc:
        raise UnusableDatabase(f"not a whole archive: {exc}") from exc
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
    return copy
