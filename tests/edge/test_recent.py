"""What is remembered, what is forgotten, and what is not worth remembering."""

from edge.clicks.recent import Recent, SecondSight


def test_what_is_asked_for_stays_and_what_is_not_goes() -> None:
    recent: Recent[int, str] = Recent(10)
    for number in range(100):
        recent.put(number, str(number))
        assert recent.find(0) == "0"

    assert recent.find(50) is None
    assert len(recent) <= 2 * 10


def test_the_first_sight_is_not_the_second() -> None:
    sight = SecondSight()

    assert [sight.has(key) for key in ("a", "b", "a", "b", "c")] == [False, False, True, True, False]


def test_what_came_long_ago_is_new_again_and_few_are_mistaken() -> None:
    sight = SecondSight()
    known = sum(sight.has(("visitor", number)) for number in range(200_000))

    assert known < 2_000
    assert sum(sight.has(("visitor", number)) for number in range(10_000)) < 2_000


def test_those_who_come_in_turn_are_all_known_in_the_end() -> None:
    sight = SecondSight()
    rounds = [sum(sight.has(f"visitor {number}") for number in range(5_000)) for _ in range(3)]

    assert rounds[0] < 100
    assert rounds[2] > 4_950
