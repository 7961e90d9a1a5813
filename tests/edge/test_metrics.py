"""Metrics are declared, documented, summed over workers dead and alive, and written as Prometheus reads them."""

import re
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client.parser import text_string_to_metric_families

import edge
from edge.clicks.counters import Counters
from edge.clicks.geo import GeoStatus
from edge.process import metrics
from edge.process.heartbeat import ProcessStatus, Samples
from edge.process.metrics import METRICS, Sources, Totals, edge_samples, render, sample
from edge.rules.links import SyncStatus
from edge.spool.shipper import ShipperStatus
from edge.spool.spool import SpoolStatus
from shared.wire import Version

README = (Path(edge.__file__).parent / "README.md").read_text()
CLOSED_LABELS = {"kind", "status", "state", "reason", "cause", "version"}


def sources(*, persons: int = 0, age_s: float = 0.0, acked: int = 7, **statuses: int) -> Sources:
    counters = Counters()
    counters.clicks[0] = persons
    counters.responses.update({int(name.removeprefix("status_")): count for name, count in statuses.items()})
    sync: dict[str, Any] = dict.fromkeys(SyncStatus.__dataclass_fields__, 0)
    sync |= {"state": "synced", "age_s": age_s, "heard": Version(1, 9), "acked": Version(1, acked), "nacks": ()}
    return Sources(
        counters=counters,
        sync=SyncStatus(**sync),
        spool=SpoolStatus(persons, persons, 0, {"quota": 0}, 0),
        shipper=ShipperStatus(),
        geo=GeoStatus("country.mmdb", 1_780_000_000, "", 1, 0),
        process=ProcessStatus(0.0, 1.5, 1_000),
    )


def own_samples() -> Samples:
    return edge_samples(
        workers=2,
        serving=2,
        ready=True,
        replaced={"crashed": 1, "frozen": 0},
        version="0.1.0",
        spool_quota_bytes=1 << 30,
    )


def folded(*workers: Samples, totals: Totals | None = None) -> dict[str, dict[str, float]]:
    heard = [orjson.loads(orjson.dumps(worker)) for worker in workers]
    return (totals or Totals()).folded(heard)


def test_counters_of_all_workers_are_summed() -> None:
    total = folded(sample(sources(persons=3, status_404=1)), sample(sources(persons=4, status_404=2, status_503=5)))

    assert total["turnout_edge_clicks_total"]["person"] == 7
    assert total["turnout_edge_responses_total"] == {"404": 3, "503": 5}


def test_a_counter_never_goes_back_when_a_worker_dies() -> None:
    totals = Totals()
    totals.retire(sample(sources(persons=10)))
    totals.retire(sample(sources(persons=5)))

    assert folded(sample(sources(persons=1)), totals=totals)["turnout_edge_clicks_total"]["person"] == 16
    assert folded(totals=totals)["turnout_edge_clicks_total"]["person"] == 15


def test_gauges_of_the_dead_are_gone() -> None:
    totals = Totals()
    totals.retire(sample(sources(age_s=500.0)))

    assert folded(sample(sources(age_s=2.0)), totals=totals)["turnout_edge_sync_age_seconds"] == {"": 2.0}


def test_an_edge_is_as_far_as_its_slowest_worker() -> None:
    total = folded(sample(sources(acked=7, age_s=0.0)), sample(sources(acked=5, age_s=3.0)))

    assert total["turnout_edge_acked_sequence"] == {"": 5}
    assert total["turnout_edge_sync_age_seconds"] == {"": 3.0}
    assert total["turnout_edge_sync_workers"] == {"cold": 0, "catching_up": 0, "synced": 2, "stale": 0}


def test_prometheus_understands_every_line() -> None:
    text = render(folded(sample(sources(persons=3, status_404=1))) | own_samples())

    families = {family.name: family for family in text_string_to_metric_families(text)}

    assert {metric.name.removesuffix("_total") for metric in METRICS} == families.keys()
    assert all(families[metric.name.removesuffix("_total")].type == metric.kind for metric in METRICS)
    clicks = {each.labels["kind"]: each.value for each in families["turnout_edge_clicks"].samples}
    assert clicks == {"person": 3, "duplicate": 0, "bot": 0, "prefetch": 0}


def test_every_metric_is_given_by_the_worker_or_the_supervisor() -> None:
    assert sample(sources()).keys() | own_samples().keys() == {metric.name for metric in METRICS}


def test_no_label_can_grow_with_what_visitors_send() -> None:
    assert {metric.label for metric in METRICS if metric.label} <= CLOSED_LABELS


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_documented(metric: metrics.Metric) -> None:
    row = re.search(rf"^\| `{metric.name}` \| (.*?) \| (.*?) \|$", README, re.MULTILINE)

    assert row is not None
    assert row[1] == (f"{metric.kind} by {metric.label}" if metric.label else metric.kind)
    assert row[2] == metric.help


def test_the_readme_names_no_metric_that_does_not_exist() -> None:
    assert set(re.findall(r"^\| `(turnout_edge_\w+)`", README, re.MULTILINE)) == {metric.name for metric in METRICS}
