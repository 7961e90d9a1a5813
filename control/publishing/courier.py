"""Carries everything that is committed to Redis, and has Redis rebuilt where it cannot be carried on.

The cursor is Redis's own head, checked against SQL's chain before anything is written: any number of couriers may run,
each may die at any point, and what two of them carry is carried once.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from control.db import Database
from control.publishing.carrier import Carrier
from control.publishing.fleet import newest_ack, newest_fork
from control.publishing.journal import NOTHING, View, hash_at, view_after, view_from
from control.publishing.outbox import Appended, LineagePoint, Transaction
from control.publishing.rebuild import Rebuild, Superseded
from control.publishing.standing import NEVER, Standing, head_in, standing
from shared.wire import Head, Version

_MAX_SURPRISES: Final = 5
"""Heads moved by others that one call puts up with before it leaves the rest to the next."""

EDGES_S: Final = 3.0
"""How often the edges are asked whether they have more than SQL; they say how they stand every three seconds."""

Listener = Callable[[Head, Sequence[Transaction]], None]
_log = logging.getLogger(__name__)


class Courier:
    """One control process's way to Redis. `on_published` hears of every batch that went this way.

    `head` is where Redis was last found to stand under SQL's chain; `vouched` whether nothing since then, an SQL that
    could not be asked or another history, says that this may not hold any more.
    """

    def __init__(self, db: Database, carrier: Carrier, on_published: Listener) -> None:
        self._db = db
        self._carrier = carrier
        self._on_published = on_published
        self._rebuild: Rebuild | None = None
        self._rebuilding: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._cursor: Head | None = None
        self._witness: Head | None = None
        self._edges_at = 0.0
        self.head: Head | None = None
        self.vouched = False
        self.view: View = NOTHING
        self.rebuilds = 0

    @property
    def rebuilding(self) -> bool:
        """Whether a rebuild of this process is under way."""
        return self._rebuilding is not None and not self._rebuilding.done()

    @property
    def behind(self) -> bool:
        """Whether Redis lacks, or is not known to have, what SQL was last seen to hold."""
        return self.head is None or self.head.sequence < self.view.lineage.sequence

    async def carry(self, look: bool = False, appended: Appended | None = None) -> None:
        """Return when Redis holds all that was committed before, or another process rebuilds it.

        `look` reads the head even where it is believed to be known. `appended` is all that this process has committed
        since the last call, where it is known: it need not be read from SQL again. Raises RedisError, OSError,
        SQLAlchemyError.
        """
        async with self._lock:
            cursor, self._cursor = None if look else self._cursor, None
            try:
                self._cursor = await self._carry_from(cursor, appended)
            except RedisError:
                raise
            except Exception:  # of SQL, whose driver has errors of many kinds: it may come back as an older backup
                self.vouched = False
                raise

    async def stop(self) -> None:
        """Break off a rebuild that is under way; whoever comes next begins it anew."""
        if self._rebuild is not None and self._rebuilding is not None:
            self._rebuild.break_off()
            await asyncio.wait({self._rebuilding})

    async def _carry_from(self, cursor: Head | None, appended: Appended | None) -> Head | None:
        """Carry on from the head believed in, None to look; return the head in the end, None where none can be had."""
        surprises = 0
        while surprises < _MAX_SURPRISES:
            try:
                cursor = cursor or await self._look()
            except Superseded:  # what was seen is no longer so: look again, and ask the edges, whose word was not used
                surprises, self._edges_at = surprises + 1, 0.0
                continue
            if cursor is None:
                return None
            following = view_after(cursor, self.view.lineage, appended) if appended else None
            self.view = following or await view_from(self._db, cursor)
            if standing(cursor, self.view.lineage, self.view.hash_at_head) is Standing.FITS:
                self.head, self.vouched = cursor, True
                self._witness = cursor
                if not self.view.batch:
                    return cursor
                cursor = await self._carry_batch(cursor)
                if cursor and cursor.sequence >= self.view.lineage.sequence:
                    return cursor  # all that was committed when the view was taken, so before the call
            else:
                cursor, self.vouched = None, False
            surprises += cursor is None
        return None

    async def _look(self) -> Head | None:
        """Return the head in Redis if it can be carried on, or that of the rebuild which this starts; else None.

        None means that another rebuild is about to put a head there, or about to end. Raises Superseded where one was
        begun since the look.
        """
        ours = self.rebuilding  # asked before the head: one found loading that nobody works on is started over
        acked, forked = await self._ask_edges()  # before SQL is: what edges have by then was committed by then
        raw = await self._carrier.raw_head()
        head = head_in(raw)
        view = await view_from(self._db, head)
        verdict = standing(head, view.lineage, view.hash_at_head, acked, forked)
        if verdict is Standing.FITS and not await self._remembers(view.lineage):
            verdict = Standing.OUTRUN
        fitting = head if verdict is Standing.FITS else None
        if fitting and (fitting.ready or ours):
            return fitting
        self.head = fitting
        return await self._start_over(verdict, raw, view.lineage.epoch) or fitting

    async def _remembers(self, lineage: LineagePoint) -> bool:
        """Whether SQL still holds what this process has seen in it: it may have gone back under us, Redis with it."""
        last = self._witness
        if last is None or last.epoch < lineage.epoch:
            return True
        if last.version > Version(lineage.epoch, lineage.sequence):
            return False
        known = await hash_at(self._db, last.sequence)
        return known is None or known == last.hash

    async def _ask_edges(self) -> tuple[Version, int]:
        """Return the newest that edges have, and the newest epoch in which one has another history.

        They are asked now and then, for a fleet has thousands of leases: in between, nothing is known of them.
        """
        if time.monotonic() < self._edges_at:
            return NEVER, 0
        self._edges_at = time.monotonic() + EDGES_S
        leases = await self._carrier.leases()
        return newest_ack(leases), newest_fork(leases)

    async def _carry_batch(self, head: Head) -> Head | None:
        """Carry the view's batch and return the head after it; None where somebody moved it."""
        moved = await self._carrier.publish(head, self.view.batch)
        if moved is not None:
            self.head = self._witness = moved
            self._on_published(moved, self.view.batch)
        return moved

    async def _start_over(self, why: Standing, judged: bytes | None, epoch: int) -> Head | None:
        """Begin a rebuild, let it go on behind and return its head; None while another one is under way."""
        if self._rebuild is not None:
            self._rebuild.break_off()
        rebuild = Rebuild(self._db, self._carrier, self.carry)
        start = await rebuild.begin(judged, epoch, self._witness.epoch if self._witness else 0)
        if start is None:
            return None
        level = logging.INFO if start.epoch == 1 else logging.WARNING  # the first start finds Redis empty
        _log.log(level, "rebuilding the rules Redis", extra={"head": why.value, "epoch": start.epoch})
        self._rebuild = rebuild
        self._rebuilding = asyncio.create_task(self._run(rebuild, start))
        return start

    async def _run(self, rebuild: Rebuild, start: Head) -> None:
        try:
            await rebuild.run(start)
        except (Superseded, RedisError, OSError, SQLAlchemyError) as exc:
            _log.warning("the rebuild broke off", extra={"epoch": start.epoch, "error": f"{type(exc).__name__}: {exc}"})
        else:
            self.rebuilds += 1
            _log.info("the rules Redis is rebuilt", extra={"epoch": start.epoch})
