"""Backups: taken from databases in use, checked before they are put back, never over anything."""

import json
import sqlite3
import tarfile
from contextlib import closing
from io import BytesIO
from pathlib import Path

import pytest

from control.settings import ControlSettings
from deploy.backup import back_up, restore
from deploy.data_folder import DataFolder
from deploy.refusal import Refusal


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TURNOUT_DATABASE_URL", "TURNOUT_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)


def database(path: Path, *values: str) -> None:
    """Make a database in write-ahead mode, as control does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE IF NOT EXISTS kept (value TEXT)")
        connection.executemany("INSERT INTO kept VALUES (?)", [(value,) for value in values])
        connection.commit()


def values(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT value FROM kept")]


def settings(folder: Path) -> ControlSettings:
    return ControlSettings(data_dir=folder)


@pytest.fixture
def old(tmp_path: Path) -> ControlSettings:
    database(tmp_path / "old" / "control.db", "an offer")
    database(tmp_path / "old" / "clicks.db", "a click")
    return settings(tmp_path / "old")


@pytest.fixture
def archive(old: ControlSettings, tmp_path: Path) -> Path:
    back_up(old, tmp_path / "backup.tar.gz", with_clicks=True)
    return tmp_path / "backup.tar.gz"


def test_what_was_backed_up_is_there_after_a_restore(archive: Path, tmp_path: Path) -> None:
    restore(settings(tmp_path / "new"), archive)

    assert values(tmp_path / "new" / "control.db") == ["an offer"]
    assert values(tmp_path / "new" / "clicks.db") == ["a click"]


def test_a_backup_has_one_moment_while_somebody_writes(old: ControlSettings, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "old" / "control.db")) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO kept VALUES ('not committed')")
        back_up(old, tmp_path / "backup.tar.gz", with_clicks=True)
        writer.commit()

    restore(settings(tmp_path / "new"), tmp_path / "backup.tar.gz")

    assert values(tmp_path / "new" / "control.db") == ["an offer"]


def test_clicks_can_be_left_out(old: ControlSettings, tmp_path: Path) -> None:
    assert back_up(old, tmp_path / "backup.tar.gz", with_clicks=False) == ["control.db"]

    assert restore(settings(tmp_path / "new"), tmp_path / "backup.tar.gz") == ["control.db"]


def test_a_backup_holds_secrets_and_is_its_owners(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_a_backup_overwrites_nothing(old: ControlSettings, archive: Path) -> None:
    with pytest.raises(Refusal, match="exists already"):
        back_up(old, archive, with_clicks=True)


def test_there_must_be_something_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nothing to back up"):
        back_up(settings(tmp_path / "empty"), tmp_path / "backup.tar.gz", with_clicks=True)


def test_an_unwritable_place_is_one_sentence(old: ControlSettings, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="cannot be written"):
        back_up(old, tmp_path / "missing" / "backup.tar.gz", with_clicks=True)


def test_a_restore_overwrites_nothing(old: ControlSettings, archive: Path, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match=r"control\.db exists already; restore into an empty data folder"):
        restore(old, archive)

    assert values(tmp_path / "old" / "control.db") == ["an offer"]


def test_nothing_is_restored_under_a_running_turnout(archive: Path, tmp_path: Path) -> None:
    running = DataFolder(tmp_path / "new")
    running.claim()

    with pytest.raises(Refusal, match="Turnout is running"):
        restore(settings(tmp_path / "new"), archive)


@pytest.mark.parametrize("at", [0.1, 0.5, 0.9])
def test_a_cut_backup_restores_nothing(archive: Path, tmp_path: Path, at: float) -> None:
    whole = archive.read_bytes()
    archive.write_bytes(whole[: int(len(whole) * at)])

    with pytest.raises(Refusal):
        restore(settings(tmp_path / "new"), archive)

    assert not list((tmp_path / "new").iterdir())


def test_a_damaged_backup_restores_nothing(archive: Path, tmp_path: Path) -> None:
    damaged = bytearray(archive.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    archive.write_bytes(damaged)

    with pytest.raises(Refusal):
        restore(settings(tmp_path / "new"), archive)

    assert not list((tmp_path / "new").iterdir())


def tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, BytesIO(content))
    return path


def manifest(**files: str) -> bytes:
    return json.dumps(
        {"format": 1, "files": {name.replace("_", "."): digest for name, digest in files.items()}}
    ).encode()


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({}, id="empty"),
        pytest.param({"control.db": b"x"}, id="no manifest"),
        pytest.param({"manifest.json": b"{"}, id="torn manifest"),
        pytest.param({"manifest.json": b'{"format": 2, "files": {"control.db": ""}}'}, id="another format"),
        pytest.param(
            {"manifest.json": b'{"format": 1, "files": {"control.db": "", "../../x": ""}}'}, id="foreign path"
        ),
        pytest.param({"manifest.json": manifest(control_db="0" * 64), "control.db": b"x"}, id="another content"),
        pytest.param({"manifest.json": manifest(control_db="0" * 64)}, id="a file is missing"),
    ],
)
def test_what_is_no_whole_backup_restores_nothing(tmp_path: Path, files: dict[str, bytes]) -> None:
    archive = tar(tmp_path / "backup.tar.gz", files)

    with pytest.raises(Refusal):
        restore(settings(tmp_path / "new"), archive)

    assert not list((tmp_path / "new").iterdir())


def test_postgresql_is_left_to_its_own_tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TURNOUT_DATABASE_URL", "postgresql://localhost/turnout")

    with pytest.raises(Refusal, match="pg_dump"):
        back_up(settings(tmp_path), tmp_path / "backup.tar.gz", with_clicks=True)
