"""A table is understood whole or refused with a reason."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.conditions import Condition
from shared.pointer import Pointer, compile_pointer, decode_pointer
from shared.rules import Offer, Rule, SmartLink
from shared.table import RefusedTable, compile_offer, decode_table
from tests.shared.strategies import JSON, smart_links
from tests.shared.test_decision import EXAMPLE, offer_with


def body(**changed: Any) -> dict[str, Any]:
    return {**orjson.loads(compile_offer(offer_with(EXAMPLE))), **changed}


def test_disabled_rules_and_group_names_stay_in_control() -> None:
    rules = (
        Rule("r_off", "https://x.example/", enabled=False),
        Rule(
            "r_dach",
            "https://x.example/",
            {"country": Condition(("@dach",))},
        ),
    )
    compiled = orjson.loads(compile_offer(offer_with(SmartLink(enabled=True, rules=rules))))

    assert compiled["smart_link"]["rules"] == [
        {"id": "r_dach", "when": {"country": {"in": ["AT", "CH", "DE"]}}, "to": "https://x.example/"}
    ]


def test_a_table_too_large_to_publish_is_refused_where_it_is_written() -> None:
    rules = tuple(Rule(f"r_{n}", "https://x.example/" + "a" * 2000) for n in range(200))

    with pytest.raises(ValueError, match="more than 262144"):
        compile_offer(offer_with(SmartLink(enabled=True, rules=rules)))


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        pytest.param({"schema": 2}, "schema 2", id="a newer schema"),
        pytest.param({"schema": None}, "schema None", id="no schema"),
        pytest.param({"redirect_status": 301}, "301", id="a permanent redirect"),
        pytest.param({"status": "sleeping"}, "sleeping", id="an unknown status"),
        pytest.param({"revision": "1"}, "revision", id="a revision that is no number"),
        pytest.param({"slug": "a\tb"}, "slug", id="a tab that would break events"),
        pytest.param(
            {"smart_link": None, "destination_url": "a b"}, "destination_url", id="an off table's destination"
        ),
        pytest.param(
            {"smart_link": {"rules": [], "fallback_url": "https://x.co/\n"}}, "fallback_url", id="a line feed"
        ),
        pytest.param({"smart_link": {"rules": {}}}, "rules", id="rules that are no list"),
        pytest.param(
            {"smart_link": {"rules": [{"id": "r", "when": {"moon": {"in": []}}, "to": "https://x.co/"}]}},
            "'moon' is not known",
            id="a kind of condition from the future",
        ),
        pytest.param(
            {"smart_link": {"rules": [{"id": "r", "when": {"country": {"near": []}}, "to": "https://x.co/"}]}},
            "country",
            id="an operator from the future",
        ),
    ],
)
def test_what_is_not_understood_is_refused(changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedTable, match=reason):
        decode_table(body(**changed))


@given(JSON)
def test_any_json_is_a_table_or_refused(value: Any) -> None:
    for decode in (decode_table, decode_pointer):
        try:
            decode(value)
        except RefusedTable:
            continue


@given(st.sampled_from(sorted(body())), JSON)
@settings(max_examples=300)
def test_a_table_with_any_field_replaced_is_understood_or_refused(field: str, value: Any) -> None:
    try:
        decode_table(body(**{field: value}))
    except RefusedTable:
        return


@given(smart_links())
def test_compiling_is_deterministic_and_decodes(link: SmartLink) -> None:
    offer = Offer(id="o_1", slug="s", destination_url="https://x.example/", smart_link=link, revision=7)

    assert compile_offer(offer) == compile_offer(offer)
    assert decode_table(orjson.loads(compile_offer(offer))).revision == 7


@pytest.mark.parametrize(
    "pointer",
    [
        Pointer("o_1"),
        Pointer("o_1", "l_1", "jane", "SAVE10", ("a", "", "", "", "e"), enabled=False, expires_at=5),
    ],
    ids=["an offer's own slug", "a link with every preset"],
)
def test_a_pointer_survives_the_wire(pointer: Pointer) -> None:
    assert decode_pointer(orjson.loads(compile_pointer(pointer))) == pointer


def test_a_pointer_is_small() -> None:
    assert len(compile_pointer(Pointer("o_0123456789ab", "l_0123456789ab", "jane"))) < 100


@pytest.mark.parametrize(
    ("pointer", "is_open"),
    [
        (Pointer("o_1"), True),
        (Pointer("o_1", enabled=False), False),
        (Pointer("o_1", expires_at=1001), True),
        (Pointer("o_1", expires_at=1000), False),
    ],
)
def test_a_link_is_open_until_it_is_disabled_or_expires(pointer: Pointer, is_open: bool) -> None:
    assert pointer.is_open(1000) is is_open
