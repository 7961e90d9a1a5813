"""What edges say of themselves, beside what was published."""

from collections.abc import Collection, Mapping
from typing import NoReturn

from redis.exceptions import RedisError
from sqlalchemy import select

from control.auditor import findings
from control.auditor.findings import Audited
from control.db import now_ms
from control.edges.schemas import Audit, Difference, Edge, Nack, Worker
from control.errors import Problem
from control.fields import utc
from control.pagination import Page
from control.parts import Parts
from control.publishing import fleet, journal
from control.publishing.models import PublishedTransaction
from control.publishing.publisher import PublisherStatus
from control.smartlinks.schemas import Propagation
from shared.wire import Lease, Version


async def everyone(parts: Parts) -> Page[Edge]:
    """Return every edge whose lease was seen and not forgotten. Raises Problem (503) while Redis does not answer."""
    try:
        found = await parts.live.fleet()
    except (RedisError, OSError):
        _redis_unavailable()
    status, audit = parts.live.status(), await findings.report(parts.db)
    audited = audit.edges if audit.is_current else {}
    lacking = await _lacking_since(parts, {lease.acked for edge in found for lease in edge.heard}, status.published)
    items = [_show(edge, status, lacking, audited.get(edge.host)) for edge in found]
    return Page[Edge](items=items, next_cursor=None)


async def propagation(parts: Parts, sequence: int) -> Propagation:
    """Return how far one publish got. Raises Problem (404) for a number that no transaction has."""
    async with parts.db.read() as session:
        newest = (await journal.read_lineage(session)).sequence
    if sequence > newest:
        raise Problem.not_found("publish")
    return Propagation.of_reach(await parts.live.propagation(sequence))


async def _lacking_since(parts: Parts, acked: Collection[int], published: int) -> Mapping[int, int]:
    """Return, for each of `acked` that is not the newest, when (ms) the first publish after it was committed."""
    since: dict[int, int] = {}
    behind = [sequence for sequence in acked if sequence < published]
    if not behind:
        return since
    oldest = select(PublishedTransaction.committed_at).order_by(PublishedTransaction.sequence).limit(1)
    async with parts.db.read() as session:
        for sequence in behind:
            found = await session.scalar(oldest.where(PublishedTransaction.sequence > sequence))
            since[sequence] = now_ms() if found is None else found
    return since


def _show(edge: fleet.Edge, status: PublisherStatus, lacking: Mapping[int, int], audited: Audited | None) -> Edge:
    return Edge(
        host=edge.host,
        state=edge.state(Version(status.epoch, status.published)),
        workers=[_worker(lease, status.published, lacking) for lease in edge.heard],
        expected_workers=edge.workers,
        silent=list(edge.lapsed),
        address=next((lease.address for lease in edge.heard if lease.address), ""),
        country_database_built_at=None if edge.geo_built_at is None else utc(edge.geo_built_at * 1000),
        audit=_audit(audited) if audited else None,
    )


def _audit(found: Audited) -> Audit:
    differences = [
        Difference(slot=each.slot, link=each.link, says=each.says, since=utc(each.since)) for each in found.differences
    ]
    return Audit(state=found.state, reason=found.reason, since=utc(found.since), differences=differences)


def _worker(lease: Lease, published: int, lacking: Mapping[int, int]) -> Worker:
    return Worker(
        slot=lease.slot,
        boot=lease.boot,
        state=lease.state,
        epoch=lease.epoch,
        acked=lease.acked,
        behind=max(0, published - lease.acked),
        rules_age_ms=max(0, now_ms() - lacking[lease.acked]) if lease.acked in lacking else 0,
        reads_schema=lease.schema,
        started_at=utc(lease.started_at),
        redirects_per_second=lease.per_second,
        p99_ms=lease.p99_us / 1000 if lease.p99_us else None,
        memory_bytes=lease.memory_bytes,
        refused=[Nack(key=nack.key, sequence=nack.sequence, reason=nack.reason) for nack in lease.nacks],
    )


def _redis_unavailable() -> NoReturn:
    raise Problem(
        503, "redis_unavailable", "The rules Redis, where edges report, does not answer.", headers={"Retry-After": "1"}
    )
