"""The ramp's steps."""

import pytest

from loadtests.scenarios.stairs import users_at


@pytest.mark.parametrize(
    ("elapsed_s", "users"), [(0, 50), (59.9, 50), (60, 100), (539, 450), (599, 500), (600, None), (700, None)]
)
def test_ten_steps_in_ten_minutes(elapsed_s: float, users: int | None) -> None:
    assert users_at(elapsed_s, 500, 10, 600) == users


def test_there_is_always_somebody() -> None:
    assert [users_at(second, 2, 10, 10) for second in range(10)] == [1, 1, 1, 1, 1, 1, 1, 2, 2, 2]
