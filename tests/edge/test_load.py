"""What a worker says of its load: rate, the wait of the slowest hundredth, memory."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.clicks.counters import Counters
from edge.clicks.waits import Waits
from edge.feed.leases import Load
from edge.process.load import WINDOW_S, LoadGauge


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("us", [0, 1, 3, 4, 7, 60, 641, 5_000, 2_000_000, 10**12])
def test_a_wait_is_told_at_most_a_quarter_too_high(us: int) -> None:
    waits = Waits()
    waits.note(us * 1_000, 1)

    told = waits.take_p99_us()

    assert min(us, 2**30 - 4) <= told <= us * 1.25 + 4 or us > 2**30


@given(st.lists(st.tuples(st.integers(0, 10_000_000), st.integers(1, 50)), min_size=1, max_size=60))
def test_99_of_100_waited_no_longer_than_is_told(noted: list[tuple[int, int]]) -> None:
    waits = Waits()
    for wait_ns, clicks in noted:
        waits.note(wait_ns, clicks)

    told = waits.take_p99_us()

    longer = sum(clicks for wait_ns, clicks in noted if wait_ns > told * 1_000)
    assert longer <= 0.01 * sum(clicks for _, clicks in noted)


def test_what_was_told_is_not_told_again() -> None:
    waits = Waits()
    waits.note(9_000_000, 1)
    assert waits.take_p99_us() > 0

    assert waits.take_p99_us() == 0


def test_a_rate_is_of_the_time_since_it_was_told_last() -> None:
    clock, counters = Clock(), Counters()
    counters.clicks[0] = 1_000
    gauge = LoadGauge(counters, clock)
    assert gauge() == Load()

    counters.clicks[0] += 400
    counters.clicks[2] += 100
    clock.now += 5.0
    assert gauge().per_second == 100

    clock.now += 5.0
    assert gauge().per_second == 0


def test_leases_in_quick_succession_tell_the_same() -> None:
    clock, counters = Clock(), Counters()
    gauge = LoadGauge(counters, clock)
    counters.clicks[0] = 10
    counters.waits.note(500_000, 10)
    clock.now += WINDOW_S
    told = gauge()

    counters.clicks[0] += 1_000
    clock.now += WINDOW_S / 2

    assert gauge() == told
    assert told.p99_us >= 500


def test_memory_is_what_the_process_uses() -> None:
    clock = Clock()
    gauge = LoadGauge(Counters(), clock)
    clock.now += WINDOW_S

    assert gauge().memory_bytes > 1_000_000
