"""What visitors see of edits, and what of it is wrong."""

import pytest

from loadtests.sightings import Sightings, destination, edit_of


def test_an_edit_is_live_once_the_last_worker_answers_with_it() -> None:
    seen = Sightings(2)
    seen.note(0, 0, 1.0)
    assert seen.live_at(0) is None

    seen.note(1, 0, 2.0)
    seen.note(0, 0, 3.0)

    assert seen.live_at(0) == 2.0
    assert seen.live_at(1) is None


def test_an_edit_that_a_worker_went_past_is_live_with_the_later_one() -> None:
    seen = Sightings(2)
    seen.note(0, 0, 1.0)
    seen.note(1, 2, 2.0)
    seen.note(0, 1, 3.0)
    seen.note(0, 2, 4.0)

    assert [seen.live_at(edit) for edit in range(3)] == [2.0, 3.0, 4.0]
    assert not seen.wrong


@pytest.mark.parametrize("edit", [3, None], ids=["an edit before", "no edit"])
def test_a_worker_that_goes_back_or_elsewhere_is_wrong_and_makes_nothing_live(edit: int | None) -> None:
    seen = Sightings(1)
    seen.note(0, 4, 1.0)
    seen.note(0, edit, 2.0)

    assert seen.wrong == [f"worker 0 answered with edit {edit} after 4"]
    assert seen.live_at(5) is None


def test_workers_do_not_take_turns_in_going_back() -> None:
    seen = Sightings(2)
    seen.note(0, 4, 1.0)
    seen.note(1, 3, 2.0)

    assert not seen.wrong


@pytest.mark.parametrize(
    ("location", "edit"),
    [
        (destination(12).encode() + b"?click_id=abc", 12),
        (destination(12).encode(), None),
        (b"https://yourbrand.com/edit-1x/?click_id=abc", None),
        (b"https://yourbrand.com/?click_id=abc", None),
        (b"", None),
    ],
)
def test_a_location_tells_its_edit(location: bytes, edit: int | None) -> None:
    assert edit_of(location) == edit
