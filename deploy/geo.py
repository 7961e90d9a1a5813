"""`turnout geo`: which country database is in use, and how a newer one takes its place.

A new file is fetched beside the old one, unpacked, checked, and renamed into place; every edge that reads it takes it
up within seconds. What fails a check leaves no trace. The edge checks again: it keeps what it has when a file is bad.
"""

import gzip
import lzma
import os
import tarfile
import tempfile
import time
import zipfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPException
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import maxminddb

from deploy.refusal import Refusal
from edge.clicks.geo import PACKAGED, sources_for
from shared.country import check_database

MAX_BYTES: Final = 1 << 30
"""What a file may unpack to: the largest city databases sold are about 700 MB, and a bomb stops here."""

_MAX_AGE_DAYS: Final = 400
_MAX_AHEAD_DAYS: Final = 2
_LEAST_OF_OLD: Final = 0.25
"""Vendors cut the world differently, up to a factor of three; what is smaller than this is a part of it."""

_CHUNK: Final = 1 << 20
_TIMEOUT_S: Final = 60.0
_DAY_S: Final = 86_400
_MAXMIND: Final = "https://download.maxmind.com/geoip/databases/GeoLite2-Country/download?suffix=tar.gz"
_DBIP: Final = "https://download.db-ip.com/free/dbip-country-lite-{month:%Y-%m}.mmdb.gz"


@dataclass(frozen=True, slots=True)
class GeoInfo:
    """What a country database says of itself; `networks` is the size of its search tree."""

    path: Path
    kind: str
    built_at: int
    age_days: int
    networks: int

    @property
    def built_on(self) -> str:
        """The day it was built."""
        return f"{datetime.fromtimestamp(self.built_at, UTC):%Y-%m-%d}"

    @property
    def is_dbip(self) -> bool:
        """True when its licence asks for a credit to DB-IP."""
        return self.path == PACKAGED or "DBIP" in self.kind


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def in_use(data_dir: Path) -> Path:
    """Return the file that an edge with this environment reads. Raises Refusal when there is none."""
    given = os.environ.get("TURNOUT_GEO_DB")
    sources = sources_for(Path(given).expanduser() if given else None, data_dir)
    found = next((source for source in sources if source.is_file()), None)
    if found is None:
        raise Refusal(f"There is no country database at {sources[0]}: every visitor's country is unknown (ZZ).")
    return found


def target(data_dir: Path) -> Path:
    """Return where an update goes: the file set in TURNOUT_GEO_DB, else the one in the data folder."""
    given = os.environ.get("TURNOUT_GEO_DB")
    return Path(given).expanduser() if given else sources_for(None, data_dir)[0]


def inspect(path: Path) -> GeoInfo:
    """Return what the database at `path` (packed or not) says of itself. Raises Refusal when it is not one."""
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "country.mmdb"
        _unpack(path, plain)
        return _checked(plain, shown=path)


def from_dbip(today: date) -> list[Request]:
    """Return where DB-IP Lite is to be had: this month's file, or last month's when it is not out yet."""
    last_month = today.replace(day=1) - timedelta(days=1)
    return [Request(_DBIP.format(month=month)) for month in (today, last_month)]  # noqa: S310


def from_maxmind(account: str, key: str) -> list[Request]:
    """Return where MaxMind gives GeoLite2 to the owner of a licence key, who stays unknown to hosts redirected to."""
    request = Request(_MAXMIND)
    request.add_unredirected_header("Authorization", f"Basic {b64encode(f'{account}:{key}'.encode()).decode()}")
    return [request]


def maxmind_account(given: str) -> tuple[str, str]:
    """Return account and key of `ACCOUNT:KEY`, or of a file (`@FILE`) that holds it: other people see command lines.

    Raises Refusal.
    """
    if given.startswith("@"):
        try:
            given = Path(given[1:]).expanduser().read_text().strip()
        except (OSError, UnicodeError) as exc:
            raise Refusal(f"The file with the MaxMind key cannot be read: {exc}.") from exc
    account, _, key = given.partition(":")
    if not account or not key:
        raise Refusal("A MaxMind account and its licence key are written ACCOUNT:KEY.")
    return account, key


def from_url(url: str) -> list[Request]:
    """Return where a file is to be had that the person names. Raises Refusal unless it is http or https."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise Refusal(f"{url!r} is not an http or https address; for a file on this machine use --file.")
    return [Request(url)]  # noqa: S310 (the scheme was checked)


def download(requests: list[Request], place: Path) -> GeoInfo:
    """Fetch a database from the first of `requests` that has one and put it in `place`. Raises Refusal."""
    with _workspace(place) as folder:
        packed = folder / "fetched"
        _fetch_first(requests, packed)
        return _put(packed, folder, place)


def install(source: Path, place: Path) -> GeoInfo:
    """Check the database in the file `source` and put it in `place`. Raises Refusal."""
    with _workspace(place) as folder:
        return _put(source, folder, place)


@contextmanager
def _workspace(place: Path) -> Iterator[Path]:
    """Give a folder on the same disk as `place`, so that putting a file there is one rename."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".geo-") as folder:
            yield Path(folder)
    except OSError as exc:
        raise Refusal(f"The country database cannot be put at {place}: {exc.strerror or exc}.") from exc


def _put(packed: Path, folder: Path, place: Path) -> GeoInfo:
    plain = folder / "unpacked.mmdb"
    _unpack(packed, plain)
    info = _checked(plain, shown=place)
    if reason := _unfit(info) or _worse(info, _present(place)):
        raise Refusal(f"This database {reason}.")
    with plain.open("rb") as file:
        os.fsync(file.fileno())
    plain.chmod(0o644)
    plain.replace(place)
    return info


def _checked(plain: Path, shown: Path) -> GeoInfo:
    """Return what the database says of itself. Raises Refusal when it is not one or places known addresses wrongly."""
    try:
        with maxminddb.open_database(plain) as reader:
            metadata = reader.metadata()
            faults = check_database(reader.get, metadata.node_count)
    except (maxminddb.InvalidDatabaseError, OSError, ValueError, UnicodeError) as exc:
        raise Refusal(f"{shown} is not a country database (MMDB): {str(exc)[:300]}") from exc
    if faults:
        raise Refusal(f"{shown} is not a country database that can be used: {faults[0]}.")
    age_days = int((time.time() - metadata.build_epoch) // _DAY_S)
    return GeoInfo(shown, metadata.database_type, metadata.build_epoch, age_days, metadata.node_count)


def _unfit(new: GeoInfo) -> str:
    """Return why no edge should tell countries by it, "" where nothing is wrong with its age."""
    if new.age_days > _MAX_AGE_DAYS:
        return f"is {new.age_days} days old; addresses have moved too much to send visitors by it"
    if new.age_days < -_MAX_AHEAD_DAYS:
        return f"says that it was built in {-new.age_days} days from now; it, or the clock here, is wrong"
    return ""


def _worse(new: GeoInfo, old: GeoInfo | None) -> str:
    """Return why it should not replace the `old` one, "" where it may."""
    if old is None:
        return ""
    if old.built_at > new.built_at:
        return f"is older than the one at {old.path}; delete that one first if you do mean it"
    if new.networks < old.networks * _LEAST_OF_OLD:
        return (
            f"is much smaller than the one at {old.path} ({new.networks:,} networks instead of {old.networks:,}); "
            "delete that one first if you do mean it"
        )
    return ""


def _present(place: Path) -> GeoInfo | None:
    """Return what is in place, None where nothing is, or what is no database: anything is better then."""
    with suppress(Refusal):
        return inspect(place) if place.exists() else None
    return None


def _fetch_first(requests: list[Request], to: Path) -> None:
    for request in requests:
        last = request is requests[-1]
        try:
            with urlopen(request, timeout=_TIMEOUT_S) as response, to.open("wb") as file:  # noqa: S310
                _copy(response, file)
            return
        except HTTPError as exc:
            if exc.code != 404 or last:
                reason = "the account or key is not accepted" if exc.code in (401, 403) else f"status {exc.code}"
                raise _not_fetched(request, reason) from exc
        except URLError as exc:
            raise _not_fetched(request, str(exc.reason)) from exc
        except (TimeoutError, HTTPException) as exc:
            raise _not_fetched(request, str(exc) or type(exc).__name__) from exc


def _not_fetched(request: Request, reason: str) -> Refusal:
    return Refusal(f"The country database cannot be fetched from {_host(request)}: {reason}.")


def _host(request: Request) -> str:
    return urlsplit(request.full_url).netloc.rpartition("@")[2]


def _unpack(packed: Path, plain: Path) -> None:
    """Write the MMDB in `packed` (as it is, or in .gz, .xz, .zip, .tar.gz) to `plain`. Raises Refusal."""
    try:
        with _opened(packed) as source, plain.open("wb") as file:
            _copy(source, file)
    except (OSError, EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile) as exc:
        raise Refusal(f"{packed} cannot be read: {exc}.") from exc


@contextmanager
def _opened(packed: Path) -> Iterator[_Readable]:
    with packed.open("rb") as file:
        start = file.read(6)
    if start.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(packed) as archive, archive.open(_only_mmdb(archive.namelist(), packed)) as member:
            yield member
    elif start.startswith((b"\x1f\x8b", b"\xfd7zXZ\x00")) and tarfile.is_tarfile(packed):
        with tarfile.open(packed) as tar:
            found = tar.extractfile(_only_mmdb(tar.getnames(), packed))
            assert found is not None
            yield found
    else:
        with _stream(packed, start) as stream:
            yield stream


def _stream(packed: Path, start: bytes) -> gzip.GzipFile | lzma.LZMAFile | BufferedReader:
    if start.startswith(b"\x1f\x8b"):
        return gzip.open(packed)
    if start.startswith(b"\xfd7zXZ"):
        return lzma.open(packed)
    return packed.open("rb")


def _only_mmdb(names: list[str], packed: Path) -> str:
    found = [name for name in names if name.endswith(".mmdb")]
    if len(found) != 1:
        raise Refusal(f"{packed} holds {len(found)} MMDB files; one is needed.")
    return found[0]


def _copy(source: _Readable, file: BufferedWriter) -> None:
    """Copy what `source` unpacks to, up to MAX_BYTES."""
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > MAX_BYTES:
            raise Refusal(f"The country database is larger than {MAX_BYTES >> 20} MiB.")
        file.write(chunk)
