"""Edges, for whoever runs them: each worker, the publish it serves, what it refuses, and where every click is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from fastapi import APIRouter, Request

from control.auditor.findings import State
from control.clicks.accounting import account
from control.db import now_ms
from control.edges import publishes, service
from control.edges.schemas import Edge, Worker
from control.errors import Problem
from control.fields import to_ms
from control.parts import PartsDep
from control.publishing.fleet import EdgeState
from control.web.guard import Person
from control.web.publish_chart import chart_of
from control.web.render import page

router = APIRouter(include_in_schema=False)

_EVENTS: Final = 8
_DAY_MS: Final = 86_400_000
_OLD_DATA_DAYS: Final = 60
"""A country database comes out monthly: one this old has missed two."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One square of an edge: a worker that runs, or one that is silent."""

    number: int
    look: str
    says: str
    worker: Worker | None


@dataclass(frozen=True, slots=True)
class Row:
    """One edge: its squares, and what its workers say, as one number each; None where nobody says."""

    edge: Edge
    slots: Sequence[Slot]
    acked: int | None
    behind: int | None
    rules_age_ms: int
    per_second: int
    p99_ms: float | None
    memory_bytes: int
    up_ms: int
    data_days: int | None

    @classmethod
    def of(cls, edge: Edge) -> "Row":
        """Return the row of an edge: of its workers the last, the slowest, and sums."""
        workers = edge.workers
        return cls(
            edge,
            _slots(edge),
            acked=min((worker.acked for worker in workers), default=None),
            behind=max((worker.behind for worker in workers), default=None),
            rules_age_ms=max((worker.rules_age_ms for worker in workers), default=0),
            per_second=sum(worker.redirects_per_second for worker in workers),
            p99_ms=_slowest(workers),
            memory_bytes=sum(worker.memory_bytes for worker in workers),
            up_ms=max((_ms_since(worker.started_at) for worker in workers), default=0),
            data_days=_ms_since(built_at) // _DAY_MS if (built_at := edge.country_database_built_at) else None,
        )


@router.get("/edges")
async def show_edges(request: Request, parts: PartsDep, caller: Person) -> Any:
    try:
        edges: Sequence[Edge] = (await service.everyone(parts)).items
        problem = ""
    except Problem as refused:
        edges, problem = (), refused.detail
    clicks = await account(parts)
    recent = parts.live.recent()
    return page(
        request,
        "edges.html",
        caller=caller,
        rows=[Row.of(edge) for edge in edges],
        live=sum(edge.state == EdgeState.LIVE for edge in edges),
        unknown=sum(edge.state == EdgeState.UNKNOWN for edge in edges),
        refusals=[(edge, worker, nack) for edge in edges for worker in edge.workers for nack in worker.refused],
        differing=[edge for edge in edges if edge.audit and edge.audit.state == State.DIFFERS],
        workers=sum(len(edge.workers) for edge in edges),
        per_second=sum(worker.redirects_per_second for edge in edges for worker in edge.workers),
        p99_ms=_slowest([worker for edge in edges for worker in edge.workers]),
        last_ms=recent[0][1] if recent else None,
        chart=chart_of(recent),
        events=await publishes.latest(parts, _EVENTS),
        old_data_days=_OLD_DATA_DAYS,
        status=parts.live.status(),
        problem=problem,
        accounts=clicks.edges,
        total=clicks.total,
        stream=clicks.stream,
    )


def _ms_since(moment: datetime) -> int:
    return now_ms() - to_ms(moment)


def _slowest(workers: Sequence[Worker]) -> float | None:
    return max((worker.p99_ms for worker in workers if worker.p99_ms is not None), default=None)


def _slots(edge: Edge) -> list[Slot]:
    running = [_slot(worker) for worker in edge.workers]
    silent = [Slot(number + 1, "off", "silent: its lease has lapsed", None) for number in edge.silent]
    return sorted([*running, *silent], key=lambda slot: slot.number)


def _slot(worker: Worker) -> Slot:
    if worker.refused:
        newest = worker.refused[-1]
        return Slot(worker.slot + 1, "bad", f"refused publish {newest.sequence:,}: {newest.reason}", worker)
    if worker.state != "synced" or worker.behind:
        return Slot(worker.slot + 1, "off", f"{worker.state.replace('_', ' ')}, {worker.behind:,} behind", worker)
    return Slot(worker.slot + 1, "", "live", worker)
