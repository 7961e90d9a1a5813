"""The writing end: changes become part of the edit's own transaction, under the next sequence number.

    async with db.write() as session:
        ...the edit...
        appended = await append(session, changes)
    await live.publish(appended)

The number is taken by updating the lineage row under the writer's lock, held until commit: sequence order is commit
order, and a transaction that rolls back gives its number back, so there are no holes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from control.db import now_ms
from control.publishing.models import BODIES, LINEAGE, LINKS, ONLY
from shared.wire import chain_hash

_LOCK: Final = select(LINEAGE.c.epoch, LINEAGE.c.sequence, LINEAGE.c.hash).where(LINEAGE.c.id == ONLY).with_for_update()
_MOVE: Final = (
    update(LINEAGE).where(LINEAGE.c.id == ONLY).values(sequence=bindparam("moved_to"), hash=bindparam("moved_hash"))
)
_ADD_LINK: Final = insert(LINKS)
_ADD_BODIES: Final = insert(BODIES)
"""Made once: every edit does it, and who waits for an edit waits for this."""

GENESIS_HASH: Final = ""
"""Hash of the empty chain, sequence 0."""

MAX_KEYS: Final = 5_000
MAX_BYTES: Final = 16 * 1024 * 1024
"""Bounds of one transaction: it goes to Redis in one script, which nobody else can interrupt."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be published for one key: a compiled body, or None where the key is deleted."""

    key: str
    body: bytes | None


@dataclass(frozen=True, slots=True)
class LineagePoint:
    """Where publishing stands in SQL."""

    epoch: int
    sequence: int
    hash: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """One committed transaction, its changes in their order. `committed_at` is milliseconds since 1970 UTC."""

    sequence: int
    hash: str
    committed_at: int
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Appended:
    """A transaction, None where nothing changed, and where publishing stood before it."""

    before: LineagePoint
    transaction: Transaction | None

    @property
    def sequence(self) -> int:
        """With which everything is live that was changed until then."""
        return self.before.sequence if self.transaction is None else self.transaction.sequence


async def append(session: AsyncSession, changes: Sequence[Change]) -> Appended:
    """Store `changes` as the session's transaction and return it; without changes, take no sequence.

    Call it once a transaction: what is appended together goes live together. Of two changes of one key the later
    counts. Raises ValueError beyond 5,000 keys or 16 MiB.
    """
    bodies = {change.key: change.body for change in changes}
    size_bytes = sum(len(key) + len(body or b"") for key, body in bodies.items())
    if len(bodies) > MAX_KEYS or size_bytes > MAX_BYTES:
        raise ValueError(f"one transaction publishes at most {MAX_KEYS} keys and {MAX_BYTES} bytes")
    lineage = await lock_lineage(session)
    if not bodies:
        return Appended(lineage, None)
    sequence = lineage.sequence + 1
    digest = chain_hash(lineage.hash, sequence, bodies.items())
    await session.execute(_MOVE, {"moved_to": sequence, "moved_hash": digest})
    committed_at = await _insert_transaction(session, sequence, digest, len(bodies), size_bytes)
    rows = [
        {"sequence": sequence, "place": place, "key": key, "body": body}
        for place, (key, body) in enumerate(bodies.items())
    ]
    await session.execute(_ADD_BODIES, rows)
    changed = tuple(Change(key, body) for key, body in bodies.items())
    return Appended(lineage, Transaction(sequence, digest, committed_at, changed))


async def lock_lineage(session: AsyncSession) -> LineagePoint:
    """Return the lineage, locked until the session's transaction ends; the first call ever creates it, at epoch 0."""
    row = (await session.execute(_LOCK)).one_or_none()
    if row is not None:
        return LineagePoint(*row)
    await session.execute(insert(LINEAGE), {"id": ONLY, "epoch": 0, "sequence": 0, "hash": GENESIS_HASH})
    await _insert_transaction(session, 0, GENESIS_HASH, 0, 0)
    return LineagePoint(0, 0, GENESIS_HASH)


async def _insert_transaction(session: AsyncSession, sequence: int, digest: str, keys: int, size_bytes: int) -> int:
    committed_at = now_ms()
    fields = {"sequence": sequence, "hash": digest, "keys": keys, "size_bytes": size_bytes}
    await session.execute(_ADD_LINK, fields | {"committed_at": committed_at})
    return committed_at
