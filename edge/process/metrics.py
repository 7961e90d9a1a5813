"""Every metric of the edge, declared in one place: what it is called, what it says, where a worker reads it, how
workers are summed. Labels come from closed sets; README.md has the same table, and a test holds both together.

A worker samples its numbers into its heartbeat. The supervisor adds them up, keeps the counters of workers that are
gone, and writes Prometheus' text format: plain enough that no library is needed in any process.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from edge.clicks.counters import Counters
from edge.clicks.geo import GeoStatus
from edge.process.heartbeat import ProcessStatus, Samples
from edge.rules.links import SyncStatus
from edge.spool.shipper import ShipperStatus
from edge.spool.spool import SpoolStatus
from shared.events import KINDS

PREFIX: Final = "turnout_edge_"
STATES: Final = ("cold", "catching_up", "synced", "stale")

Reading = float | Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where one worker's numbers are read."""

    counters: Counters
    sync: SyncStatus
    spool: SpoolStatus
    shipper: ShipperStatus
    geo: GeoStatus
    process: ProcessStatus


@dataclass(frozen=True, slots=True)
class Metric:
    """`read` gives a number, or one for each value of `label`; None where the supervisor itself knows it.

    `fold` makes one number of those of all workers. Counters are summed, those of dead workers included.
    """

    name: str
    kind: str
    help: str
    read: Callable[[Sources], Reading] | None = None
    label: str = ""
    fold: Callable[[Iterable[float]], float] = sum


def _counter(name: str, text: str, read: Callable[[Sources], Reading] | None = None, label: str = "") -> Metric:
    return Metric(PREFIX + name + "_total", "counter", text, read, label)


def _gauge(
    name: str,
    text: str,
    read: Callable[[Sources], Reading] | None = None,
    label: str = "",
    fold: Callable[[Iterable[float]], float] = sum,
) -> Metric:
    return Metric(PREFIX + name, "gauge", text, read, label, fold)


METRICS: Final = (
    # What visitors get
    _counter(
        "clicks",
        "Redirects that are clicks, by what they count as.",
        lambda s: dict(zip(KINDS, s.counters.clicks, strict=True)),
        "kind",
    ),
    _counter(
        "responses",
        "Responses that are no clicks, by status: errors, answers to HEAD, roots of domains.",
        lambda s: {str(status): count for status, count in s.counters.responses.items()},
        "status",
    ),
    _gauge("connections", "Open connections of visitors.", lambda s: s.counters.connections),
    _counter("timeouts", "Connections closed for a head that did not come in time.", lambda s: s.counters.timeouts),
    _counter("plain_requests", "Requests that took the slow road through Starlette.", lambda s: s.counters.plain),
    _counter(
        "heads_read", "Request heads without a known shape, read field by field.", lambda s: s.counters.heads_read
    ),
    _counter("agents_read", "User-Agents classified because no cache had them.", lambda s: s.counters.agents_read),
    _counter(
        "agents_deferred",
        "Requests put off by a turn because it had classified enough User-Agents.",
        lambda s: s.counters.agents_deferred,
    ),
    _counter("countries_read", "Addresses looked up in the country database.", lambda s: s.counters.countries_read),
    _counter(
        "pipelines_yielded",
        "Times a connection with many requests in one read had to let others go first.",
        lambda s: s.counters.pipelines_yielded,
    ),
    # The rules
    _gauge(
        "sync_workers",
        "Workers by the state of their rules; synced is in step with Redis.",
        lambda s: {state: float(s.sync.state == state) for state in STATES},
        "state",
    ),
    _gauge("sync_age_seconds", "Longest time a worker has been out of step.", lambda s: s.sync.age_s, fold=max),
    _gauge("epoch", "Lowest epoch that a worker follows.", lambda s: s.sync.epoch, fold=min),
    _gauge(
        "acked_sequence",
        "Lowest sequence of which no worker serves anything older.",
        lambda s: s.sync.acked.sequence,
        fold=min,
    ),
    _gauge("heard_sequence", "Highest sequence that a worker has heard of.", lambda s: s.sync.heard.sequence, fold=max),
    _gauge(
        "away_from_replica",
        "Workers that read at the primary because their replica fails.",
        lambda s: int(s.sync.away),
    ),
    _gauge("nacks", "Published values that workers refuse; those before them serve.", lambda s: len(s.sync.nacks)),
    _gauge("cached_links", "Links in memory.", lambda s: s.sync.links),
    _gauge("cached_tables", "Offers' tables in memory.", lambda s: s.sync.tables),
    _gauge("cached_absences", "Slugs in memory as not existing.", lambda s: s.sync.absences),
    _gauge(
        "revalidating_links", "Links served while it is checked whether they are fresh.", lambda s: s.sync.revalidating
    ),
    _counter("misses", "Requests for slugs that were not in memory.", lambda s: s.sync.misses),
    _counter("fetches", "Look-ups in Redis.", lambda s: s.sync.fetches),
    _counter("unavailable", "Misses that neither Redis nor a snapshot could answer.", lambda s: s.sync.unavailable),
    _counter("misses_refused", "Misses turned away to shield Redis from scanners.", lambda s: s.sync.refused),
    # A click's way to SQL
    _counter("events", "Click events made.", lambda s: s.spool.produced),
    _counter("events_recorded", "Click events that SQL has.", lambda s: s.spool.recorded),
    _gauge("events_in_flight", "Click events on their way.", lambda s: s.spool.in_flight),
    _counter("events_dropped", "Click events lost, by reason.", lambda s: s.spool.dropped, "reason"),
    _gauge("spool_bytes", "Size of the spools.", lambda s: s.spool.bytes),
    _gauge("spool_quota_bytes", "Size from which on the spools drop the newest clicks."),
    _counter("spools_adopted", "Spools of processes that are gone, taken over.", lambda s: s.shipper.adopted),
    _counter("batches_sent", "Batches of click events sent to the clicks Redis.", lambda s: s.shipper.sent),
    _counter("batches_rewound", "Times sent batches were lost by Redis and sent again.", lambda s: s.shipper.rewinds),
    _counter("shipping_errors", "Failed attempts to ship; the spool holds the clicks.", lambda s: s.shipper.errors),
    _gauge("shipping", "1 while all workers reach the clicks Redis.", lambda s: s.shipper.connected, fold=min),
    _gauge(
        "shipping_held_back",
        "1 while the clicks Redis is too full to be sent more.",
        lambda s: s.shipper.held_back,
        fold=max,
    ),
    # The country database
    _gauge("geo_loaded", "1 while all workers have a country database.", lambda s: bool(s.geo.source), fold=min),
    _gauge(
        "geo_db_age_seconds", "Time since the country database was built.", lambda s: _age(s.geo.built_at), fold=max
    ),
    _gauge("geo_problem", "1 while a country database is missing or refused.", lambda s: bool(s.geo.problem), fold=max),
    _counter("geo_refusals", "Country databases refused.", lambda s: s.geo.refusals),
    # The processes
    _gauge("loop_lag_seconds", "How late the slowest worker's loop ran last.", lambda s: s.process.lag_s, fold=max),
    _gauge(
        "memory_bytes",
        "Resident memory of the workers, shared pages counted in each.",
        lambda s: s.process.memory_bytes,
    ),
    _counter("cpu_seconds", "Processor time of the workers.", lambda s: s.process.cpu_s),
    _gauge("workers", "Workers that the edge should have."),
    _gauge("workers_serving", "Workers that serve."),
    _gauge("ready", "1 while /readyz says yes."),
    _counter("workers_replaced", "Workers replaced, by cause.", label="cause"),
    _gauge("info", "Always 1; the label says which version runs.", label="version"),
)


def _age(built_at: int) -> float:
    return max(0.0, time.time() - built_at) if built_at else 0.0


def sample(sources: Sources) -> Samples:
    """Return one worker's numbers."""
    return {metric.name: _by_label(metric.read(sources)) for metric in METRICS if metric.read}


def edge_samples(
    *,
    workers: int,
    serving: int,
    ready: bool,
    replaced: Mapping[str, float],
    version: str,
    spool_quota_bytes: int,
) -> Samples:
    """Return the numbers that only the supervisor knows."""
    readings: dict[str, Reading] = {
        "spool_quota_bytes": spool_quota_bytes,
        "workers": workers,
        "workers_serving": serving,
        "ready": ready,
        "workers_replaced_total": replaced,
        "info": {version: 1},
    }
    return {PREFIX + name: _by_label(reading) for name, reading in readings.items()}


class Totals:
    """Numbers over all workers; what dead ones counted is kept, so that no counter ever goes back."""

    def __init__(self) -> None:
        self._retired: Samples = {}

    def retire(self, samples: Samples) -> None:
        """Keep the counters of a worker that is gone."""
        self._retired = self.folded([{name: samples[name] for name in _COUNTERS & samples.keys()}])

    def folded(self, alive: list[Samples]) -> Samples:
        """Return one number for each metric and label, from the living and, for counters, the dead."""
        return {metric.name: _fold(metric, [*alive, self._retired]) for metric in METRICS if metric.read}


def render(samples: Samples) -> str:
    """Return the text that Prometheus reads."""
    return "".join(_lines(metric, samples.get(metric.name, {})) for metric in METRICS)


_COUNTERS: Final = frozenset(metric.name for metric in METRICS if metric.kind == "counter")


def _by_label(reading: Reading) -> dict[str, float]:
    return dict(reading) if isinstance(reading, Mapping) else {"": float(reading)}


def _fold(metric: Metric, every: list[Samples]) -> dict[str, float]:
    readings = [samples[metric.name] for samples in every if metric.name in samples]
    labels = dict.fromkeys(label for reading in readings for label in reading)
    return {label: metric.fold(reading[label] for reading in readings if label in reading) for label in labels}


def _lines(metric: Metric, values: Mapping[str, float]) -> str:
    lines = [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
    for label, value in values.items():
        tag = f'{{{metric.label}="{label}"}}' if metric.label else ""
        lines.append(f"{metric.name}{tag} {value:.15g}")
    return "\n".join(lines) + "\n"
