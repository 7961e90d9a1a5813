"""Edges, for whoever runs them: each worker, the publish it serves, what it refuses, and where every click is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import select

from control.clicks.models import BootRow
from control.edges import service
from control.edges.schemas import Edge, Worker
from control.errors import Problem
from control.parts import Parts, PartsDep
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


@dataclass(frozen=True, slots=True)
class Account:
    """Where the clicks of one edge are, summed over every worker process it has had that SQL remembers."""

    host: str
    produced: int
    recorded: int
    malformed: int
    dropped: int

    @property
    def on_the_way(self) -> int:
        """Return what was redirected and is neither recorded nor known to be lost."""
        return max(0, self.produced - self.recorded - self.malformed - self.dropped)


@router.get("/edges")
async def show_edges(request: Request, parts: PartsDep, caller: Person) -> Any:
    try:
        edges: Sequence[Edge] = (await service.everyone(parts)).items
        problem = ""
    except Problem as refused:
        edges, problem = (), refused.detail
    accounts = await _accounts(parts)
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
        accounts=accounts,
        total=_sum(accounts),
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


async def _accounts(parts: Parts) -> list[Account]:
    async with parts.clicks_db.read() as session:
        boots = (await session.scalars(select(BootRow).order_by(BootRow.host))).all()
    hosts = dict.fromkeys(boot.host for boot in boots)
    return [_account(host, [boot for boot in boots if boot.host == host]) for host in hosts]


def _account(host: str, boots: Sequence[BootRow]) -> Account:
    return Account(
        host=host,
        produced=sum(max(boot.produced, boot.recorded) for boot in boots),
        recorded=sum(boot.recorded for boot in boots),
        malformed=sum(boot.malformed for boot in boots),
        dropped=sum(sum(int(count) for count in boot.dropped.values()) for boot in boots),
    )


def _sum(accounts: Sequence[Account]) -> Account:
    return Account(
        "All edges",
        sum(account.produced for account in accounts),
        sum(account.recorded for account in accounts),
        sum(account.malformed for account in accounts),
        sum(account.dropped for account in accounts),
    )
