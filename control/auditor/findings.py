"""What was found, in SQL: one control audits, every one can say what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import delete, insert, select

from control.auditor.models import AuditedEdge, AuditLease
from control.db import Database, now_ms


class State(StrEnum):
    """What asking an edge has shown."""

    AGREES = "agrees"  # every worker that was met serves what SQL says
    DIFFERS = "differs"  # a worker serves something else, for longer than an edit travels
    UNREACHABLE = "unreachable"  # it does not answer, or does not say where
    UNTOLD = "untold"  # it answers, but does not trust control, and so does not say which of its workers does


@dataclass(frozen=True, slots=True)
class Difference:
    """What one worker serves and SQL does not say; `link` is `<domain>/<slug>`."""

    slot: int
    link: str
    says: str
    since: int


@dataclass(frozen=True, slots=True)
class Audited:
    """One edge as it was found, since `since`; `reason` says why it is no better."""

    edge: str
    address: str
    workers: int
    state: State
    reason: str
    since: int
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What is known now; `is_current` while a control audits."""

    edges: Mapping[str, Audited]
    is_current: bool


async def report(db: Database) -> Report:
    """Return what was found."""
    async with db.read() as session:
        rows = (await session.scalars(select(AuditedEdge).order_by(AuditedEdge.edge))).all()
        held_until = await session.scalar(select(AuditLease.expires_at))
    return Report({row.edge: _read(row) for row in rows}, held_until is not None and held_until > now_ms())


async def keep(db: Database, edges: Sequence[Audited]) -> None:
    """Put `edges` in the place of all that was found before."""
    async with db.write() as session:
        await session.execute(delete(AuditedEdge))
        if edges:
            await session.execute(insert(AuditedEdge), [_columns(edge) for edge in edges])


def _read(row: AuditedEdge) -> Audited:
    differences = tuple(Difference(**found) for found in row.differences)
    return Audited(row.edge, row.address, row.workers, State(row.state), row.reason, row.since, differences)


def _columns(edge: Audited) -> dict[str, Any]:
    fields = {name: getattr(edge, name) for name in ("edge", "address", "workers", "state", "reason", "since")}
    found = [{name: getattr(each, name) for name in ("slot", "link", "says", "since")} for each in edge.differences]
    return {**fields, "reason": edge.reason[:500], "differences": found}
