"""Waiting for a condition that others bring about, without keeping them from it."""

import time
from collections.abc import Callable
from typing import Final

_SHORTEST_S: Final = 0.02
_LONGEST_S: Final = 0.1

_PAUSES_A_LOOK: Final = 4
"""Looking takes at most a fifth of the time: most looks are requests, answered by the processor that is waited for."""


def wait(condition: Callable[[], object], hang_s: float, explain: Callable[[], str]) -> None:
    """Return when `condition` holds; fail with what `explain` says when it does not within `hang_s`."""
    deadline = time.monotonic() + hang_s
    while True:
        began = time.monotonic()
        if condition():
            return
        now = time.monotonic()
        assert now < deadline, explain()
        time.sleep(min(max(_SHORTEST_S, _PAUSES_A_LOOK * (now - began)), _LONGEST_S))
