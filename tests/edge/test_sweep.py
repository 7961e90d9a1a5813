"""One sweep for the deadlines of all connections: all are asked, a few at a time, and nothing runs for nobody."""

import asyncio
from collections.abc import Callable

from edge.http.sweep import Sweep

ROUND_S = 0.5


class Clock:
    """A loop's clock and its timers, moved on by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.timers: list[tuple[float, Callable[..., None], tuple[object, ...]]] = []

    def time(self) -> float:
        return self.now_s

    def call_later(self, delay_s: float, callback: Callable[..., None], *arguments: object) -> object:
        self.timers.append((self.now_s + delay_s, callback, arguments))
        return self.timers[-1]

    def run_for(self, seconds: float) -> None:
        """Run every timer that is due in so many seconds."""
        end_s = self.now_s + seconds
        while due := sorted((timer for timer in self.timers if timer[0] <= end_s + 1e-9), key=lambda timer: timer[0]):
            self.timers.remove(due[0])
            self.now_s, callback, arguments = due[0]
            callback(*arguments)
        self.now_s = end_s


class Member:
    """Notes when it was asked."""

    def __init__(self) -> None:
        self.asked: list[float] = []

    def expire(self, now_s: float) -> None:
        self.asked.append(now_s)


def swept(members: int) -> tuple[Sweep, Clock, list[Member], asyncio.AbstractEventLoop]:
    """A sweep over so many members."""
    clock, sweep = Clock(), Sweep()
    loop: asyncio.AbstractEventLoop = clock  # type: ignore[assignment]  # all of a loop that a sweep uses
    all_members = [Member() for _ in range(members)]
    for member in all_members:
        sweep.add(member, loop)
    return sweep, clock, all_members, loop


def test_every_member_is_asked_twice_a_second_and_few_of_them_at_a_time() -> None:
    _, clock, members, _ = swept(10_000)
    clock.run_for(4 * ROUND_S)

    assert {len(member.asked) for member in members} == {4}
    moments = [moment for member in members for moment in member.asked]
    assert max(moments.count(moment) for moment in set(moments)) <= 500


def test_who_has_left_is_not_asked_even_in_a_round_that_has_begun() -> None:
    sweep, clock, members, _ = swept(100)
    clock.run_for(ROUND_S / 10)
    asked = [len(member.asked) for member in members]
    for member in members[:50]:
        sweep.discard(member)
    clock.run_for(2 * ROUND_S)

    assert [len(member.asked) for member in members[:50]] == asked[:50]
    assert all(member.asked for member in members[50:])


def test_who_comes_during_a_round_is_asked_in_the_next() -> None:
    sweep, clock, _, loop = swept(100)
    clock.run_for(ROUND_S / 2)
    late = Member()
    sweep.add(late, loop)
    clock.run_for(1.5 * ROUND_S)

    assert late.asked


def test_nothing_runs_where_nobody_is_left() -> None:
    sweep, clock, members, loop = swept(3)
    for member in members:
        sweep.discard(member)
    clock.run_for(ROUND_S)
    assert clock.timers == []

    sweep.add(members[0], loop)
    clock.run_for(ROUND_S)
    assert members[0].asked
