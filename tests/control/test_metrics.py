"""What control exports is what its README says, in Prometheus' format, and true."""

import re
from collections import Counter
from pathlib import Path

import pytest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families

import control
from control import metrics
from control.auditor.findings import Audited, Difference, Report, State
from control.canaries.metrics import Canaries
from control.clicks.decisions import DECISIONS, Decisions, compared
from control.clicks.schemas import Accounting, Counts, EdgeAccount, StreamAccount
from control.conversions.metrics import Waiting
from control.metrics import METRICS, Figures
from control.parts import Parts
from control.publishing.fleet import Edge
from control.publishing.latency import Latency
from control.publishing.publisher import PublisherStatus
from shared.wire import Lease, Nack
from tests.control.api import Api, Client
from tests.control.postbacks import Shop

README = (Path(control.__file__).parent / "README.md").read_text()
ROW = re.compile(r"^\| `(turnout_control_\w+)` \| (\w+)(?: by ([\w, ]+))? \| (.*?) \|$", re.MULTILINE)

COUNTS = {"produced": 10, "recorded": 7, "in_flight": 2, "dropped": {"quota": 1}}
ACCOUNT = Accounting(
    total=Counts(**COUNTS),
    edges=[EdgeAccount(**COUNTS, host="fra-1", boots=[])],
    stream=StreamAccount(entries=1, oldest_age_ms=1500),
    dead_letters=3,
)
STATUS = PublisherStatus(1, 1, 1, 0, 0.0, False, 0, "")
NACKS = (Nack("o:1", 40, "schema 2"),)
FLEET = (
    Edge("fra-1", (Lease("fra-1", 0, 1, "boot", 1, 1, 40, "synced", 1, NACKS, "10.0.0.5:80", 1_780_000_000),)),
    Edge("fra-2", (), (0,)),
)


def latency(*ms: int) -> Latency:
    measured = Latency()
    for each in ms:
        measured.observe(each)
    return measured


def everything() -> Figures:
    """Figures of which each metric has a sample."""
    decisions = Decisions(Counter(rule=3), frozenset({"o_1"}))
    audited = Audited("fra-1", "10.0.0.5:80", 1, State.DIFFERS, "", 5, (Difference(0, "_/saas", "answers 404", 5),))
    return Figures(
        publisher=STATUS,
        latency=latency(41),
        database_ok=True,
        responses={"200": 5},
        fleet=FLEET,
        clicks=ACCOUNT,
        decisions=decisions,
        conversions=Waiting(2, 60_000),
        canaries=Canaries(1, 60.0, is_watched=True, ends={"promoted": 2}),
        audit=Report({"fra-1": audited}, is_current=True),
        audit_answers={"right": 7},
    )


def families(figures: Figures) -> dict[str, Metric]:
    return parsed(metrics.render(figures).decode())


def parsed(text: str) -> dict[str, Metric]:
    found = text_string_to_metric_families(text)
    return {family.name + "_total" * (family.type == "counter"): family for family in found}


def value(name: str, figures: Figures, **labels: str) -> float:
    family = families(figures)[f"turnout_control_{name}"]
    return next(sample.value for sample in family.samples if sample.labels == labels)


def test_every_metric_is_documented_and_nothing_else_is() -> None:
    declared = [(metric.name, metric.kind, ", ".join(metric.labels), metric.help) for metric in METRICS]

    assert sorted(declared) == sorted(ROW.findall(README))


def test_every_metric_is_exported_with_the_labels_and_the_type_it_declares() -> None:
    exported = {name: (family.type, tuple(family.samples[0].labels)) for name, family in families(everything()).items()}
    declared = {metric.name: (metric.kind, metric.labels or None) for metric in METRICS}

    assert {name: (kind, labels if kind != "histogram" else ()) for name, (kind, labels) in exported.items()} == {
        name: (kind, labels or ()) for name, (kind, labels) in declared.items()
    }


def test_what_is_exported_is_documented(client: Client) -> None:
    exported = parsed(client.request("GET", "/metrics").text)

    assert exported.keys() <= {name for name, *_ in ROW.findall(README)}


def test_what_cannot_be_known_now_is_left_out() -> None:
    found = families(Figures(STATUS, latency(), False))

    assert not [name for name in found if re.search("_clicks_|_edge|_conversions_", name)]
    assert found["turnout_control_database_ok"].samples[0].value == 0


def test_clicks_add_up_by_edge() -> None:
    found = {
        name.split("_clicks_")[1]: family.samples[0].value
        for name, family in families(everything()).items()
        if "_clicks_" in name
    }

    assert found == {
        "produced_total": 10,
        "recorded_total": 7,
        "in_flight": 2,
        "dropped_total": 1,
        "redis_ok": 1,
        "waiting": 1,
        "oldest_seconds": 1.5,
        "dead_letters": 3,
        "recent": 3,
        "fallback_jumps": 1,
    }


def test_edges_tell_whether_they_are_heard_refuse_values_and_how_old_their_country_database_is() -> None:
    figures = everything()

    assert value("edges", figures, state="heard") == 1
    assert value("edges", figures, state="unknown") == 1
    assert value("edge_workers", figures, state="synced") == 1
    assert value("edge_nacks", figures, edge="fra-1") == 1
    assert value("edge_geo_db_age_seconds", figures, edge="fra-1") > 0


def test_what_the_auditor_found_is_counted_by_state() -> None:
    figures = everything()

    assert [value("audit_edges", figures, state=state.value) for state in State] == [0, 1, 0, 0]
    assert value("audit_differences", figures) == value("audit_current", figures) == 1


def test_a_publish_is_counted_by_the_time_until_it_was_live_everywhere() -> None:
    samples = families(Figures(STATUS, latency(41, 10, 99_999), True))["turnout_control_publish_live_seconds"].samples
    by_bound = {sample.labels["le"]: sample.value for sample in samples if sample.name.endswith("_bucket")}

    assert (by_bound["0.01"], by_bound["0.05"], by_bound["10"], by_bound["+Inf"]) == (1, 2, 2, 3)
    assert next(sample.value for sample in samples if sample.name.endswith("_sum")) == pytest.approx(100.05)


def test_answers_are_counted_by_status(client: Client) -> None:
    client.request("GET", "/livez")
    client.request("GET", "/api/v1/offers")

    found = parsed(client.request("GET", "/metrics").text)["turnout_control_responses_total"]

    assert {sample.labels["status"]: sample.value for sample in found.samples} == {"200": 1, "401": 1}


@pytest.mark.parametrize(
    ("before", "now", "jumped"),
    [
        ({"r_1": 90, "fallback": 10}, {"r_1": 60, "fallback": 40}, True),
        ({"r_1": 90, "fallback": 10}, {"r_1": 75, "fallback": 25}, False),
        ({"r_1": 60, "fallback": 40}, {"r_1": 90, "fallback": 10}, False),
        ({"r_1": 9, "fallback": 1}, {"fallback": 1000}, False),
        ({"r_1": 900, "fallback": 100}, {"fallback": 10}, False),
        ({"r_1": 100, "off": 900}, {"r_1": 100, "off": 9}, False),
        ({}, {}, False),
    ],
    ids=["a third more", "a seventh more", "less", "few before", "few now", "switched off", "no clicks"],
)
def test_a_share_of_fallback_that_rises_by_a_fifth_is_a_jump(
    before: dict[str, int], now: dict[str, int], jumped: bool
) -> None:
    rows = [("o_1", is_recent, rule, n) for is_recent, at in ((False, before), (True, now)) for rule, n in at.items()]

    assert compared(rows).jumped == ({"o_1"} if jumped else frozenset())


def test_recent_clicks_are_summed_over_offers_by_what_decided_them() -> None:
    rows = [("o_1", True, "r_1", 5), ("o_2", True, "r_2", 6), ("o_1", True, "off", 1), ("o_1", False, "r_1", 70)]

    assert compared(rows).recent == dict.fromkeys(DECISIONS, 0) | {"rule": 11, "off": 1}


def test_conversions_that_wait_for_their_click_are_counted_with_the_age_of_the_first(api: Api, parts: Parts) -> None:
    shop = Shop(api, parts)

    def waiting() -> tuple[float, float]:
        found = parsed(api.client.request("GET", "/metrics").text)
        return tuple(
            found[f"turnout_control_conversions_{name}"].samples[0].value for name in ("waiting", "oldest_seconds")
        )

    assert waiting() == (0, 0)
    shop.report(click_id="c1")
    shop.report(click_id="c2")
    shop.report(coupon="X")
    count, age_s = waiting()
    assert (count, age_s > 0) == (2, True)

    for click_id in ("c1", "c2"):
        shop.click(click_id)
    shop.settle()

    assert waiting() == (0, 0)
