"""A slot's worker is started, replaced and given up as its heartbeats and deaths say; all in virtual time."""

import pytest

from edge.process.heartbeat import SERVING, STARTING, STOPPING
from edge.process.watch import MAX_FAILED_STARTS, Action, Seat, Slot


def suspended(_pid: int) -> bool:
    return True


def running(_pid: int) -> bool:
    return False


def serving_slot(now: float = 0.0) -> Slot:
    slot = Slot(0, now)
    slot.spawned(100, now)
    slot.heard(SERVING, now)
    return slot


def test_an_empty_slot_is_filled_at_once() -> None:
    assert Slot(0, 5.0).due(5.0, running) is Action.SPAWN


def test_a_worker_that_beats_is_left_alone() -> None:
    slot = serving_slot()

    for tenth in range(1, 100):
        slot.heard(SERVING, tenth / 10)
        assert slot.due(tenth / 10, suspended) is None


def test_a_suspended_worker_is_killed_after_a_second_of_silence() -> None:
    slot = serving_slot()

    assert slot.due(0.9, suspended) is None
    assert slot.due(1.0, suspended) is Action.KILL


def test_a_busy_worker_is_given_five_seconds() -> None:
    slot = serving_slot()

    assert slot.due(4.9, running) is None
    assert slot.due(5.0, running) is Action.KILL


def test_a_starting_worker_is_given_half_a_minute_unless_suspended() -> None:
    slot = Slot(0, 0.0)
    slot.spawned(100, 0.0)
    slot.heard(STARTING, 0.1)

    assert slot.due(29.0, running) is None
    assert slot.due(31.0, running) is Action.KILL


def test_a_worker_is_killed_once() -> None:
    slot = serving_slot()
    slot.due(1.0, suspended)

    assert slot.due(1.1, suspended) is None


def test_a_frozen_worker_is_replaced_at_once_and_counted_as_frozen() -> None:
    slot = serving_slot()
    slot.due(1.0, suspended)
    slot.exited(1.1)

    assert slot.due(1.1, running) is Action.SPAWN
    assert (slot.freezes, slot.crashes) == (1, 0)


def test_silence_while_the_supervisor_was_away_is_forgiven() -> None:
    slot = serving_slot()
    slot.forgive(60.0)

    assert slot.due(60.5, suspended) is None


def test_a_worker_that_served_is_replaced_at_once_the_first_time() -> None:
    slot = serving_slot()
    slot.exited(1.0)

    assert slot.due(1.0, running) is Action.SPAWN
    assert (slot.freezes, slot.crashes) == (0, 1)


def test_a_worker_is_told_how_many_died_in_its_place_before() -> None:
    slot = serving_slot()
    seats = [slot.seat]
    slot.exited(1.0)
    slot.spawned(2, 1.0)
    slot.heard(SERVING, 1.0)
    slot.due(10.0, suspended)
    slot.exited(10.1)

    assert [*seats, slot.seat] == [Seat(slot.number, 0), Seat(slot.number, 2)]


def test_pauses_grow_to_a_second_while_workers_die_young() -> None:
    slot, now, pauses = Slot(0, 0.0), 0.0, []
    for _ in range(10):
        slot.spawned(100, now)
        slot.heard(SERVING, now)
        slot.exited(now)
        died_at = now
        while slot.due(now, running) is not Action.SPAWN:
            now += 0.025
        pauses.append(round(now - died_at, 1))

    assert pauses[:4] == [0.0, 0.1, 0.2, 0.4]
    assert pauses[-1] == 1.0


def test_a_long_life_ends_the_pauses() -> None:
    slot = serving_slot()
    for now in (0.0, 1.0, 2.0):
        slot.exited(now)
        slot.spawned(100, now)
        slot.heard(SERVING, now)
    slot.exited(60.0)

    assert slot.due(60.0, running) is Action.SPAWN


def test_a_worker_that_never_comes_to_serve_is_given_up() -> None:
    slot = Slot(0, 0.0)
    for start in range(MAX_FAILED_STARTS):
        slot.spawned(100, start)
        slot.exited(start)

    assert slot.due(1000.0, running) is Action.GIVE_UP


def test_a_worker_that_serves_and_dies_is_never_given_up() -> None:
    slot = Slot(0, 0.0)
    for start in range(3 * MAX_FAILED_STARTS):
        slot.spawned(100, start)
        slot.heard(SERVING, start)
        slot.exited(start)

    assert slot.due(1000.0, running) is Action.SPAWN


def test_a_fork_that_fails_counts_as_a_failed_start() -> None:
    slot = Slot(0, 0.0)
    for start in range(MAX_FAILED_STARTS):
        slot.failed_to_start(start)

    assert slot.due(1000.0, running) is Action.GIVE_UP


@pytest.mark.parametrize("phase", [SERVING, STOPPING])
def test_a_worker_frozen_while_it_stops_is_killed_too(phase: str) -> None:
    slot = serving_slot()
    slot.heard(phase, 0.0)

    assert slot.due(1.0, suspended) is Action.KILL
