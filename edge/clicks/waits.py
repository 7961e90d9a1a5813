"""How long clicks wait inside a worker, from the first that a turn of the loop reads until its answers are written.

Noted once a turn, for all of its clicks: what it costs is shared by them.
"""

from itertools import accumulate
from typing import Final

_FRACTION: Final = 0.99
_STEPS: Final = 4
"""Steps in a doubling: a figure read from here is at most a quarter too high."""
_PLACES: Final = 32 * _STEPS
_LONGEST_US: Final = 2**30


class Waits:
    """Counts of clicks by microseconds waited, in steps that widen with the time."""

    __slots__ = ("_counts",)

    def __init__(self) -> None:
        self._counts = [0] * _PLACES

    def note(self, wait_ns: int, clicks: int) -> None:
        """Count `clicks` that waited this long, or less."""
        us = min(wait_ns // 1_000 + _STEPS, _LONGEST_US)
        octave = us.bit_length()
        self._counts[octave * _STEPS + (us >> (octave - 3) & 3)] += clicks

    def take_p99_us(self) -> int:
        """Return within how many microseconds 99 of 100 clicks since the last call were answered, 0 without any."""
        counts, self._counts = self._counts, [0] * _PLACES
        left = _FRACTION * sum(counts)
        if not left:
            return 0
        place = next(place for place, passed in enumerate(accumulate(counts)) if passed >= left)
        octave, step = divmod(place, _STEPS)
        return ((_STEPS + step + 1) << (octave - 3)) - _STEPS
