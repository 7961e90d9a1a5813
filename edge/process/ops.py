"""What the admin port says: is the edge alive, is it ready and if not why, its numbers, its version. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Any, Final

import orjson

from edge.process.admin import Answer
from edge.process.heartbeat import SERVING, Report
from shared import pointer, table

JSON: Final = "application/json"
PROMETHEUS: Final = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class WorkerView:
    """One slot as the supervisor sees it; `report` is its process's last, None before the first."""

    slot: int
    pid: int | None
    phase: str
    report: Report | None


@dataclass(frozen=True, slots=True)
class EdgeView:
    """The whole edge at one moment."""

    name: str
    stopping: bool
    workers: Sequence[WorkerView]


def package_version() -> str:
    """Return the installed version of the product, "unknown" when run from a bare checkout."""
    try:
        return version("turnout")
    except PackageNotFoundError:
        return "unknown"


def answer(path: str, view: EdgeView, max_age_s: float, metrics: Callable[[], str]) -> Answer:
    """Return what `path` says of `view`."""
    match path:
        case "/livez":
            return Answer(200, "text/plain", b"alive\n")
        case "/readyz":
            return _readiness(view, max_age_s)
        case "/metrics":
            return Answer(200, PROMETHEUS, metrics().encode())
        case "/version":
            return _json(200, version_of(view))
        case _:
            return Answer(404, "text/plain", b"Here are /livez, /readyz, /metrics and /version.\n")


def version_of(view: EdgeView) -> dict[str, Any]:
    """Return what runs here, for people and for rollouts that wait for it."""
    return {
        "version": package_version(),
        "python": python_version(),
        "edge": view.name,
        "workers": len(view.workers),
        "schemas": {"table": table.SCHEMA, "pointer": pointer.SCHEMA},
    }


def reasons_against(view: EdgeView, max_age_s: float) -> list[str]:
    """Return why no more visitors should be sent here; an edge with none is ready."""
    if view.stopping:
        return ["the edge is stopping"]
    return [reason for worker in view.workers for reason in _worker_reasons(worker, max_age_s)]


def _worker_reasons(worker: WorkerView, max_age_s: float) -> Iterable[str]:
    who = f"worker {worker.slot}"
    if worker.report is None or worker.phase != SERVING:
        yield f"{who} is {worker.phase or 'being replaced'}"
        return
    state, age_s = worker.report.sync["state"], worker.report.sync["age_s"]
    if state == "cold":
        yield f"{who} has no rules: nothing is published in Redis, or it does not answer, and there is no snapshot"
    elif state != "synced" and (age_s is None or age_s > max_age_s):
        yield f"{who} has not been in step with Redis for {'long' if age_s is None else f'{age_s:.0f} s'}"


def _readiness(view: EdgeView, max_age_s: float) -> Answer:
    reasons = reasons_against(view, max_age_s)
    body = {"ready": not reasons, "reasons": reasons, "edge": view.name, "workers": [*map(_detail, view.workers)]}
    return _json(503 if reasons else 200, body)


def _detail(worker: WorkerView) -> dict[str, Any]:
    report = worker.report or Report(worker.phase)
    told = {"sync": report.sync, "clicks": report.clicks, "geo": report.geo}
    return {"slot": worker.slot, "pid": worker.pid, "phase": worker.phase, **told}


def _json(status: int, body: dict[str, Any]) -> Answer:
    return Answer(status, JSON, orjson.dumps(body, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
