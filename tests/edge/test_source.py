"""The replica is read while it does its work, the primary while it does not, and nobody goes to and fro."""

from edge.feed.source import FAILS_S, WELL_S, Source


class Day:
    """A source that is told every second how its two servers are."""

    def __init__(self) -> None:
        self.source = Source()
        self.now_s = 0.0

    def seconds(self, count: float, *, replica: bool = True, primary: bool = True) -> bool:
        """Let seconds pass in which the two are so; return whether the replica is read then."""
        for _ in range(int(count)):
            self.now_s += 1.0
            self.source.choose(replica_well=replica, primary_well=primary, now_s=self.now_s)
        return self.source.is_replica


def test_a_replica_that_fails_for_seconds_is_left_and_one_that_stumbles_is_not() -> None:
    day = Day()
    assert day.seconds(FAILS_S, replica=False)
    assert day.seconds(1)

    assert not day.seconds(FAILS_S + 1, replica=False)


def test_it_is_gone_back_to_once_it_has_been_well_for_long() -> None:
    day = Day()
    day.seconds(FAILS_S + 1, replica=False)
    assert not day.seconds(WELL_S)
    assert not day.seconds(1, replica=False)
    assert not day.seconds(WELL_S)

    assert day.seconds(1)


def test_without_the_primary_a_replica_that_fails_is_better_than_nothing() -> None:
    day = Day()
    assert day.seconds(60, replica=False, primary=False)

    assert not day.seconds(1, replica=False)


def test_a_primary_that_fails_is_left_at_once_for_a_replica_that_is_well() -> None:
    day = Day()
    day.seconds(FAILS_S + 1, replica=False)
    assert not day.seconds(5, replica=False, primary=False)

    assert day.seconds(1, primary=False)
