"""The account of clicks as metrics."""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from control.clicks.schemas import Accounting

_PREFIX = "turnout_control_clicks"


def metrics(account: Accounting) -> Iterator[Metric]:
    """Yield produced = recorded + in flight + dropped, by edge, and how far ingestion is behind."""
    families: list[CounterMetricFamily | GaugeMetricFamily] = [
        CounterMetricFamily(f"{_PREFIX}_produced", "Click events that edges made", labels=["edge"]),
        CounterMetricFamily(f"{_PREFIX}_recorded", "Click events in SQL", labels=["edge"]),
        GaugeMetricFamily(f"{_PREFIX}_in_flight", "Click events between edge and SQL", labels=["edge"]),
    ]
    dropped = CounterMetricFamily(f"{_PREFIX}_dropped", "Click events lost, by reason", labels=["edge", "reason"])
    for edge in account.edges:
        for family, count in zip(families, (edge.produced, edge.recorded, edge.in_flight), strict=True):
            family.add_metric([edge.host], count)
        for reason, count in edge.dropped.items():
            dropped.add_metric([edge.host, reason], count)
    yield from families
    yield dropped
    if account.stream is not None:
        yield GaugeMetricFamily(f"{_PREFIX}_waiting", "Batches that wait for ingestion", account.stream.entries)
        age_s = account.stream.oldest_age_ms / 1000
        yield GaugeMetricFamily(f"{_PREFIX}_oldest_seconds", "Age of the oldest batch that waits", age_s)
