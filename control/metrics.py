"""Every metric of control, declared in one place: what it is called, what it says, where it is read.

Labels come from closed sets, and the names of edges. README.md has the same table, and a test holds both together.
"""

import resource
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.core import Metric as Family
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control.auditor.findings import Report, State
from control.canaries.metrics import Canaries
from control.clicks.decisions import Decisions
from control.clicks.schemas import Accounting
from control.conversions.metrics import Waiting
from control.publishing.fleet import Edge, Fleet
from control.publishing.latency import Latency
from control.publishing.publisher import PublisherStatus

PREFIX: Final = "turnout_control_"
CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known at one moment; None is what cannot be known while Redis or SQL does not answer."""

    publisher: PublisherStatus
    latency: Latency
    database_ok: bool
    responses: Mapping[str, int] = field(default_factory=dict)
    fleet: Fleet | None = None
    clicks: Accounting | None = None
    decisions: Decisions | None = None
    conversions: Waiting | None = None
    audit: Report | None = None
    canaries: Canaries | None = None
    audit_answers: Mapping[str, int] = field(default_factory=dict)


Labelled = Mapping[tuple[str, ...], float]
Reading = float | Labelled | Latency | None


@dataclass(frozen=True, slots=True)
class Metric:
    """`read` gives a number, one for each combination of values of `labels`, or None where there is none now."""

    name: str
    kind: str
    help: str
    read: Callable[[Figures], Reading]
    labels: tuple[str, ...] = ()


def _gauge(name: str, text: str, read: Callable[[Figures], Reading], *labels: str) -> Metric:
    return Metric(PREFIX + name, "gauge", text, read, labels)


def _counter(name: str, text: str, read: Callable[[Figures], Reading], *labels: str) -> Metric:
    return Metric(PREFIX + name + "_total", "counter", text, read, labels)


METRICS: Final = (
    # Publishing
    _gauge("publish_epoch", "Lineage of what is published.", lambda f: f.publisher.epoch),
    _gauge("publish_committed_sequence", "Newest transaction in SQL.", lambda f: f.publisher.committed),
    _gauge("publish_published_sequence", "Newest transaction known to be in Redis.", lambda f: f.publisher.published),
    _gauge("publish_behind", "Transactions committed and not known to be in Redis.", lambda f: f.publisher.behind),
    _gauge(
        "publish_complete_age_seconds",
        "Time since Redis was last known to hold all that SQL holds; absent before the first time.",
        lambda f: f.publisher.behind_s,
    ),
    _gauge("publish_rebuilding", "1 while Redis is rebuilt from SQL.", lambda f: f.publisher.rebuilding),
    _counter("publish_rebuilds", "Rebuilds of Redis since this process started.", lambda f: f.publisher.rebuilds),
    _gauge("publish_redis_ok", "1 while Redis holds what SQL holds, or is about to.", lambda f: not f.publisher.error),
    Metric(
        PREFIX + "publish_live_seconds",
        "histogram",
        "Time from an edit's commit until every edge that is heard from serves it.",
        lambda f: f.latency,
    ),
    # Canaries
    _gauge("canaries_running", "Offers on which a canary runs.", lambda f: f.canaries.running if f.canaries else None),
    _gauge(
        "canary_oldest_seconds",
        "Since when the oldest canary runs; 0 without any.",
        lambda f: f.canaries.oldest_s if f.canaries else None,
    ),
    _gauge(
        "canary_watched",
        "0 while a canary runs that no control watches.",
        lambda f: f.canaries.is_watched if f.canaries else None,
    ),
    _counter(
        "canaries_ended",
        "Canaries that ended, by how: promoted, withdrawn, replaced, or why they were taken back.",
        lambda f: {(how,): count for how, count in f.canaries.ends.items()} if f.canaries else None,
        "outcome",
    ),
    # The edges
    _gauge("edges", "Edges by whether they are heard from.", lambda f: _edges(f.fleet), "state"),
    _gauge(
        "edge_workers",
        "Workers that are heard from, by whether they are in step.",
        lambda f: _workers(f.fleet),
        "state",
    ),
    _gauge("edge_nacks", "Published values that workers refuse.", lambda f: _nacks(f.fleet), "edge"),
    _gauge(
        "edge_geo_db_age_seconds",
        "Time since an edge's country database was built, of its oldest worker.",
        lambda f: _geo_ages(f.fleet),
        "edge",
    ),
    _gauge(
        "audit_edges",
        "Edges by what asking their workers has shown: agrees, differs, unreachable, untold.",
        lambda f: _audited(f.audit),
        "state",
    ),
    _gauge(
        "audit_differences",
        "Links of which a worker serves what SQL does not say, for longer than an edit travels.",
        lambda f: sum(len(edge.differences) for edge in f.audit.edges.values()) if f.audit else None,
    ),
    _gauge(
        "audit_current", "1 while some control audits the edges.", lambda f: f.audit.is_current if f.audit else None
    ),
    _counter(
        "audit_answers",
        "Answers of workers that this process has asked: right, wrong, none.",
        lambda f: {(name,): count for name, count in f.audit_answers.items()},
        "answer",
    ),
    # Clicks, from the edges to SQL
    _counter("clicks_produced", "Click events that edges made.", lambda f: _accounts(f, "produced"), "edge"),
    _counter("clicks_recorded", "Click events in SQL.", lambda f: _accounts(f, "recorded"), "edge"),
    _gauge("clicks_in_flight", "Click events between edge and SQL.", lambda f: _accounts(f, "in_flight"), "edge"),
    _counter("clicks_dropped", "Click events lost, by reason.", lambda f: _dropped(f.clicks), "edge", "reason"),
    _gauge(
        "clicks_redis_ok",
        "1 while the clicks Redis answers.",
        lambda f: f.clicks.stream is not None if f.clicks else None,
    ),
    _gauge(
        "clicks_waiting",
        "Batches that wait for ingestion.",
        lambda f: f.clicks.stream.entries if f.clicks and f.clicks.stream else None,
    ),
    _gauge(
        "clicks_oldest_seconds",
        "Age of the oldest batch that waits: how far ingestion lags.",
        lambda f: f.clicks.stream.oldest_age_ms / 1000 if f.clicks and f.clicks.stream else None,
    ),
    _gauge(
        "clicks_recent",
        "Clicks of the last 15 to 30 minutes by what decided them.",
        lambda f: {(name,): count for name, count in f.decisions.recent.items()} if f.decisions else None,
        "decision",
    ),
    _gauge(
        "clicks_fallback_jumps",
        "Offers whose share of clicks at the fallback rose by a fifth against the four hours before.",
        lambda f: len(f.decisions.jumped) if f.decisions else None,
    ),
    _gauge(
        "clicks_dead_letters",
        "Batches and lines kept because they are no clicks.",
        lambda f: f.clicks.dead_letters if f.clicks else None,
    ),
    _gauge(
        "conversions_waiting",
        "Conversions whose click is not recorded yet.",
        lambda f: f.conversions.count if f.conversions else None,
    ),
    _gauge(
        "conversions_oldest_seconds",
        "Age of the oldest conversion that waits for its click.",
        lambda f: f.conversions.oldest_age_ms / 1000 if f.conversions else None,
    ),
    # This process
    _gauge("database_ok", "1 while the configuration database answers.", lambda f: f.database_ok),
    _counter(
        "responses", "Answers to requests, by status.", lambda f: {(s,): n for s, n in f.responses.items()}, "status"
    ),
    _gauge("memory_bytes", "Most resident memory this process ever had.", lambda _: _usage().ru_maxrss * 1024),
    _counter("cpu_seconds", "Processor time of this process.", lambda _: _usage().ru_utime + _usage().ru_stime),
    _gauge("info", "Always 1; the label says which version runs.", lambda _: {(_version(),): 1}, "version"),
)


def render(figures: Figures) -> bytes:
    """Return the text that Prometheus reads."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(figures))
    return generate_latest(registry)


class CountResponses:
    """Counts what is answered, by status, into `counts`; statuses are a closed set, paths are not."""

    def __init__(self, app: ASGIApp, counts: Counter[str]) -> None:
        self._app = app
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through."""

        async def counted(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._counts[str(message["status"])] += 1
            await send(message)

        await self._app(scope, receive, counted)


class _Snapshot(Collector):
    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            reading = metric.read(self._figures)
            if reading is not None:
                yield _family(metric, reading)


def _family(metric: Metric, reading: float | Labelled | Latency) -> Family:
    if isinstance(reading, Latency):
        return HistogramMetricFamily(metric.name, metric.help, reading.cumulative(), reading.sum_ms / 1000)
    kind = CounterMetricFamily if metric.kind == "counter" else GaugeMetricFamily
    family = kind(metric.name, metric.help, labels=metric.labels)
    for values, number in (reading if isinstance(reading, Mapping) else {(): reading}).items():
        family.add_metric(values, float(number))
    return family


def _is_heard(edge: Edge) -> bool:
    return bool(edge.heard) and not edge.lapsed


def _edges(fleet: Fleet | None) -> Labelled | None:
    if fleet is None:
        return None
    heard = sum(map(_is_heard, fleet))
    return {("heard",): heard, ("unknown",): len(fleet) - heard}


def _workers(fleet: Fleet | None) -> Labelled | None:
    if fleet is None:
        return None
    synced = [lease.state == "synced" for edge in fleet for lease in edge.heard]
    return {("synced",): sum(synced), ("stale",): len(synced) - sum(synced)}


def _nacks(fleet: Fleet | None) -> Labelled | None:
    return None if fleet is None else {(edge.host,): sum(len(lease.nacks) for lease in edge.heard) for edge in fleet}


def _geo_ages(fleet: Fleet | None) -> Labelled | None:
    if fleet is None:
        return None
    built_at = {edge.host: edge.geo_built_at for edge in fleet}
    return {(host,): max(0.0, time.time() - at) for host, at in built_at.items() if at is not None}


def _audited(audit: Report | None) -> Labelled | None:
    if audit is None:
        return None
    states = Counter(edge.state for edge in audit.edges.values())
    return {(state.value,): states[state] for state in State}


def _accounts(figures: Figures, name: str) -> Labelled | None:
    return {(edge.host,): getattr(edge, name) for edge in figures.clicks.edges} if figures.clicks else None


def _dropped(clicks: Accounting | None) -> Labelled | None:
    if clicks is None:
        return None
    return {(edge.host, reason): count for edge in clicks.edges for reason, count in edge.dropped.items()}


def _usage() -> resource.struct_rusage:
    return resource.getrusage(resource.RUSAGE_SELF)


def _version() -> str:
    try:
        return version("turnout")
    except PackageNotFoundError:
        return "unknown"
