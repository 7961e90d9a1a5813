"""Backup and restore of an installation that keeps its data in SQLite: one archive, taken while everything runs.

Redis, spools and snapshots are left out on purpose: control publishes the rules again from SQL, under a higher epoch.
"""

import hashlib
import json
import sqlite3
import tarfile
import tempfile
import zlib
from contextlib import closing
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any, Final

from control.settings import ControlSettings
from deploy.data_folder import DataFolder
from deploy.refusal import Refusal

_MANIFEST: Final = "manifest.json"
_FORMAT: Final = 1
_CHUNK: Final = 1 << 20


def default_name() -> str:
    """Return the name of a backup taken now."""
    return f"turnout-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.tar.gz"


def back_up(settings: ControlSettings, target: Path, *, with_clicks: bool) -> list[str]:
    """Write a backup to `target` and return what is in it. Raises Refusal.

    Each database is copied as it is at one moment; clicks first, so that no click is about an offer that is missing.
    """
    sources = _databases(settings)
    if not sources["control.db"].exists():
        raise Refusal(f"There is nothing to back up: {sources['control.db']} does not exist.")
    if target.exists():
        raise Refusal(f"{target} exists already; a backup never overwrites one.")
    names = [
        name for name in ("clicks.db", "control.db") if sources[name].exists() and (with_clicks or "clicks" not in name)
    ]
    try:
        with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".turnout-backup-") as folder:
            for name in names:
                _copy(sources[name], Path(folder) / name)
            _pack(Path(folder), names, target)
    except (OSError, sqlite3.Error) as exc:
        raise Refusal(f"The backup {target} cannot be written: {exc}.") from exc
    return names


def restore(settings: ControlSettings, archive: Path) -> list[str]:
    """Put a backup's databases where the settings say they are, all or none. Raises Refusal.

    Nothing is overwritten, and every byte is checked against the manifest before anything is put in place.
    """
    targets = _databases(settings)
    _require_nothing_there(settings, targets)
    folder = settings.data_dir.expanduser()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".restore-") as unpacked, tarfile.open(archive) as tar:
            names = _unpack(tar, Path(unpacked))
            for name in names:
                targets[name].parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                (Path(unpacked) / name).replace(targets[name])
    except (OSError, tarfile.TarError, EOFError, zlib.error, sqlite3.Error) as exc:
        raise Refusal(f"{archive} cannot be restored: {exc}.") from exc
    return names


def _databases(settings: ControlSettings) -> dict[str, Path]:
    """Return name in the archive -> file. Raises Refusal when they are no files."""
    urls = {"control.db": settings.config_database, "clicks.db": settings.clicks_database}
    if not all(url.startswith("sqlite:///") for url in urls.values()):
        raise Refusal(
            "This installation keeps its data in PostgreSQL: use pg_dump and pg_restore, which copy it whole."
        )
    return {name: Path(url.removeprefix("sqlite:///")).expanduser() for name, url in urls.items()}


def _require_nothing_there(settings: ControlSettings, targets: dict[str, Path]) -> None:
    folder = DataFolder(settings.data_dir.expanduser())
    if folder.is_running():
        raise Refusal(f"Turnout is running on {folder.path}; stop it first.")
    for target in targets.values():
        if target.exists():
            raise Refusal(f"{target} exists already; restore into an empty data folder (TURNOUT_DATA_DIR).")


def _copy(source: Path, target: Path) -> None:
    """Copy a database that others are writing to, as it is at one moment, without its free pages."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as database:
        database.execute("VACUUM INTO ?", (str(target),))


def _pack(folder: Path, names: list[str], target: Path) -> None:
    """Write the archive under another name first, so that what bears the name of a backup is whole."""
    manifest = {
        "format": _FORMAT,
        "turnout": version("turnout"),
        "taken_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "files": {name: _sha256(folder / name) for name in names},
    }
    (folder / _MANIFEST).write_text(json.dumps(manifest, indent=2))
    new = folder / "archive"
    new.touch(mode=0o600)
    with tarfile.open(new, "w:gz", compresslevel=6) as tar:
        for name in (_MANIFEST, *names):
            tar.add(folder / name, arcname=name)
    new.replace(target)


def _unpack(tar: tarfile.TarFile, folder: Path) -> list[str]:
    """Unpack what the manifest names, and only that, and check it. Raises Refusal."""
    manifest = _manifest(tar)
    for name, digest in manifest["files"].items():
        with _member(tar, name) as source, (folder / name).open("wb") as target:
            while chunk := source.read(_CHUNK):
                target.write(chunk)
        if _sha256(folder / name) != digest:
            raise Refusal(f"The backup is damaged: {name} is not what its manifest says.")
        _require_sound(folder / name)
    return list(manifest["files"])


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    try:
        file = tar.extractfile(name)
    except KeyError:
        file = None
    if file is None:
        raise Refusal(f"This is no whole backup: {name} is missing.")
    return file


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    with _member(tar, _MANIFEST) as file:
        text = file.read(_CHUNK)
    try:
        manifest: dict[str, Any] = json.loads(text)
        names = set(manifest["files"])
        if manifest["format"] == _FORMAT and "control.db" in names and names <= {"control.db", "clicks.db"}:
            return manifest
    except (KeyError, ValueError, TypeError):
        pass
    raise Refusal("This is no backup that this release of Turnout can read.")


def _require_sound(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        found = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != ("ok",):
        raise Refusal(f"The backup is damaged: SQLite says of {path.name}: {found[0]}.")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
