"""Who asks what, when. One control audits, by a lease in SQL; the others take over when it ends."""

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from control.auditor import findings
from control.auditor.asking import Line, Question, Unreachable
from control.auditor.doubts import GRACE_S, Doubts, Place
from control.auditor.findings import Audited, Difference, State
from control.auditor.judgement import UNAVAILABLE, Answer, difference
from control.auditor.models import AuditLease
from control.auditor.truth import Truth, truth_of
from control.auditor.turns import Turns
from control.auditor.witnesses import Witness, everyone, telling
from control.db import Database, now_ms
from control.publishing.fleet import Edge, Fleet
from control.publishing.lease import Lease
from control.publishing.pace import pause
from control.publishing.publisher import PublisherStatus
from shared.key import Key
from shared.visitor import Visitor
from shared.wire import worker_name

PACE_S: Final = 1.0
MAX_ANSWERS_PER_S: Final = 200
MAX_ANSWERS_A_KEY: Final = 1_000
"""Of all workers together: a large fleet is asked less often and as fewer visitors, not harder."""

MAX_DOUBTED: Final = 20
LEASE_MS: Final = 15_000
_KEEP_LEASE_S: Final = 5.0
_AT_ONCE: Final = 16
_BREATHS: Final = 20
"""In a round: between one slug and the next others, who save an edit meanwhile, have the loop."""

_log = logging.getLogger(__name__)


class Publishes(Protocol):
    """What the auditor needs to know of publishing."""

    async def fleet(self) -> Fleet:
        """Return the edges and what they run. Raises RedisError."""

    def status(self) -> PublisherStatus:
        """Return how publishing is doing."""


@dataclass(slots=True)
class _Watched:
    """One edge that is asked. `failing_since_s` is when answers ceased to come, for the `reason`; None while they do.

    `is_untold`: it has several workers, and does not say which of them answers.
    """

    line: Line | None
    workers: int
    was_met: bool = False
    failing_since_s: float | None = None
    failed_in_round: int = 0
    reason: str = ""
    is_untold: bool = False


class Auditor:
    """The auditor of one control process; `visitor_of` (address, headers) classifies as edges do."""

    def __init__(
        self,
        db: Database,
        publishes: Publishes,
        visitor_of: Callable[[str, Mapping[str, str]], Visitor],
        *,
        pace_s: float = PACE_S,
        grace_s: float = GRACE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._db = db
        self._publishes = publishes
        self._visitor_of = visitor_of
        self._pace_s = pace_s
        self._grace_s = grace_s
        self._clock = clock
        self._lease = Lease(db, AuditLease, LEASE_MS)
        self._lease_until = 0.0
        self._holds = False
        self._witnesses: tuple[Witness, ...] = ()
        self._watched: dict[str, _Watched] = {}
        self._kept: dict[str, Audited] = {}
        self._doubts = Doubts(grace_s)
        self._turns = Turns()
        self._round = 0
        self.answers: Counter[str] = Counter({"right": 0, "wrong": 0, "none": 0})
        """Answers of workers since this process started; `none` counts edges that gave no answer."""

    async def run(self, stopping: asyncio.Event) -> None:
        """Audit, or wait until who audits ends, until `stopping`."""
        works = True
        while not stopping.is_set():
            answers = 0
            try:
                if await self._may_audit():
                    answers = await self._audit(stopping)
                works = True
            except Exception:  # SQL is away, or a fault of this program: edges are watched again in a moment
                if works:
                    _log.exception("auditing failed; it is tried again until it works")
                works = False
            await self._rest(max(self._pace_s, answers / MAX_ANSWERS_PER_S), stopping)
        await self._end()

    async def _rest(self, seconds: float, stopping: asyncio.Event) -> None:
        """Pause without losing the lease."""
        until = self._clock() + seconds
        while not stopping.is_set() and (left_s := until - self._clock()) > 0:
            await pause(min(left_s, _KEEP_LEASE_S), stopping)
            with contextlib.suppress(SQLAlchemyError, OSError):
                await self._may_audit()

    async def _may_audit(self) -> bool:
        """Keep or take the lease, starting afresh when it was somebody else's."""
        if self._clock() >= self._lease_until:
            held, self._holds = self._holds, await self._lease.take()
            self._lease_until = self._clock() + _KEEP_LEASE_S
            if self._holds and not held:
                self._kept = dict((await findings.report(self._db)).edges)
                self._doubts, self._turns = Doubts(self._grace_s), Turns()
        return self._holds

    async def _end(self) -> None:
        await asyncio.gather(*(watched.line.close() for watched in self._watched.values() if watched.line))
        if self._holds:
            with contextlib.suppress(SQLAlchemyError, OSError):  # it lapses by itself
                await self._lease.release()

    async def _audit(self, stopping: asyncio.Event) -> int:
        """Ask every edge about what is due now, as long as this is ours to do; return how many answers came."""
        if not self._witnesses:
            self._witnesses = await asyncio.to_thread(everyone, self._visitor_of)
        await self._meet()
        answers = 0
        self._round += 1
        for key, is_urgent in (await self._due()).items():
            if stopping.is_set() or not await self._may_audit():
                break
            answers += await self._ask_about(key, is_urgent)
            await pause(self._pace_s / _BREATHS, stopping)
        await self._keep()
        return answers

    async def _meet(self) -> None:
        """Learn which edges there are; one whose leases have lapsed is asked where it was last."""
        try:
            fleet = await self._publishes.fleet()
        except (RedisError, OSError):
            return
        for edge in fleet:
            address, workers = self._whereabouts(edge)
            watched = self._watched.setdefault(edge.host, _Watched(None, workers))
            watched.workers = workers
            if watched.line is None or (watched.line.address, watched.line.workers) != (address, workers):
                if watched.line is not None:
                    await watched.line.close()
                watched.line = Line(address, workers) if address else None
        for host in self._watched.keys() - {edge.host for edge in fleet}:
            if (line := self._watched.pop(host).line) is not None:
                await line.close()
        self._doubts.keep_only(set(self._watched))

    def _whereabouts(self, edge: Edge) -> tuple[str, int]:
        if edge.heard:
            return max(edge.heard, key=lambda lease: lease.started_at).address, max(1, edge.workers)
        before = self._kept.get(edge.host)
        return (before.address, before.workers) if before else ("", 1)

    async def _due(self) -> dict[Key, bool]:
        """Return what to ask about, and whether it is urgent: in doubt or just edited."""
        async with self._db.read() as session:
            edited = await self._turns.edited(session, self._publishes.status().published)
            in_turn = await self._turns.next(session)
        urgent = [*self._doubts.keys[:MAX_DOUBTED], *edited]
        return dict.fromkeys(in_turn, False) | dict.fromkeys(urgent, True)

    async def _ask_about(self, key: Key, is_urgent: bool) -> int:
        async with self._db.read() as session:
            truth = await truth_of(session, key)
        if max(truth.link_sequence, truth.table_sequence) > self._publishes.status().published:
            return 0  # no edge can have it yet, which is publishing's to complain about
        workers = sum(each.workers for each in self._watched.values())
        witnesses = telling(truth.tables, self._witnesses)[: max(1, MAX_ANSWERS_A_KEY // max(1, workers))]
        if not is_urgent:
            witnesses = [witnesses[self._round % len(witnesses)]]
        places = asyncio.Semaphore(_AT_ONCE)

        async def ask(host: str, watched: _Watched) -> int:
            async with places:
                return await self._ask_edge(host, watched, truth, witnesses)

        return sum(await asyncio.gather(*(ask(host, watched) for host, watched in list(self._watched.items()))))

    async def _ask_edge(self, host: str, watched: _Watched, truth: Truth, witnesses: Iterable[Witness]) -> int:
        """Ask one edge as each witness; what is wrong to any of them is wrong."""
        heard: dict[int, tuple[str, Answer]] = {}
        count = 0
        for witness in witnesses:
            if watched.failed_in_round == self._round:
                break  # who does not answer must not hold up the questions to the others
            answers = await self._answers(watched, Question(truth.key, witness))
            for answer in answers:
                says = _said(answer, truth, host, witness.visitor)
                if answer.status != UNAVAILABLE and not heard.get(answer.slot, ("", answer))[0]:
                    heard[answer.slot] = says, answer
            count += len(answers)
        for slot, (says, answer) in heard.items():
            self.answers["wrong" if says else "right"] += 1
            place = Place(host, slot, truth.key)
            if self._doubts.note(place, says, answer, self._clock()):
                told = {"edge": host, "slot": slot, "link": place.link, "says": says}
                _log.error("an edge serves what SQL does not say", extra=told)
        return count

    async def _answers(self, watched: _Watched, question: Question) -> list[Answer]:
        try:
            if watched.line is None:
                raise Unreachable("it does not say where it can be asked")
            answers = await watched.line.ask(question)
        except Unreachable as exc:
            self.answers["none"] += 1
            watched.failed_in_round = self._round
            if watched.failing_since_s is None:
                watched.failing_since_s = self._clock()
            watched.reason = str(exc)
            return []
        watched.was_met, watched.failing_since_s = True, None
        watched.is_untold = watched.workers > 1 and any(answer.slot < 0 for answer in answers)
        return answers

    async def _keep(self) -> None:
        """Write down what is found, where that has changed."""
        found = {host: now for host, watched in self._watched.items() if (now := self._found(host, watched))}
        for host, now in found.items():
            before = self._kept.get(host)
            if before is not None and before.state == now.state:
                found[host] = replace(now, since=before.since)
            elif now.state is not State.AGREES or before is not None:
                level = logging.INFO if now.state is State.AGREES else logging.WARNING
                _log.log(level, "an edge %s", now.state.value, extra={"edge": host, "reason": now.reason})
        if found != self._kept:
            await findings.keep(self._db, list(found.values()))
            self._kept = found

    def _found(self, host: str, watched: _Watched) -> Audited | None:
        """Return what is known of one edge, None as long as it may only be about to answer."""
        before = self._kept.get(host)
        differences = self._differences(host, before)
        state = self._state(watched, differences)
        if state is None:
            return before
        address = watched.line.address if watched.line else before.address if before else ""
        return Audited(host, address, watched.workers, *state, now_ms(), differences)

    def _differences(self, host: str, before: Audited | None) -> tuple[Difference, ...]:
        known = {(each.slot, each.link): each.since for each in before.differences} if before else {}
        found = ((place, doubt) for place, doubt in sorted(self._doubts.found.items()) if place.edge == host)
        return tuple(
            Difference(place.slot, place.link, doubt.says, known.get((place.slot, place.link), now_ms()))
            for place, doubt in found
        )

    def _state(self, watched: _Watched, differences: Sequence[Difference]) -> tuple[State, str] | None:
        failing_s = 0.0 if watched.failing_since_s is None else self._clock() - watched.failing_since_s
        if differences:
            return State.DIFFERS, differences[0].says
        if failing_s >= self._grace_s:
            return State.UNREACHABLE, watched.reason
        if not watched.was_met:
            return None
        if watched.is_untold:
            return State.UNTOLD, "it does not trust control's address, and so does not say which worker answers"
        return State.AGREES, ""


def _said(answer: Answer, truth: Truth, host: str, visitor: Visitor) -> str:
    """Return in what an answer differs from what its worker is to serve, "" where it does not."""
    worker = None if answer.slot < 0 else worker_name(host, answer.slot)
    return min(difference(answer, its, visitor, now_ms()) for its in truth.seen_from(worker))


@asynccontextmanager
async def auditing(auditor: Auditor) -> AsyncIterator[None]:
    """Audit while the block runs."""
    stopping = asyncio.Event()
    task = asyncio.create_task(auditor.run(stopping))
    try:
        yield
    finally:
        stopping.set()
        await task
