"""Click ids are unique without asking anyone, sorted by time, and short."""

import itertools
from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from edge.clicks.click_id import ALPHABET, LENGTH, ClickIds, base32

times = st.lists(st.integers(0, 1 << 44), min_size=1, max_size=50)


def take(ids: ClickIds) -> bytes:
    """The next id, as the click path takes it."""
    try:
        return ids.next()
    except StopIteration:
        return ids.renew()


def drawn(*draws: int) -> Callable[[int], int]:
    """Boot bits that are known."""
    following = iter(draws)
    return lambda bits: next(following)


def test_an_id_has_26_characters_of_an_alphabet_that_sorts_as_it_counts() -> None:
    click_id = take(ClickIds())

    assert len(click_id) == LENGTH == 26
    assert set(click_id.decode()) <= set(ALPHABET)
    assert sorted(ALPHABET) == list(ALPHABET)
    assert [base32(number, 2) for number in range(1024)] == sorted(base32(number, 2) for number in range(1024))


@given(times)
def test_ids_rise_whatever_the_clock_does(clock: list[int]) -> None:
    ids = ClickIds()
    made = []
    for time_ms in clock:
        ids.at(time_ms)
        made += [take(ids) for _ in range(3)]

    assert made == sorted(set(made))


@given(times, times)
def test_workers_never_make_the_same_id(one: list[int], other: list[int]) -> None:
    made: list[bytes] = []
    for clock in (one, other):
        ids = ClickIds()
        for time_ms in clock:
            ids.at(time_ms)
            made.append(take(ids))

    assert len(set(made)) == len(made)


def test_the_count_goes_on_where_the_quick_part_ends() -> None:
    ids = ClickIds(drawn(7))
    made = [take(ids) for _ in range(5000)]

    assert made == sorted(set(made))
    assert made[-1].endswith(base32(4999, 7))


def test_the_count_goes_on_when_the_time_does() -> None:
    ids = ClickIds(drawn(7))
    for number in itertools.islice(itertools.count(), 3000):
        ids.at(number * 3)
        assert take(ids) == base32(number * 3, 9) + base32(7, 10) + base32(number, 7)


def test_new_boot_bits_are_drawn_when_the_count_overflows() -> None:
    ids = ClickIds(drawn(1, 2))
    last_of_boot = 32**7 - 1
    ids._thousands = last_of_boot >> 10
    ids._low = base32(1, 10) + base32(ids._thousands, 5)
    ids._rearm()
    made = [take(ids) for _ in range(1025)]

    assert made[1023].endswith(base32(1, 10) + base32(last_of_boot, 7))
    assert made[1024].endswith(base32(2, 10) + base32(0, 7))


def test_every_worker_draws_its_own_boot_bits() -> None:
    boots = {take(ClickIds())[9:19] for _ in range(200)}

    assert len(boots) == 200
