"""The reading end: what SQL holds beyond a point of the chain, and what each key's truth is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from control.db import Database
from control.publishing.models import BODIES, LINEAGE, LINKS, Lineage, OutboxRow, PublishedTransaction
from control.publishing.outbox import GENESIS_HASH, Appended, Change, LineagePoint, Transaction
from shared.wire import Head

MAX_BATCH_KEYS: Final = 500
MAX_BATCH_BYTES: Final = 1024 * 1024


_CHAIN: Final = (
    select(
        LINEAGE.c.epoch,
        LINEAGE.c.sequence,
        LINEAGE.c.hash,
        LINKS.c.sequence.label("at"),
        LINKS.c.hash.label("its_hash"),
        LINKS.c.committed_at,
        LINKS.c["keys"].label("key_count"),
        LINKS.c.size_bytes,
    )
    .select_from(LINEAGE.join(LINKS, LINKS.c.sequence >= bindparam("from"), isouter=True))
    .order_by(LINKS.c.sequence)
    .limit(1 + MAX_BATCH_KEYS)
)
"""Where SQL stands and the links of the chain from a sequence on, in one question, made once: every edit asks it."""

_CHANGES: Final = (
    select(BODIES.c.sequence, BODIES.c.key, BODIES.c.body)
    .where(BODIES.c.sequence.between(bindparam("first"), bindparam("last")))
    .order_by(BODIES.c.sequence, BODIES.c.place)
)
_COMMITTED_AT: Final = select(LINKS.c.committed_at).where(LINKS.c.sequence == bindparam("sequence"))


class Size(NamedTuple):
    """What one transaction weighs in a batch."""

    keys: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class View:
    """One moment of SQL as seen from a head: the lineage, the chain's hash at that head, and the next batch."""

    lineage: LineagePoint
    hash_at_head: str | None
    batch: tuple[Transaction, ...]


NOTHING: Final = View(LineagePoint(0, 0, GENESIS_HASH), None, ())
"""What is seen before the first look."""


@dataclass(frozen=True, slots=True)
class NewestRow:
    """What a key holds, and the transaction that last changed it."""

    key: str
    sequence: int
    body: bytes


def batch_length(sizes: Sequence[Size]) -> int:
    """Return how many transactions, from the first, make one batch: 500 keys, 1 MiB, but never less than one."""
    keys = size_bytes = 0
    for count, size in enumerate(sizes):
        keys += size.keys
        size_bytes += size.size_bytes
        if count and (keys > MAX_BATCH_KEYS or size_bytes > MAX_BATCH_BYTES):
            return count
    return len(sizes)


async def view_from(db: Database, head: Head | None) -> View:
    """Return what SQL says to a Redis whose head is `head`; without one there is no next batch."""
    async with db.read() as session:
        if head is None:
            return View(await read_lineage(session), None, ())
        rows = (await session.execute(_CHAIN, {"from": head.sequence})).all()
        if not rows:
            return NOTHING
        lineage = LineagePoint(*rows[0][:3])
        links = [row for row in rows if row.at is not None]  # none: Redis is ahead, or behind what is kept
        known = links[0].its_hash if links and links[0].at == head.sequence else None
        batch = await _batch(session, links[1:]) if known == head.hash else ()
        return View(lineage, known, batch)


def view_after(head: Head, seen: LineagePoint, appended: Appended) -> View | None:
    """Return what SQL says to a Redis whose head is `head`, now that `appended` is committed, without asking it.

    None unless Redis stands where publishing stood before, and where SQL was `seen` to: others may have committed.
    """
    committed = appended.transaction
    if committed is None or not appended.before == seen == LineagePoint(head.epoch, head.sequence, head.hash):
        return None
    return View(LineagePoint(head.epoch, committed.sequence, committed.hash), head.hash, (committed,))


async def read_lineage(session: AsyncSession) -> LineagePoint:
    """Return where publishing stands; before the first transaction ever, at the empty chain of epoch 0."""
    row = (await session.execute(select(Lineage.epoch, Lineage.sequence, Lineage.hash))).one_or_none()
    return LineagePoint(0, 0, GENESIS_HASH) if row is None else LineagePoint(*row)


async def hash_at(db: Database, sequence: int) -> str | None:
    """Return the chain's hash after a transaction, None when there was none or it is too old."""
    async with db.read() as session:
        return await session.scalar(select(PublishedTransaction.hash).where(PublishedTransaction.sequence == sequence))


async def commit_time(db: Database, sequence: int) -> int | None:
    """Return when a transaction was committed (milliseconds since 1970 UTC), None when it never was or is too old."""
    async with db.read() as session:
        return await session.scalar(_COMMITTED_AT, {"sequence": sequence})


async def newest_rows(db: Database, up_to: int, page: int = MAX_BATCH_KEYS) -> AsyncIterator[list[NewestRow]]:
    """Yield, by pages in the order of keys, what every key that exists held after the transaction `up_to`."""
    after = ""
    while True:
        async with db.read() as session:
            rows = (await session.execute(_newest(after, up_to, page))).all()
        if not rows:
            return
        yield [NewestRow(row.key, row.sequence, row.body) for row in rows if row.body is not None]
        after = rows[-1].key


def _newest(after: str, up_to: int, page: int) -> Any:
    other = aliased(OutboxRow)
    newest = (
        select(func.max(other.sequence)).where(other.key == OutboxRow.key, other.sequence <= up_to).scalar_subquery()
    )
    return (
        select(OutboxRow.key, OutboxRow.sequence, OutboxRow.body)
        .where(OutboxRow.key > after, OutboxRow.sequence == newest)
        .order_by(OutboxRow.key)
        .limit(page)
    )


async def _batch(session: AsyncSession, links: Sequence[Any]) -> tuple[Transaction, ...]:
    links = links[: batch_length([Size(link.key_count, link.size_bytes) for link in links])]
    if not links:
        return ()
    rows = await session.execute(_CHANGES, {"first": links[0].at, "last": links[-1].at})
    changes: dict[int, list[Change]] = {link.at: [] for link in links}
    for row in rows:
        changes[row.sequence].append(Change(row.key, row.body))
    return tuple(Transaction(link.at, link.its_hash, link.committed_at, tuple(changes[link.at])) for link in links)
