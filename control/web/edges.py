"""Edges, for whoever runs them: each worker, the publish it serves, what it refuses, and where every click is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request

from control.clicks.accounting import account
from control.edges import service
from control.edges.schemas import Edge, Worker
from control.errors import Problem
from control.parts import PartsDep
from control.publishing.fleet import EdgeState
from control.web.guard import Person
from control.web.render import page

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Slot:
    """One square of an edge: a worker that runs, or one that is silent."""

    number: int
    look: str
    says: str
    worker: Worker | None


@router.get("/edges")
async def show_edges(request: Request, parts: PartsDep, caller: Person) -> Any:
    try:
        edges: Sequence[Edge] = (await service.everyone(parts)).items
        problem = ""
    except Problem as refused:
        edges, problem = (), refused.detail
    clicks = await account(parts)
    return page(
        request,
        "edges.html",
        caller=caller,
        edges=[(edge, _slots(edge)) for edge in edges],
        live=sum(edge.state == EdgeState.LIVE for edge in edges),
        unknown=sum(edge.state == EdgeState.UNKNOWN for edge in edges),
        refusals=[(edge, worker, nack) for edge in edges for worker in edge.workers for nack in worker.refused],
        status=parts.live.status(),
        problem=problem,
        accounts=clicks.edges,
        total=clicks.total,
        stream=clicks.stream,
    )


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
