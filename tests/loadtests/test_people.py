"""What the load takes for a right answer."""

import pytest

from loadtests.scenarios.people import BOTS, PEOPLE, WRONG, Kind, one_of, problem

KIND = Kind("US, mobile", ("8.8.8.8",), ({"User-Agent": "x"},), "https://apps.apple.com/us/app/your-app", 1)
QUERY = "utm_campaign=c7"
ID = "click_id=" + "1" * 26
RIGHT = f"{KIND.destination}?{QUERY}&{ID}"


def test_the_right_answer_has_no_problem() -> None:
    assert problem(302, RIGHT, KIND, QUERY) is None


@pytest.mark.parametrize("status", [0, 200, 301, 307, 404, 410, 500, 503])
def test_another_status_is_an_error_but_not_a_wrong_destination(status: int) -> None:
    told = problem(status, RIGHT, KIND, QUERY)

    assert told is not None
    assert not told.startswith(WRONG)


@pytest.mark.parametrize(
    "location",
    [
        "",
        f"https://yourbrand.com/landing?{QUERY}&{ID}",
        f"{KIND.destination}/?{QUERY}&{ID}",
        f"{KIND.destination}?utm_campaign=c8&{ID}",
        f"{KIND.destination}?{ID}",
        f"{KIND.destination}?{QUERY}",
        f"{KIND.destination}?{QUERY}&click_id=",
        f"{KIND.destination}?{QUERY}&{ID}&more=1",
    ],
    ids=[
        "nowhere",
        "another rule's",
        "another path",
        "another's query",
        "no query",
        "no click id",
        "empty id",
        "more",
    ],
)
def test_a_location_that_is_not_the_visitors_is_a_wrong_destination(location: str) -> None:
    told = problem(302, location, KIND, QUERY)

    assert told is not None
    assert told.startswith(f"{WRONG}US, mobile")


@pytest.mark.parametrize("kinds", [PEOPLE, BOTS], ids=["people", "bots"])
def test_shares_are_of_a_hundred_and_everybody_says_who_he_is(kinds: tuple[Kind, ...]) -> None:
    assert sum(kind.share for kind in kinds) == 100
    for _ in range(50):
        headers = one_of(kinds).headers()
        assert headers["X-Forwarded-For"]
        assert headers["User-Agent"]
