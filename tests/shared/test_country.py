"""A visitor's country comes from a database that may answer nonsense, or from a proxy that may not know."""

import hashlib
import json
import lzma
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any

import maxminddb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.address import is_special, parse
from shared.country import (
    KNOWN_ADDRESSES,
    UNKNOWN,
    Lookup,
    check_database,
    country_from_header,
    country_of,
    country_of_record,
)

ROOT = Path(__file__).parents[2]
PACKAGED = ROOT / "shared" / "data" / "dbip-country-2026-06.mmdb.xz"
SPECIAL = [
    json.loads(line)
    for line in (ROOT / "tests" / "data" / "special_addresses.jsonl").read_text(encoding="utf-8").splitlines()
]
SAMPLES = ROOT.parent / "shared" / "data" / "geo"


def everywhere_is(country: str) -> Lookup:
    return lambda address: {"country_code": country}


class Asked(list[str]):
    """Remembers what it was asked; look-ups that raise would pass for answers."""

    def __call__(self, address: str) -> object:
        self.append(address)
        return {"country_code": "AU"}


class TestCountryOf:
    @pytest.mark.parametrize(
        "address", [row["ip"] for row in SPECIAL if row["expect"] is None or row["expect"] == "invalid"], ids=repr
    )
    def test_special_and_invalid_addresses_are_unknown_and_not_looked_up(self, address: str) -> None:
        asked = Asked()

        assert country_of(address, asked) == UNKNOWN
        assert asked == []

    @pytest.mark.parametrize(
        ("address", "asked"), [(row["ip"], row["same_as"]) for row in SPECIAL if row["expect"] == "same-as"]
    )
    def test_mapped_addresses_are_looked_up_as_what_they_map(self, address: str, asked: str) -> None:
        assert country_of(address, {asked: "GB"}.get) == "GB"

    @pytest.mark.parametrize(
        "error",
        [ValueError("IPv6 in an IPv4 file"), RuntimeError("corrupt"), KeyError("x"), RecursionError()],
        ids=lambda error: type(error).__name__,
    )
    def test_a_failing_look_up_is_unknown(self, error: Exception) -> None:
        def fail(address: str) -> object:
            raise error

        assert country_of("8.8.8.8", fail) == UNKNOWN

    @given(st.one_of(st.ip_addresses(v=4), st.ip_addresses(v=6), st.ip_addresses(v=6, network="2000::/3")))
    def test_every_spelling_of_an_address_has_one_answer(self, address: IPv4Address | IPv6Address) -> None:
        parsed = parse(str(address))
        expected = UNKNOWN if parsed is None or is_special(parsed) else "AU"
        spellings = {str(address), address.exploded, str(address).upper(), address.exploded.upper()}

        assert {country_of(spelling, everywhere_is("AU")) for spelling in spellings} == {expected}

    @given(st.one_of(st.text(max_size=60), st.from_regex(r"[0-9a-fA-F:.%]{1,50}")))
    def test_what_is_no_address_is_unknown(self, text: str) -> None:
        try:
            ip_address(text)
        except ValueError:
            assert country_of(text, everywhere_is("AU")) == UNKNOWN

    @pytest.mark.parametrize(
        "address", ["2a00:1450::1:2:3:4:5:6:7", "2a00:::1", "2a00:1:2:3:4:5:6", "2a00:12345::", "2a00::1::2", "2a00:"]
    )
    def test_malformed_ipv6_is_not_looked_up(self, address: str) -> None:
        asked = Asked()

        assert country_of(address, asked) == UNKNOWN
        assert asked == []


class TestCountryOfRecord:
    @pytest.mark.parametrize(
        ("record", "country"),
        [
            pytest.param({"country_code": "DE"}, "DE", id="flat code"),
            pytest.param({"country": {"iso_code": "DE", "names": {"en": "Germany"}}}, "DE", id="MaxMind"),
            pytest.param({"country": "DE"}, "DE", id="country as a code"),
            pytest.param({"country": "Germany", "country_code": "DE"}, "DE", id="country as a name beside a code"),
            pytest.param("DE", "DE", id="bare string"),
            pytest.param({"country_code": "UK"}, "GB", id="UK is GB"),
            pytest.param({"country_code": "de"}, "DE", id="lower case"),
            pytest.param({"country_code": "XK"}, "XK", id="Kosovo"),
            pytest.param({"country": "Germany"}, UNKNOWN, id="a name alone"),
            pytest.param({"registered_country": {"iso_code": "US"}}, UNKNOWN, id="where the holder is registered"),
            pytest.param({"represented_country": {"iso_code": "US"}}, UNKNOWN, id="a military base's owner"),
            pytest.param({"continent": {"code": "EU"}}, UNKNOWN, id="continent only"),
            pytest.param({"country": {"geoname_id": 1}}, UNKNOWN, id="country without a code"),
            pytest.param({"country_code": ["DE"]}, UNKNOWN, id="a list"),
            pytest.param({}, UNKNOWN, id="empty map"),
            pytest.param(None, UNKNOWN, id="nothing"),
            pytest.param(42, UNKNOWN, id="a number"),
            pytest.param(b"DE", UNKNOWN, id="bytes"),
        ],
    )
    def test_reads_every_common_schema(self, record: object, country: str) -> None:
        assert country_of_record(record) == country

    @pytest.mark.parametrize("code", ["EU", "AP", "A1", "A2", "O1", "AN", "CS", "ZZ", "XX", "", "None", "\u0131t", "D"])
    def test_codes_of_no_country_are_unknown(self, code: str) -> None:
        assert country_of_record({"country_code": code}) == UNKNOWN


@pytest.mark.parametrize(
    ("value", "country"),
    [
        ("US", "US"),
        (" gb ", "GB"),
        ("UK", "GB"),
        ("XX", UNKNOWN),
        ("T1", UNKNOWN),
        ("", UNKNOWN),
        ("US" * 9999, UNKNOWN),
        ("US,DE", UNKNOWN),
        ("\x00", UNKNOWN),
    ],
)
def test_country_from_header(value: str, country: str) -> None:
    assert country_from_header(value) == country


class TestCheckDatabase:
    @staticmethod
    def true(address: str) -> object:
        return {"country_code": KNOWN_ADDRESSES.get(address)}

    def test_a_good_one_passes(self) -> None:
        assert check_database(self.true, node_count=1_000_000) == []

    def test_one_for_ipv4_alone_passes(self) -> None:
        def lookup(address: str) -> object:
            if ":" in address:
                raise ValueError("IPv6 look-up in an IPv4 file")
            return self.true(address)

        assert check_database(lookup) == []

    def test_one_broken_for_ipv6_alone_is_refused(self) -> None:
        def lookup(address: str) -> object:
            return self.true(address) if ":" not in address else b"\x82".decode()

        assert len(check_database(lookup)) == 1

    def test_a_small_one_that_knows_nothing_passes_and_a_large_one_does_not(self) -> None:
        assert check_database(lambda address: None, node_count=500) == []
        assert check_database(lambda address: None, node_count=500_000) == ["none of the well-known addresses is in it"]

    def test_one_of_another_kind_is_refused(self) -> None:
        reasons = check_database(lambda address: {"autonomous_system_number": 15169})

        assert reasons == ["its records name no country: is it a database of another kind?"]

    def test_a_misplaced_world_is_refused(self) -> None:
        reasons = check_database(everywhere_is("AU"))

        assert len(reasons) == 1
        assert reasons[0].startswith("most well-known addresses are misplaced: 8.8.8.8 in AU, not US")

    def test_strange_records_and_failures_are_named(self) -> None:
        def lookup(address: str) -> object:
            if address == "8.8.8.8":
                raise RuntimeError("the search tree is corrupt")
            return 7 if address == "81.2.69.160" else self.true(address)

        assert check_database(lookup) == [
            "looking up 8.8.8.8 fails: the search tree is corrupt",
            "the record of 81.2.69.160 is of type int, neither a map nor a string",
        ]


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[maxminddb.Reader]:
    path = tmp_path_factory.mktemp("geo") / "country.mmdb"
    path.write_bytes(lzma.decompress(PACKAGED.read_bytes()))
    with maxminddb.open_database(str(path), maxminddb.MODE_MMAP_EXT) as reader:
        yield reader


class TestPackagedDatabase:
    def test_is_the_file_its_notice_names(self) -> None:
        digest = hashlib.sha256(lzma.decompress(PACKAGED.read_bytes())).hexdigest()

        assert digest in (PACKAGED.parent / "README.md").read_text(encoding="utf-8")

    def test_passes_the_check(self, packaged: maxminddb.Reader) -> None:
        assert check_database(packaged.get, packaged.metadata().node_count) == []

    @pytest.mark.parametrize("row", SPECIAL, ids=lambda row: repr(row["ip"]))
    def test_answers_special_addresses_right(self, packaged: maxminddb.Reader, row: dict[str, Any]) -> None:
        assert country_of(row["ip"], packaged.get) in expected_countries(row, packaged.get)


def expected_countries(row: dict[str, Any], lookup: Lookup) -> set[str]:
    match row["expect"]:
        case None | "invalid":
            return {UNKNOWN}
        case "same-as":
            return {country_of(row["same_as"], lookup)} - {UNKNOWN}
        case "same-as-or-null":
            return {country_of(row["same_as"], lookup), UNKNOWN}
        case "any-or-null":
            return {country_of(row["ip"], lookup), UNKNOWN}
        case str(country):
            return {country}
        case countries:
            return set(countries)


@pytest.mark.skipif(not SAMPLES.is_dir(), reason=f"no sample databases in {SAMPLES}")
class TestSampleDatabases:
    @pytest.mark.parametrize("path", sorted((SAMPLES / "schemas").glob("*.mmdb")), ids=lambda path: path.stem)
    def test_every_schema_is_read(self, path: Path) -> None:
        with maxminddb.open_database(str(path)) as reader:
            found = {ip: country_of(ip, reader.get) for ip in ("8.8.8.8", "81.2.69.1", "91.187.96.1", "2001:4860::1")}

        assert found == {"8.8.8.8": "US", "81.2.69.1": "GB", "91.187.96.1": "XK", "2001:4860::1": "US"}

    @pytest.mark.parametrize("path", sorted((SAMPLES / "maxmind" / "bad-data").rglob("*.mmdb")), ids=lambda p: p.stem)
    def test_no_broken_file_gives_a_country_and_passes(self, path: Path) -> None:
        try:
            reader = maxminddb.open_database(str(path))
        except (maxminddb.InvalidDatabaseError, ValueError):
            return  # refused before any look-up
        with reader:
            countries = {country_of(address, reader.get) for address in KNOWN_ADDRESSES}

            assert countries == {UNKNOWN}
            assert check_database(reader.get)
