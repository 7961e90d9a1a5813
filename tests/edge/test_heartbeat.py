"""Reports cross the line whole, the newest counts, and neither end can block the other."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from edge.process.heartbeat import SERVING, Ear, Heart, Report

Pair = tuple[Heart, Ear]


def report(number: float = 1.0, padding: int = 0) -> Report:
    return Report(SERVING, {"state": "synced", "age_s": 0.0}, {}, {"problem": "x" * padding}, {"clicks": {"": number}})


@pytest.fixture
def line() -> Iterator[Pair]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Heart(theirs, lambda _lag: report()), Ear(ours)


def test_a_report_arrives_as_it_was_sent(line: Pair) -> None:
    heart, ear = line
    heart.send(report(7.0))

    assert ear.listen() == report(7.0)


def test_the_newest_of_several_reports_counts(line: Pair) -> None:
    heart, ear = line
    for number in (1.0, 2.0, 3.0):
        heart.send(report(number))

    assert ear.listen() == report(3.0)


def test_nothing_said_is_nothing_heard(line: Pair) -> None:
    _, ear = line

    assert ear.listen() is None
    assert ear.is_open


def test_a_report_cut_off_by_death_is_not_heard() -> None:
    ours, theirs = socket.socketpair()
    ear = Ear(ours)
    theirs.send(b'{"phase":"serv')
    theirs.close()

    assert [ear.listen(), ear.listen()] == [None, None]
    assert not ear.is_open
    ours.close()


def test_a_supervisor_that_does_not_listen_holds_up_nobody(line: Pair) -> None:
    heart, ear = line
    for number in range(1000):
        assert heart.send(report(float(number), padding=5000))

    heard = [ear.listen()]
    while heard[-1]:
        heard.append(ear.listen())

    assert heard[0] is not None  # whole lines only, however the socket's buffer cut them
    assert heart.send(report(9.0))


def test_a_heart_stops_when_the_supervisor_is_gone() -> None:
    ours, theirs = socket.socketpair()
    ours.close()

    asyncio.run(asyncio.wait_for(Heart(theirs, lambda _lag: report()).beat(), timeout=30))

    theirs.close()
