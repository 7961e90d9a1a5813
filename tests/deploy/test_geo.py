"""Country databases: fetched, unpacked, checked, and only then put in place."""

import functools
import gzip
import io
import lzma
import tarfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from deploy import geo
from deploy.refusal import Refusal
from edge.clicks.geo import PACKAGED
from tests.servers import Site

DAY_S = 86_400
NOW = int(time.time())


@functools.cache
def packaged() -> bytes:
    return lzma.decompress(PACKAGED.read_bytes())


def built(days_ago: int) -> bytes:
    """Return the packaged database as if it had been built that many days ago."""
    database = bytearray(packaged())
    at = database.rindex(b"build_epoch") + len(b"build_epoch")
    assert database[at : at + 2] == b"\x04\x02", "a four-byte uint64"
    database[at + 2 : at + 6] = (NOW - days_ago * DAY_S).to_bytes(4, "big")
    return bytes(database)


def zipped(content: bytes) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("GeoLite2-Country_20261120/GeoLite2-Country.mmdb", content)
        archive.writestr("GeoLite2-Country_20261120/LICENSE.txt", b"...")
    return packed.getvalue()


def tarred(content: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=1) as archive:
        for name, data in (("GeoLite2-Country/COPYRIGHT.txt", b"..."), ("GeoLite2-Country/x.mmdb", content)):
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return packed.getvalue()


@pytest.fixture
def place(data_dir: Path) -> Path:
    return data_dir / "geo" / "country.mmdb"


@pytest.mark.parametrize(
    "pack",
    [
        pytest.param(bytes, id="as it is"),
        pytest.param(functools.partial(gzip.compress, compresslevel=1), id="gz"),
        pytest.param(functools.partial(lzma.compress, preset=0), id="xz"),
        pytest.param(zipped, id="zip"),
        pytest.param(tarred, id="tar.gz"),
    ],
)
def test_a_file_is_put_in_place_however_it_is_packed(
    tmp_path: Path, place: Path, pack: Callable[[bytes], bytes]
) -> None:
    (tmp_path / "download").write_bytes(pack(built(days_ago=3)))

    info = geo.install(tmp_path / "download", place)

    assert place.read_bytes() == built(days_ago=3)
    assert info.age_days == 3
    assert [path.name for path in place.parent.iterdir()] == ["country.mmdb"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        pytest.param(b"", "not a country database", id="empty"),
        pytest.param(b"<html>Please log in</html>", "not a country database", id="a web page"),
        pytest.param(gzip.compress(b"x" * 9999)[:-8], "cannot be read", id="torn gz"),
        pytest.param(lzma.compress(b"x" * 9999)[:-8], "cannot be read|not a country", id="torn xz"),
        pytest.param(b"PK\x03\x04 torn", "cannot be read", id="torn zip"),
        pytest.param(zipped(b"x").replace(b".mmdb", b".text"), "holds 0 MMDB files", id="zip of something else"),
    ],
)
def test_what_is_no_database_leaves_the_old_one(tmp_path: Path, place: Path, content: bytes, reason: str) -> None:
    place.parent.mkdir()
    place.write_bytes(b"the old one")
    (tmp_path / "download").write_bytes(content)

    with pytest.raises(Refusal, match=reason):
        geo.install(tmp_path / "download", place)

    assert place.read_bytes() == b"the old one"
    assert [path.name for path in place.parent.iterdir()] == ["country.mmdb"]


def test_half_a_database_leaves_the_old_one(tmp_path: Path, place: Path) -> None:
    (tmp_path / "download").write_bytes(packaged()[: len(packaged()) // 2])

    with pytest.raises(Refusal, match="not a country database"):
        geo.install(tmp_path / "download", place)


def test_a_database_does_not_go_back_in_time(tmp_path: Path, place: Path) -> None:
    (tmp_path / "new").write_bytes(built(days_ago=1))
    (tmp_path / "old").write_bytes(built(days_ago=40))
    geo.install(tmp_path / "new", place)

    with pytest.raises(Refusal, match="older than the one"):
        geo.install(tmp_path / "old", place)


def test_a_database_of_long_ago_is_refused(tmp_path: Path, place: Path) -> None:
    (tmp_path / "old").write_bytes(built(days_ago=500))

    with pytest.raises(Refusal, match="500 days old"):
        geo.install(tmp_path / "old", place)


def test_a_database_of_the_future_is_refused(tmp_path: Path, place: Path) -> None:
    (tmp_path / "new").write_bytes(built(days_ago=-30))

    with pytest.raises(Refusal, match="days from now"):
        geo.install(tmp_path / "new", place)


def test_a_part_of_the_world_does_not_replace_the_whole(place: Path) -> None:
    whole = geo.GeoInfo(place, "DBIP-Country-Lite", NOW, 0, 600_000)
    other_vendor, part = (replace(whole, networks=networks) for networks in (250_000, 100_000))

    assert geo._worse(other_vendor, whole) == ""
    assert "much smaller than the one" in geo._worse(part, whole)
    assert geo._worse(part, None) == ""


def test_a_maxmind_key_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("12345:secret\n")

    assert geo.maxmind_account(f"@{tmp_path / 'key'}") == geo.maxmind_account("12345:secret") == ("12345", "secret")


@pytest.mark.parametrize("given", ["secret", ":secret", "12345:", "@/nonexistent/key"])
def test_a_key_without_account_is_refused(given: str) -> None:
    with pytest.raises(Refusal, match="MaxMind"):
        geo.maxmind_account(given)


def test_a_bomb_stops_at_the_limit(tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geo, "MAX_BYTES", 1 << 20)
    (tmp_path / "bomb").write_bytes(gzip.compress(b"x" * (8 << 20)))

    with pytest.raises(Refusal, match="larger than 1 MiB"):
        geo.install(tmp_path / "bomb", place)


def test_a_database_is_downloaded(site: Site, place: Path) -> None:
    site.pages["/c.mmdb.gz"] = (200, {}, gzip.compress(built(days_ago=0), 1))

    geo.download(geo.from_url(f"{site.url}/c.mmdb.gz"), place)

    assert place.read_bytes() == built(days_ago=0)


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "account or key is not accepted"), (404, "status 404"), (500, "status 500")]
)
def test_a_refused_download_is_one_sentence(site: Site, place: Path, status: int, reason: str) -> None:
    site.pages["/c.mmdb"] = (status, {}, b"")

    with pytest.raises(Refusal, match=reason):
        geo.download(geo.from_url(f"{site.url}/c.mmdb"), place)


def test_a_download_that_is_cut_short_leaves_nothing(site: Site, place: Path) -> None:
    site.pages["/c.mmdb"] = (200, {"Content-Length": "99999999"}, packaged()[:1000])

    with pytest.raises(Refusal):
        geo.download(geo.from_url(f"{site.url}/c.mmdb"), place)

    assert not list(place.parent.iterdir())


def test_an_address_nobody_answers_at_is_one_sentence(site: Site, place: Path) -> None:
    url = "http://127.0.0.1:1/c.mmdb"

    with pytest.raises(Refusal, match=r"cannot be fetched from 127\.0\.0\.1:1"):
        geo.download(geo.from_url(url), place)


def test_a_file_url_is_not_fetched() -> None:
    with pytest.raises(Refusal, match="not an http or https address"):
        geo.from_url("file:///etc/passwd")


def test_last_months_file_is_taken_while_this_months_is_not_out(site: Site, place: Path) -> None:
    this_month, last_month = geo.from_dbip(date(2026, 3, 1))
    this_month.full_url, last_month.full_url = f"{site.url}/2026-03", f"{site.url}/2026-02"
    site.pages["/2026-02"] = (200, {}, gzip.compress(built(days_ago=10), 1))

    geo.download([this_month, last_month], place)

    assert [path for path, _ in site.asked] == ["/2026-03", "/2026-02"]


def test_dbip_files_are_asked_for_by_month() -> None:
    urls = [request.full_url.rpartition("/")[2] for request in geo.from_dbip(date(2027, 1, 15))]

    assert urls == ["dbip-country-lite-2027-01.mmdb.gz", "dbip-country-lite-2026-12.mmdb.gz"]


def test_a_licence_key_is_not_told_to_the_host_redirected_to(site: Site, place: Path) -> None:
    (request,) = geo.from_maxmind("12345", "secret")
    request.full_url = f"{site.url}/download?suffix=tar.gz"
    site.pages["/download?suffix=tar.gz"] = (302, {"Location": f"{site.url}/bucket"}, b"")
    site.pages["/bucket"] = (200, {}, tarred(built(days_ago=2)))

    geo.download([request], place)

    assert site.asked == [("/download?suffix=tar.gz", "Basic MTIzNDU6c2VjcmV0"), ("/bucket", None)]


def test_the_packaged_database_is_in_use_until_another_is_put_in_place(
    data_dir: Path, place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TURNOUT_GEO_DB", raising=False)
    before = geo.in_use(data_dir)
    (tmp_path / "new").write_bytes(built(days_ago=1))
    geo.install(tmp_path / "new", geo.target(data_dir))

    assert before == PACKAGED
    assert geo.in_use(data_dir) == place


def test_the_packaged_database_is_credited() -> None:
    assert geo.inspect(PACKAGED).is_dbip
