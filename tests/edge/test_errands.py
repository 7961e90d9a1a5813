"""When misses are asked for, and which of them together; in virtual time."""

import asyncio
from collections.abc import Sequence
from typing import cast

import pytest

from edge.feed.errands import BATCH, CROWD_REST_S, FETCHERS, REST_S, Errands
from edge.feed.rules_redis import RulesRedis
from edge.rules.cache import Cache
from edge.rules.effects import Fetch
from edge.rules.replies import Miss
from edge.rules.sync import Sync
from shared.key import Key
from shared.wire import Head
from tests.edge import virtual_time

Call = tuple[float, int]


class Redis:
    """Knows no link, and notes when it is asked and about how many."""

    def __init__(self, answered_after_s: float) -> None:
        self.calls: list[Call] = []
        self._answered_after_s = answered_after_s

    async def misses(self, keys: Sequence[Key]) -> list[Miss]:
        self.calls.append((round(asyncio.get_running_loop().time(), 4), len(keys)))
        await asyncio.sleep(self._answered_after_s)
        return [Miss(None, None, None) for _ in keys]

    async def head(self) -> Head | None:
        return None


def calls(wanted_at: Sequence[float], answered_after_s: float = 0.0005) -> list[Call]:
    """Return when Redis is asked, and about how many, of links that are wanted at these times."""
    redis = Redis(answered_after_s)

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        errands = Errands(cast(RulesRedis, redis), Sync(Cache()), lambda _effects: None, clock)
        running = [asyncio.create_task(run) for run in errands.runs()]
        for number, at in enumerate(wanted_at):
            await asyncio.sleep(at - clock())
            errands.send(Fetch(Key("_", f"link-{number}")))
        await asyncio.sleep(1.0)
        errands.stop()
        await asyncio.gather(*running)

    virtual_time.run(main())
    return redis.calls


def test_a_miss_by_itself_is_asked_for_at_once() -> None:
    assert calls([0.1, 0.2, 0.2 + REST_S]) == [(0.1, 1), (0.2, 1), (0.2 + REST_S, 1)]


def test_misses_that_come_within_a_rest_are_asked_for_together() -> None:
    assert calls([0.1, 0.1002, 0.1006, 0.1011]) == [(0.1, 1), (0.1 + REST_S, 3)]


def test_after_a_call_about_several_the_next_waits_longer() -> None:
    several = round(0.1 + REST_S, 4)

    assert calls([0.1, 0.1002, 0.1006, 0.1018]) == [(0.1, 1), (several, 2), (round(several + CROWD_REST_S, 4), 1)]


@pytest.mark.parametrize("flood", [1, 5, 20])
def test_a_flood_is_a_call_a_rest_however_many_it_is(flood: int) -> None:
    made = calls([0.1 + number / (1_000 * flood) for number in range(30 * flood)])

    assert sum(count for _, count in made) == 30 * flood
    assert len(made) <= 12  # of 30 ms


def test_no_call_is_of_more_than_a_batch() -> None:
    counts = [count for _, count in calls([0.1] * 200)]

    assert (sum(counts), max(counts)) == (200, BATCH)


def test_calls_that_are_not_answered_do_not_hold_up_as_many_others() -> None:
    wanted_at = [0.1 * number for number in range(1, FETCHERS + 1)]

    assert calls(wanted_at, answered_after_s=1.0) == [(round(at, 4), 1) for at in wanted_at]
