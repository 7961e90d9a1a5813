"""A staircase of users: in equal steps up to the most, all of them equally long."""


def users_at(elapsed_s: float, most: int, steps: int, run_time_s: float) -> int | None:
    """Return how many users there should be now, None once the time is over."""
    if elapsed_s >= run_time_s:
        return None
    step = int(elapsed_s * steps / run_time_s) + 1
    return max(1, round(most * step / steps))
