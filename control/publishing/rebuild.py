"""Starting Redis over from SQL, under a new epoch, while edits go on.

begin (lease, epoch, loading head, new log) -> fill (what every key held then) -> catch up -> bury -> ready

From the begin on, edits are carried as always: the head is merely `loading`. Both write a key only forward, for a
rebuild sets what is older than its own (epoch, sequence), so their order does not matter. What Redis has and SQL has
not (SQL was restored, keys are left from another life) is buried under tombstones last, when every key that exists has
been written in the new epoch.
"""

from collections.abc import Awaitable, Callable, Iterator, Sequence

from sqlalchemy import update

from control.db import Database
from control.publishing.carrier import Carrier
from control.publishing.fleet import newest_ack
from control.publishing.journal import MAX_BATCH_BYTES, NewestRow, newest_rows, read_lineage
from control.publishing.lease import Lease
from control.publishing.models import ONLY, Lineage
from control.publishing.outbox import lock_lineage
from control.publishing.standing import head_in
from shared.wire import Head


class Superseded(Exception):
    """Another rebuild has begun, Redis was emptied again, or control stops: this rebuild ends without harm."""


class Rebuild:
    """One rebuild: `begin`, then `run`. `catch_up` carries everything committed so far."""

    def __init__(self, db: Database, carrier: Carrier, catch_up: Callable[[], Awaitable[None]]) -> None:
        self._db = db
        self._carrier = carrier
        self._catch_up = catch_up
        self._lease = Lease(db)
        self._is_broken_off = False

    async def begin(self, judged: bytes | None, epoch: int, seen: int = 0) -> Head | None:
        """Raise the epoch above all seen, make Redis loading and return its head; None while another rebuild runs.

        `judged` is the stored head that is to be replaced, `epoch` what SQL's was when that was decided, `seen` one
        that SQL may have forgotten. Raises Superseded where either is no longer so.
        """
        if not await self._lease.take():
            return None
        try:
            if await self._carrier.raw_head() != judged:
                raise Superseded  # by a rebuild that ended, and gave its lease back, in between
            head = await self._raise_epoch(judged, epoch, seen)
            await self._replace(judged, head)
        except BaseException:
            await self._lease.release()
            raise
        return head

    async def run(self, start: Head) -> None:
        """Write everything SQL held at `start`, then make Redis ready. Raises Superseded, RedisError."""
        try:
            await self._fill(start)
            await self._catch_up_with_sql(start.epoch)
            await self._bury(start)
            await self._finish(start.epoch)
        finally:
            await self._lease.release()

    def break_off(self) -> None:
        """Make `run` end at its next step."""
        self._is_broken_off = True

    async def _raise_epoch(self, judged: bytes | None, epoch: int, seen: int) -> Head:
        """Return the loading head of an epoch above `seen` and every one that SQL, Redis and edges have seen."""
        found = head_in(judged)
        acked = newest_ack(await self._carrier.leases())
        async with self._db.write() as session:
            lineage = await lock_lineage(session)
            if lineage.epoch != epoch:
                raise Superseded  # while this one waited for the lock, for longer than its lease perhaps
            raised = max(seen, lineage.epoch, found.epoch if found else 0, acked.epoch) + 1
            await session.execute(update(Lineage).where(Lineage.id == ONLY).values(epoch=raised))
            return Head(raised, lineage.sequence, lineage.hash, "loading")

    async def _replace(self, judged: bytes | None, head: Head) -> None:
        """Put `head` where `judged` was, or what a publisher has made of that since.

        A batch that was on its way when the epoch was raised still moves the old head; SQL lets no other follow it.
        """
        while not await self._carrier.begin_rebuild(judged, head):
            judged = await self._carrier.raw_head()
            found = head_in(judged)
            if found is not None and found.epoch >= head.epoch:
                raise Superseded

    async def _fill(self, start: Head) -> None:
        async for page in newest_rows(self._db, start.sequence):
            for rows in _portions(page):
                self._require(await self._carrier.fill(start.epoch, rows))
            await self._lease.renew()

    async def _catch_up_with_sql(self, epoch: int) -> None:
        """Return when Redis has all that was committed before the call: rows newer than `start` come this way."""
        async with self._db.read() as session:
            committed = (await read_lineage(session)).sequence
        while (await self._loading_head(epoch)).sequence < committed:
            await self._catch_up()
            await self._lease.renew()

    async def _bury(self, start: Head) -> None:
        cursor = -1
        while cursor != 0:
            cursor, keys = await self._carrier.scan(max(cursor, 0))
            self._require(not keys or await self._carrier.bury(start.version, keys))
            await self._lease.renew()

    async def _finish(self, epoch: int) -> None:
        while not await self._carrier.finish_rebuild(await self._loading_head(epoch)):
            pass  # an edit was carried in between: take the head after it

    async def _loading_head(self, epoch: int) -> Head:
        head = head_in(await self._carrier.raw_head())
        self._require(head is not None and head.epoch == epoch and not head.ready)
        assert head is not None
        return head

    def _require(self, still_loading: bool) -> None:
        if self._is_broken_off or not still_loading:
            raise Superseded


def _portions(rows: Sequence[NewestRow]) -> Iterator[list[NewestRow]]:
    """Cut a page so that no script gets more than about 1 MiB."""
    portion: list[NewestRow] = []
    size_bytes = 0
    for row in rows:
        if portion and size_bytes + len(row.body) > MAX_BATCH_BYTES:
            yield portion
            portion, size_bytes = [], 0
        portion.append(row)
        size_bytes += len(row.body)
    if portion:
        yield portion
