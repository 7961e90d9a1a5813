"""What edges say of themselves, beside what was published."""

from typing import NoReturn

from redis.exceptions import RedisError

from control.edges.schemas import Edge, Nack, Worker
from control.errors import Problem
from control.fields import utc
from control.pagination import Page
from control.parts import Parts
from control.publishing import fleet, journal
from control.publishing.publisher import PublisherStatus
from control.smartlinks.schemas import Propagation
from shared.wire import Lease, Version


async def everyone(parts: Parts) -> Page[Edge]:
    """Return every edge whose lease was seen and not forgotten. Raises Problem (503) while Redis does not answer."""
    try:
        found = await parts.live.fleet()
    except (RedisError, OSError):
        _redis_unavailable()
    status = parts.live.status()
    return Page[Edge](items=[_show(edge, status) for edge in found], next_cursor=None)


async def propagation(parts: Parts, sequence: int) -> Propagation:
    """Return how far one publish got. Raises Problem (404) for a number that no transaction has."""
    async with parts.db.read() as session:
        newest = (await journal.read_lineage(session)).sequence
    if sequence > newest:
        raise Problem.not_found("publish")
    return Propagation.of_reach(await parts.live.propagation(sequence))


def _show(edge: fleet.Edge, status: PublisherStatus) -> Edge:
    return Edge(
        host=edge.host,
        state=edge.state(Version(status.epoch, status.published)),
        workers=[_worker(lease, status.published) for lease in edge.heard],
        expected_workers=edge.workers,
        silent=list(edge.lapsed),
    )


def _worker(lease: Lease, published: int) -> Worker:
    return Worker(
        slot=lease.slot,
        boot=lease.boot,
        state=lease.state,
        epoch=lease.epoch,
        acked=lease.acked,
        behind=max(0, published - lease.acked),
        reads_schema=lease.schema,
        started_at=utc(lease.started_at),
        refused=[Nack(key=nack.key, sequence=nack.sequence, reason=nack.reason) for nack in lease.nacks],
    )


def _redis_unavailable() -> NoReturn:
    raise Problem(
        503, "redis_unavailable", "The rules Redis, where edges report, does not answer.", headers={"Retry-After": "1"}
    )
