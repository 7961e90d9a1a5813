"""A canary holds two tables, each worker serves one of them, and which one is settled by its name."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.canary import SHARES, Canary, Split, compile_canary, decode_for
from shared.rules import Offer
from shared.table import RefusedTable, compile_offer, decode_table
from tests.builders import HOME, LANDING, offer, smart_link
from tests.shared.strategies import JSON

NEW = offer(link=smart_link(fallback_url=LANDING), revision=8)
STABLE = offer(link=smart_link(fallback_url=HOME), revision=7)
SPLIT = Split(25, "ab12")
WORKERS = [f"edge-{host}/{slot}" for host in range(100) for slot in range(4)]


def body(**changes: Any) -> Any:
    return orjson.loads(compile_canary(Canary(NEW, STABLE, SPLIT))) | changes


def revision_for(worker: str, of: Any) -> int:
    return decode_for(worker, of).revision


def test_a_worker_serves_the_side_that_its_name_draws() -> None:
    for worker in WORKERS:
        assert revision_for(worker, body()) == (8 if SPLIT.picks(worker) else 7)


def test_a_share_of_many_workers_is_about_that_many() -> None:
    picked = sum(map(SPLIT.picks, WORKERS))

    assert 70 < picked < 130


@given(st.text(min_size=1), st.sampled_from(WORKERS))
def test_a_larger_share_keeps_who_had_the_new_side(salt: str, worker: str) -> None:
    picked = [Split(share, salt).picks(worker) for share in SHARES]

    assert picked == sorted(picked)


def test_a_table_without_a_canary_is_everybodys() -> None:
    alone = orjson.loads(compile_offer(STABLE))

    assert {revision_for(worker, alone) for worker in WORKERS} == {7}


def test_both_sides_are_what_they_would_be_alone() -> None:
    both = body()

    assert both["new"] == orjson.loads(compile_offer(NEW))
    assert both["stable"] == orjson.loads(compile_offer(STABLE))


def test_what_is_wrong_with_one_side_is_refused_by_its_own_workers_alone() -> None:
    bad = body(new=body()["new"] | {"smart_link": {"rules": {}}})

    for worker in WORKERS:
        if SPLIT.picks(worker):
            with pytest.raises(RefusedTable, match="rules"):
                decode_for(worker, bad)
        else:
            assert revision_for(worker, bad) == 7


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        pytest.param({"schema": 3}, "schema 3 is not understood here", id="a schema to come"),
        pytest.param({"schema": None}, "schema None", id="no schema"),
        pytest.param({"share": 0}, "without workers", id="nobody"),
        pytest.param({"share": 100}, "without workers", id="everybody"),
        pytest.param({"share": 2.5}, "share is not int", id="part of a percent"),
        pytest.param({"salt": ""}, "salt", id="no salt"),
        pytest.param({"new": None, "stable": None}, "object", id="no tables"),
        pytest.param({"new": body(), "stable": body()}, "schema 2 is no table by itself", id="a canary in a canary"),
    ],
)
def test_what_is_not_understood_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(RefusedTable, match=reason):
        decode_for("edge-1/0", body(**changes))


def test_an_edge_of_the_first_schema_refuses_a_canary_whole() -> None:
    with pytest.raises(RefusedTable, match="schema 2"):
        decode_table(body())


@given(JSON)
def test_any_json_is_a_table_or_refused(value: Any) -> None:
    for given_body in (value, body(new=value, stable=value)):
        try:
            decode_for("edge-1/0", given_body)
        except RefusedTable:
            continue


def test_a_side_that_is_too_large_alone_is_too_large() -> None:
    huge = Offer("o_saas", "saas", f"{HOME}{'x' * 300_000}")

    with pytest.raises(ValueError, match="bytes"):
        compile_canary(Canary(huge, STABLE, SPLIT))
