"""What a marketer writes is understood or explained."""

import pytest

from shared.conditions import Condition, InvalidCondition, parse_when, say_when
from shared.countries import CODES, GROUPS, NAMES, name_of, normalise


@pytest.mark.parametrize(
    ("when", "parsed"),
    [
        pytest.param({}, {}, id="no condition is everyone"),
        pytest.param({"country": ["uk"]}, {"country": Condition(("GB",))}, id="UK is GB"),
        pytest.param({"country": ["@EU", "zz"]}, {"country": Condition(("@eu", "ZZ"))}, id="groups and the unknown"),
        pytest.param({"country": ["UK", "GB"]}, {"country": Condition(("GB",))}, id="repeated values count once"),
        pytest.param({"os": {"not": ["Android"]}}, {"os": Condition(None, ("android",))}, id="a negated list"),
        pytest.param(
            {"country": {"in": ["@latam"], "not": ["MX"]}},
            {"country": Condition(("@latam",), ("MX",))},
            id="a list with exceptions",
        ),
    ],
)
def test_what_is_understood(when: object, parsed: dict[str, Condition]) -> None:
    assert parse_when(when) == parsed


@pytest.mark.parametrize(
    ("when", "path", "code"),
    [
        pytest.param([], (), "invalid_when", id="not an object"),
        pytest.param({"planet": ["mars"]}, ("planet",), "unknown_kind", id="an unknown kind"),
        pytest.param({"country": []}, ("country",), "empty_list", id="an empty list"),
        pytest.param({"country": "US"}, ("country",), "invalid_condition", id="a bare text"),
        pytest.param({"country": {}}, ("country",), "invalid_condition", id="an empty object"),
        pytest.param({"country": {"not": []}}, ("country", "not"), "empty_list", id="not of nothing"),
        pytest.param({"country": {"only": ["US"]}}, ("country",), "invalid_condition", id="an unknown word"),
        pytest.param({"country": ["US", "XX"]}, ("country", 1), "unknown_country", id="no such country"),
        pytest.param({"country": [7]}, ("country", 0), "unknown_country", id="a number"),
        pytest.param({"device": ["fridge"]}, ("device", 0), "unknown_device", id="no such device"),
        pytest.param({"device": ["mobile"] * 301}, ("device",), "too_many_values", id="too many values"),
    ],
)
def test_what_is_not_says_where_and_why(when: object, path: tuple[object, ...], code: str) -> None:
    with pytest.raises(InvalidCondition) as caught:
        parse_when(when)

    assert (caught.value.path, caught.value.code) == (path, code)


@pytest.mark.parametrize(
    ("when", "sentence"),
    [
        ({}, "from anywhere"),
        ({"country": ["US"], "device": ["mobile"]}, "from United States on mobile"),
        ({"device": ["mobile"], "country": ["US"]}, "from United States on mobile"),
        ({"country": ["@dach", "FR", "ZZ"]}, "from DACH, France or an unknown country"),
        ({"country": {"not": ["MX"]}}, "from anywhere except Mexico"),
        ({"country": {"in": ["@latam"], "not": ["MX"]}}, "from Latin America except Mexico"),
        ({"os": {"not": ["android"]}}, "with any system except Android"),
        ({"device": ["other"], "os": ["other"]}, "on another device with another system"),
    ],
)
def test_conditions_in_english(when: object, sentence: str) -> None:
    assert say_when(parse_when(when)) == sentence


def test_conditions_are_given_back_as_they_were_written() -> None:
    for written in (["US", "@eu"], {"not": ["US"]}, {"in": ["@eu"], "not": ["DE"]}):
        assert parse_when({"country": written})["country"].as_json() == written


def test_the_list_of_countries() -> None:
    assert len(CODES) == 250
    assert "XK" in CODES
    assert not CODES & {"UK", "EU", "ZZ", "AP"}
    assert list(NAMES) == sorted(NAMES)


def test_groups_name_only_countries() -> None:
    assert all(codes <= CODES for codes in GROUPS.values())
    assert len(GROUPS["@eu"]) == 27
    assert len(GROUPS["@eea"]) == 30


def test_names_and_aliases() -> None:
    assert normalise(" uk ") == "GB"
    assert normalise("eu") is None
    assert [name_of(value) for value in ("GB", "@dach", "ZZ", "??")] == [
        "United Kingdom",
        "DACH",
        "an unknown country",
        "??",
    ]
