"""Which batches SQL has: of every boot all up to `done`, and above it those in `click_seen`."""

import logging
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import BootRow, SeenRow
from control.ingest.batches import Batch

logger = logging.getLogger("ingest")

FORGOTTEN: Final = "forgotten by SQL"
"""Reason of clicks that SQL had recorded and, restored from an older copy, has no longer."""


class Outcome(NamedTuple):
    """What became of one batch's lines."""

    recorded: int
    malformed: int


class Ledger:
    """The ledger as one transaction sees it: `is_new` before recording a batch, `note` after, `save` at the end."""

    def __init__(self, boots: Mapping[str, BootRow], seen: Iterable[tuple[str, int]]) -> None:
        """Use `load`."""
        self._boots = dict(boots)
        self._old = frozenset(boots)
        self._seen = set(seen)
        self._before = frozenset(self._seen)

    @classmethod
    async def load(cls, session: AsyncSession, boots: set[str]) -> "Ledger":
        """Return what is known of these boots, under the writer lock."""
        rows = await session.scalars(select(BootRow).where(BootRow.boot.in_(boots)))
        seen = await session.execute(select(SeenRow.boot, SeenRow.batch).where(SeenRow.boot.in_(boots)))
        return cls({row.boot: row for row in rows}, [(boot, batch) for boot, batch in seen])

    @property
    def done(self) -> dict[str, int]:
        """By boot, the highest batch up to which SQL has every one."""
        return {boot: row.done for boot, row in self._boots.items()}

    def is_new(self, batch: Batch) -> bool:
        """Whether SQL does not have this batch."""
        row = self._boots.get(batch.boot)
        return row is None or (batch.number > row.done and (batch.boot, batch.number) not in self._seen)

    def note(self, batch: Batch, outcome: Outcome, now_ms: int) -> None:
        """Count a batch that is recorded in this transaction."""
        row = self._boots.get(batch.boot) or self._open(batch, now_ms)
        row.recorded += outcome.recorded
        row.malformed += outcome.malformed
        row.last_at = now_ms
        self.hear(batch)
        self._seen.add((batch.boot, batch.number))
        self._skip_forgotten(row, batch)
        _find_again(row)
        while (batch.boot, row.done + 1) in self._seen:
            row.done += 1
            self._seen.discard((batch.boot, row.done))

    def _skip_forgotten(self, row: BootRow, batch: Batch) -> None:
        """Wait for no batch that its edge let go of: SQL had it, and went back since. It will not come again."""
        if batch.kept_from <= row.done + 1:
            return
        row.done = batch.kept_from - 1
        self._seen = {(boot, number) for boot, number in self._seen if boot != row.boot or number > row.done}
        lost = max(0, batch.produced - sum(batch.dropped.values()) - row.recorded - row.malformed)
        logger.error("SQL went back: of %s it has lost %d clicks", batch.boot, lost)
        row.dropped = {**row.dropped, FORGOTTEN: max(lost, row.dropped.get(FORGOTTEN, 0))}

    def hear(self, batch: Batch) -> None:
        """Take the counts that came with a batch; they only ever grow."""
        row = self._boots[batch.boot]
        row.produced = max(row.produced, batch.produced)
        dropped = {
            reason: max(row.dropped.get(reason, 0), batch.dropped.get(reason, 0))
            for reason in {*row.dropped, *batch.dropped}
        }
        if dropped != row.dropped:
            row.dropped = dropped

    async def save(self, session: AsyncSession) -> None:
        """Write what changed."""
        for boot, row in self._boots.items():
            if boot not in self._old:
                session.add(row)
        await session.flush()
        gone, added = self._before - self._seen, self._seen - self._before
        for boot, batch in gone:
            await session.execute(delete(SeenRow).where(SeenRow.boot == boot, SeenRow.batch == batch))
        if added:
            await session.execute(insert(SeenRow), [{"boot": boot, "batch": batch} for boot, batch in sorted(added)])

    def _open(self, batch: Batch, now_ms: int) -> BootRow:
        row = self._boots[batch.boot] = BootRow(
            boot=batch.boot,
            host=batch.host,
            slot=batch.slot,
            done=0,
            produced=0,
            recorded=0,
            malformed=0,
            dropped={},
            first_at=now_ms,
            last_at=now_ms,
        )
        return row


def _find_again(row: BootRow) -> None:
    """Take back what was counted as forgotten and was only on its way: more is accounted for than was produced."""
    forgotten = row.dropped.get(FORGOTTEN, 0)
    excess = row.recorded + row.malformed + sum(row.dropped.values()) - row.produced
    if forgotten and excess > 0:
        row.dropped = {**row.dropped, FORGOTTEN: max(0, forgotten - excess)}
