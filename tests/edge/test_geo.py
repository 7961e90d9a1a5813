"""The country database is copied, checked and swapped; whatever is wrong with a file, the edge goes on."""

import asyncio
import os
import shutil
import sys
from pathlib import Path

import maxminddb.extension
import pytest

from edge.clicks.geo import PACKAGED, CountryDatabase, Lookup, NoExtension, nowhere, require_extension, sources_for
from shared.country import country_of
from tests.builders import US_ADDRESS


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "geo"


@pytest.fixture(scope="session")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packaged database as a plain file."""
    folder = tmp_path_factory.mktemp("unpacked")
    CountryDatabase((PACKAGED,), folder).open()
    (copy,) = folder.glob("*.mmdb")
    return copy


def opened(folder: Path, *sources: Path) -> CountryDatabase:
    database = CountryDatabase(sources, folder)
    database.open()
    return database


def replace(path: Path, content: bytes) -> None:
    """Replace a file as an updater should: by rename."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(content)
    temporary.replace(path)


def with_epoch(content: bytes, years: int) -> bytes:
    """The same database, said to be built another day: its build_epoch, a uint64 at the end, is changed in place."""
    place = content.rindex(b"build_epoch") + len(b"build_epoch")
    size = content[place] & 0x1F
    start = place + 2
    epoch = int.from_bytes(content[start : start + size], "big") + years * 31_536_000
    return content[:start] + epoch.to_bytes(size, "big") + content[start + size :]


async def until(database: CountryDatabase, swaps: int, refusals: int = 0) -> list[Lookup]:
    """Watch until so much has happened; return the look-ups that were handed on."""
    handed: list[Lookup] = []
    watching = asyncio.create_task(database.watch(handed.append, every_s=0.001))
    async with asyncio.timeout(30):
        while (database.status().swaps, database.status().refusals) != (swaps, refusals):  # noqa: ASYNC110
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.005)
    watching.cancel()
    return handed


def test_the_packaged_database_answers_out_of_the_box(folder: Path) -> None:
    database = opened(folder, *sources_for(None, folder.parent))

    assert country_of(US_ADDRESS, database.lookup) == "US"
    assert database.status().problem == ""
    assert database.status().built_at > 1_700_000_000


def test_the_reader_is_the_c_extension(folder: Path) -> None:
    database = opened(folder, PACKAGED)

    assert isinstance(getattr(database.lookup, "__self__", None), maxminddb.extension.Reader)


def test_without_the_reader_in_c_the_edge_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "maxminddb.extension", None)

    with pytest.raises(NoExtension, match="install a wheel"):
        require_extension()


def test_workers_map_one_copy(folder: Path) -> None:
    opened(folder, PACKAGED)
    opened(folder, PACKAGED)

    assert len(list(folder.iterdir())) == 1


def test_a_downloaded_database_beats_the_packaged_one(folder: Path, unpacked: Path) -> None:
    folder.mkdir()
    shutil.copy(unpacked, folder / "country.mmdb")

    assert opened(folder, *sources_for(None, folder.parent)).status().source == str(folder / "country.mmdb")


def test_the_one_that_is_set_beats_all() -> None:
    assert sources_for(Path("/x.mmdb"), Path("/data")) == (Path("/x.mmdb"),)


def test_without_a_database_every_country_is_unknown(folder: Path) -> None:
    database = opened(folder, folder / "missing.mmdb")

    assert country_of(US_ADDRESS, database.lookup) == "ZZ"
    assert database.lookup is nowhere
    assert database.status().source == ""
    assert "no country database" in database.status().problem


@pytest.mark.parametrize(
    "content",
    [b"", b"\xab\xcd\xefMaxMind.com", b"x" * 10_000, b"\0" * 10_000],
    ids=["empty", "marker only", "text", "zeros"],
)
def test_a_broken_database_starts_the_edge_anyway(folder: Path, tmp_path: Path, content: bytes) -> None:
    broken = tmp_path / "broken.mmdb"
    broken.write_bytes(content)

    database = opened(folder, broken)

    assert country_of(US_ADDRESS, database.lookup) == "ZZ"
    assert "refused" in database.status().problem
    assert list(folder.glob("*")) == []


def test_a_truncated_database_is_refused(folder: Path, tmp_path: Path, unpacked: Path) -> None:
    cut = tmp_path / "cut.mmdb"
    cut.write_bytes(unpacked.read_bytes()[:1_000_000])

    assert opened(folder, cut).status().source == ""


def test_a_truncated_archive_is_refused(folder: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mmdb.xz"
    cut.write_bytes(PACKAGED.read_bytes()[:100_000])

    assert "not a whole archive" in opened(folder, cut).status().problem


def test_a_folder_in_the_place_of_a_database_is_refused(folder: Path, tmp_path: Path) -> None:
    assert "not a file" in opened(folder, tmp_path).status().problem


def test_a_replaced_file_is_taken_up_and_handed_on(folder: Path, tmp_path: Path, unpacked: Path) -> None:
    path = tmp_path / "country.mmdb"
    content = unpacked.read_bytes()
    replace(path, content)
    database = opened(folder, path)
    before, built_at = database.lookup, database.status().built_at
    replace(path, with_epoch(content, years=1))

    handed = asyncio.run(until(database, swaps=2))

    assert handed == [database.lookup]
    assert database.status().built_at == built_at + 31_536_000
    assert country_of(US_ADDRESS, before) == "US"  # whoever is still in the old one may go on


def test_a_file_rewritten_in_place_does_not_touch_what_is_served(folder: Path, tmp_path: Path, unpacked: Path) -> None:
    path = tmp_path / "country.mmdb"
    shutil.copy(unpacked, path)
    database = opened(folder, path)
    os.truncate(path, 0)

    assert [country_of(f"8.8.{number}.8", database.lookup) for number in range(256)].count("US") > 200


def test_a_corrupt_replacement_is_refused_once_and_the_old_one_serves(
    folder: Path, tmp_path: Path, unpacked: Path
) -> None:
    path = tmp_path / "country.mmdb"
    shutil.copy(unpacked, path)
    database = opened(folder, path)
    replace(path, b"no database")

    handed = asyncio.run(until(database, swaps=1, refusals=1))

    assert handed == []
    assert country_of(US_ADDRESS, database.lookup) == "US"
    assert "refused" in database.status().problem


def test_a_good_file_after_a_bad_one_ends_the_problem(folder: Path, tmp_path: Path, unpacked: Path) -> None:
    path = tmp_path / "country.mmdb"
    path.write_bytes(b"no database")
    database = opened(folder, path)
    replace(path, unpacked.read_bytes())

    handed = asyncio.run(until(database, swaps=1, refusals=1))

    assert handed == [database.lookup]
    assert database.status().problem == ""


def test_a_database_that_appears_later_is_taken_up(folder: Path, tmp_path: Path, unpacked: Path) -> None:
    path = tmp_path / "country.mmdb"
    database = opened(folder, path)
    shutil.copy(unpacked, path)

    asyncio.run(until(database, swaps=1))

    assert country_of(US_ADDRESS, database.lookup) == "US"


def test_only_old_copies_nobody_is_about_to_map_are_removed(folder: Path) -> None:
    database = opened(folder, PACKAGED)
    old, young = folder / "country-old.mmdb", folder / "country-young.mmdb"
    old.touch()
    young.touch()
    for path in folder.glob("country-*"):
        if path != young:
            os.utime(path, (0, 0))

    database.remove_other_copies()

    assert not old.exists()
    assert len(list(folder.iterdir())) == 2
    assert opened(folder, PACKAGED).status().problem == ""
