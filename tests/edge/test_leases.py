"""When a worker says what it serves: a first ack at once, those of a stream of edits together; in virtual time."""

import asyncio
import itertools
from typing import cast

import pytest

from edge.feed.leases import COALESCE_S, MAX_COALESCE_S, REFRESH_S, Leases
from edge.feed.rules_redis import RulesRedis
from shared.wire import Head, Lease
from tests.edge import virtual_time


class Redis:
    """Notes when leases were written."""

    def __init__(self) -> None:
        self.written_at: list[float] = []

    async def write_lease(self, name: str, lease: bytes) -> Head | None:
        self.written_at.append(round(asyncio.get_running_loop().time(), 3))
        return None


def written(due_at: list[float], until_s: float) -> list[float]:
    """Return when leases are written of a worker that has acks due at these times."""
    redis = Redis()
    lease = Lease(host="edge-1", slot=0, workers=1, boot="b", schema=1, epoch=1, acked=1, state="synced", started_at=0)
    leases = Leases(cast(RulesRedis, redis), lambda: lease)

    async def main() -> None:
        running = asyncio.create_task(leases.run())
        for at in due_at:
            await asyncio.sleep(at - asyncio.get_running_loop().time())
            leases.due()
        await asyncio.sleep(until_s - asyncio.get_running_loop().time())
        leases.stop()
        await running

    virtual_time.run(main())
    return redis.written_at


def test_the_first_ack_is_written_at_once_and_so_is_one_after_a_while() -> None:
    assert written([1.0, 1.5], until_s=2.0) == [1.0, 1.5]


def test_an_ack_just_after_another_waits_a_moment() -> None:
    assert written([1.0, 1.01, 1.02], until_s=2.0) == [1.0, 1.0 + COALESCE_S]


def test_a_stream_of_edits_is_acked_at_ever_longer_intervals_and_to_the_last() -> None:
    edits = [1.0 + number * 0.02 for number in range(100)]
    found = written(edits, until_s=10.0)

    assert found[:4] == pytest.approx([1.0, 1.05, 1.15, 1.35])
    assert found[-1] >= edits[-1]
    gaps = [later - earlier for earlier, later in itertools.pairwise(found[3:])]
    assert max(gap for gap in gaps if gap < REFRESH_S - 1) <= MAX_COALESCE_S + 0.001


def test_after_a_stream_a_single_ack_is_quick_again() -> None:
    edits = [1.0 + number * 0.02 for number in range(50)]

    assert written([*edits, 3.0, 3.01], until_s=4.0)[-2:] == [3.0, 3.0 + COALESCE_S]


def test_a_lease_is_refreshed_though_nothing_happens() -> None:
    found = written([], until_s=10.0)

    gaps = [later - earlier for earlier, later in itertools.pairwise(found)]
    assert gaps == pytest.approx([REFRESH_S + COALESCE_S] * 2)
