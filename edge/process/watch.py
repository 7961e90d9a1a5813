"""When a worker is started, killed and given up: one slot's state, no clock, no process.

A worker counts as frozen when it is stopped (SIGSTOP, a debugger) and silent for a second, or silent for five whatever
it does: one that merely gets no processor would be no better off dead. A worker that dies while it starts is tried
again after a growing pause, five times; one that has served is restarted for ever.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, NamedTuple

from edge.process.heartbeat import SERVING, STARTING

STOPPED_LIMIT_S: Final = 1.0
SILENT_LIMIT_S: Final = 5.0
START_LIMIT_S: Final = 30.0
"""Silence allowed while starting: a large snapshot is read before the first beat as a serving worker."""

FIRST_PAUSE_S: Final = 0.1
LONGEST_PAUSE_S: Final = 1.0
"""Visitors wait in the slot's queue meanwhile, so that it is short; a start costs a third of a second of one core."""

STEADY_S: Final = 10.0
"""A worker that served this long has shown that it can: its next death starts the pauses anew."""

MAX_FAILED_STARTS: Final = 5


class Action(Enum):
    """What is to be done about a slot now."""

    SPAWN = "spawn"
    KILL = "kill"
    GIVE_UP = "give up"


class Seat(NamedTuple):
    """What a worker is told of its place: which of the edge's it is, and how many processes died in it before."""

    slot: int
    replaced: int


class Slot:
    """One worker's place: it outlives the processes that fill it. Times are monotonic seconds."""

    def __init__(self, number: int, now: float) -> None:
        self.number = number
        self.pid: int | None = None
        self.phase = ""
        self.crashes = 0
        self.freezes = 0
        self._failed_starts = 0
        self._pause_s = 0.0
        self._spawn_at = now
        self._spawned_at = now
        self._heard_at = now
        self._killed = False

    @property
    def seat(self) -> Seat:
        """What the next worker is told."""
        return Seat(self.number, self.crashes + self.freezes)

    def spawned(self, pid: int, now: float) -> None:
        """Note that a process has been started."""
        self.pid, self.phase, self._killed = pid, STARTING, False
        self._spawned_at = self._heard_at = now

    def failed_to_start(self, now: float) -> None:
        """Note that no process could be had at all."""
        self.phase = STARTING
        self.exited(now)

    def heard(self, phase: str, now: float) -> None:
        """Note a heartbeat."""
        self.phase, self._heard_at = phase, now
        if phase == SERVING:
            self._failed_starts = 0

    def forgive(self, now: float) -> None:
        """Start the silence anew: the supervisor itself was away and may have missed what was said."""
        self._heard_at = now

    def exited(self, now: float) -> None:
        """Note that the process is gone, and when to start the next: at once after a long life or a freeze."""
        if self._killed:
            self.freezes += 1
        else:
            self.crashes += 1
        if self.phase == STARTING:
            self._failed_starts += 1
        steady = self._killed or now - self._spawned_at >= STEADY_S
        self._spawn_at = now + (0.0 if steady else self._pause_s)
        self._pause_s = 0.0 if steady else min(max(FIRST_PAUSE_S, 2 * self._pause_s), LONGEST_PAUSE_S)
        self.pid, self.phase = None, ""

    def due(self, now: float, is_stopped: Callable[[int], bool]) -> Action | None:
        """Return what is to be done. `is_stopped` tells whether a process is suspended; it is asked only in silence."""
        if self.pid is None:
            if self._failed_starts >= MAX_FAILED_STARTS:
                return Action.GIVE_UP
            return Action.SPAWN if now >= self._spawn_at else None
        if self._killed or not self._is_frozen(self.pid, now - self._heard_at, is_stopped):
            return None
        self._killed = True
        return Action.KILL

    def _is_frozen(self, pid: int, silent_s: float, is_stopped: Callable[[int], bool]) -> bool:
        if silent_s >= (START_LIMIT_S if self.phase == STARTING else SILENT_LIMIT_S):
            return True
        return silent_s >= STOPPED_LIMIT_S and is_stopped(pid)
