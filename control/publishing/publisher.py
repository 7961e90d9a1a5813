"""When to publish: each commit at once, each second as backstop; never longer in a caller's way than its deadline."""

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Final

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from control.db import Database
from control.publishing.carrier import Carrier, UnfitRedis
from control.publishing.courier import Courier, Listener
from control.publishing.journal import NOTHING, read_lineage
from control.publishing.outbox import Appended
from control.publishing.pace import pause
from control.publishing.pruning import prune
from shared.wire import Head

BACKSTOP_S: Final = 1.0
DEADLINE_S: Final = 1.5
"""How long `publish` keeps a caller: one answer that never comes, and a bit; what is not done then goes on behind."""

_FITNESS_S: Final = 30.0
_LOG_BOUND_S: Final = 10.0
_PRUNE_S: Final = 3600.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PublisherStatus:
    """For readiness and metrics. `error` says why Redis does not hold what SQL holds, "" when all is well.

    `behind` counts transactions committed and not known to be in Redis; `behind_s` is how long ago Redis was last known
    to hold everything, None when it never was.
    """

    epoch: int
    committed: int
    published: int
    behind: int
    behind_s: float | None
    rebuilding: bool
    rebuilds: int
    error: str


class Publisher:
    """The publisher of one control process."""

    def __init__(
        self,
        db: Database,
        carrier: Carrier,
        on_published: Listener = lambda _head, _batch: None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        self._deadline_s = deadline_s
        self._db = db
        self._carrier = carrier
        self._courier = Courier(db, carrier, on_published)
        self._turns = asyncio.Lock()
        self._queued: asyncio.Task[None] | None = None
        self._current: asyncio.Task[None] | None = None
        self._look = True
        self._asked: list[Appended | None] = []
        self._committed = NOTHING.lineage
        self._retry_at = self._fit_until = 0.0
        self._due: dict[str, float] = {}
        self._complete_at: float | None = None
        self._error = ""

    @property
    def head(self) -> Head | None:
        """Where Redis was last found to stand, checked against SQL's chain; None while that is not known."""
        return self._courier.head if self._courier.vouched else None

    async def publish(self, appended: Appended | None = None) -> None:
        """Push what was committed before the call; give up waiting, not pushing, after 1.5 s. Never raises.

        `appended` is what the caller has committed, if that was one transaction: it is not read back from SQL. While
        Redis does not answer, this returns at once: the backstop tries again each second.
        """
        if time.monotonic() >= self._retry_at:
            self._asked.append(appended)
            await asyncio.wait({self._next_turn()}, timeout=self._deadline_s)

    async def run(self, stopping: asyncio.Event) -> None:
        """Look each second whether Redis still holds what SQL holds, put right what is not, and keep both short."""
        while not stopping.is_set():
            self._look = True
            await asyncio.wait({self._next_turn()})
            if not self._error:
                await self._do_chores()
            await pause(BACKSTOP_S, stopping)

    async def stop(self) -> None:
        """End what is under way; nothing is lost, for SQL has it."""
        if under_way := {turn for turn in (self._current, self._queued) if turn is not None}:
            await asyncio.wait(under_way, timeout=self._deadline_s)
        await self._courier.stop()

    def status(self) -> PublisherStatus:
        """Return how publishing is doing, as of the last look."""
        published = self._courier.head.sequence if self._courier.head else 0
        return PublisherStatus(
            epoch=self._committed.epoch,
            committed=self._committed.sequence,
            published=published,
            behind=max(0, self._committed.sequence - published),
            behind_s=None if self._complete_at is None else time.monotonic() - self._complete_at,
            rebuilding=self._courier.rebuilding,
            rebuilds=self._courier.rebuilds,
            error=self._error,
        )

    def _next_turn(self) -> asyncio.Task[None]:
        """Return the turn that has not begun yet: it will see whatever is committed by now."""
        if self._queued is None:
            self._queued = asyncio.create_task(self._turn())
        return self._queued

    async def _turn(self) -> None:
        async with self._turns:
            self._current, self._queued = self._queued, None
            look, self._look = self._look, False
            asked, self._asked = self._asked, []
            error = await self._error_of(self._carry(look, asked[0] if len(asked) == 1 and not look else None))
            self._note(error)
            if error:
                await self._error_of(self._carrier.hang_up())
                await self._error_of(self._count_committed())

    async def _carry(self, look: bool, appended: Appended | None) -> None:
        if time.monotonic() >= self._fit_until:
            await self._carrier.require_no_eviction()
            self._fit_until = time.monotonic() + _FITNESS_S
        await self._courier.carry(look, appended)
        self._committed = self._courier.view.lineage

    async def _count_committed(self) -> None:
        """Keep counting what waits while Redis is away."""
        async with self._db.read() as session:
            self._committed = await read_lineage(session)

    async def _do_chores(self) -> None:
        now = time.monotonic()
        for chore, period_s in ((self._prune, _PRUNE_S), (self._carrier.bound_log, _LOG_BOUND_S)):
            if now >= self._due.get(chore.__name__, 0.0):
                self._due[chore.__name__] = now + period_s
                if error := await self._error_of(chore()):
                    _log.warning("housekeeping of publishing failed", extra={"chore": chore.__name__, "error": error})

    async def _prune(self) -> None:
        await prune(self._db)

    async def _error_of(self, work: Awaitable[None]) -> str:
        """Return "" or what went wrong, in a sentence: publishing outlives whatever happens to Redis and SQL."""
        try:
            await work
        except UnfitRedis as exc:
            return str(exc)
        except (RedisError, OSError) as exc:
            return f"the rules Redis does not answer as it should: {type(exc).__name__}: {exc}"
        except SQLAlchemyError as exc:
            return f"the database does not answer as it should: {type(exc).__name__}"
        except Exception as exc:  # a fault of this program: said with its traceback, and tried again
            _log.exception("publishing failed")
            return f"publishing failed: {type(exc).__name__}"
        return ""

    def _note(self, error: str) -> None:
        """Remember how the turn went; say it when it changed, not each second."""
        if error != self._error:
            _log.log(logging.ERROR if error else logging.INFO, error or "publishing works again")
        self._error = error
        if error:
            self._fit_until = 0.0  # whatever answers next may be another server
            self._retry_at = time.monotonic() + BACKSTOP_S / 2
        elif not self._courier.behind:
            self._complete_at = time.monotonic()
