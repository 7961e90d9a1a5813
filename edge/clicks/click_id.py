"""Click ids: unique over all edges without asking anyone, in order of time, and without a system call per click.

Crockford's base 32 in lower case, whose order is that of ASCII, 26 characters:

    9 time   milliseconds since 1970, never lower than in the id before
   10 boot   50 random bits, drawn in the worker (after the fork), and again should the counter overflow
    7 count  of ids under these boot bits, never reset

Uniqueness rests on boot and count alone; the time only sorts.
"""

import secrets
from collections.abc import Callable, Iterator
from typing import Final

ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH: Final = 26

_TIME_CHARS, _BOOT_CHARS, _COUNT_CHARS = 9, 10, 7
_PAIRS: Final = [(high + low).encode() for high in ALPHABET for low in ALPHABET]


def base32(number: int, chars: int) -> bytes:
    """Return the lowest `5 * chars` bits of `number`, most significant first."""
    return "".join(ALPHABET[number >> 5 * place & 31] for place in reversed(range(chars))).encode()


class ClickIds:
    """Ids of one worker. `next` gives one; `at` sets the time, once per turn of the event loop.

    `next` raises StopIteration after 1024 ids; `renew` then gives the next one. So that an id costs one call into C,
    without a frame: the last two characters come from an iterator that all turns share, and are appended in C too.
    """

    __slots__ = ("_boot", "_draw", "_high", "_low", "_pairs", "_thousands", "_time_ms", "next")

    next: Callable[[], bytes]

    def __init__(self, draw_bits: Callable[[int], int] = secrets.randbits) -> None:
        self._draw = draw_bits
        self._boot = self._draw_boot()
        self._thousands = 0
        self._time_ms = 0
        self._high = base32(0, _TIME_CHARS - 2)
        self._low = self._boot + base32(0, _COUNT_CHARS - 2)
        self._pairs: Iterator[bytes] = iter(_PAIRS)
        self._rearm()

    def at(self, time_ms: int) -> None:
        """Stamp the ids that follow with `time_ms`, or with the time before where the clock stepped back."""
        if time_ms > self._time_ms:
            high = time_ms >> 10 != self._time_ms >> 10
            self._time_ms = time_ms
            if high:
                self._high = base32(time_ms >> 10, _TIME_CHARS - 2)
            self._rearm()

    def renew(self) -> bytes:
        """Return the next id after `next` ran out, and make it give more."""
        self._thousands += 1
        if self._thousands >> 5 * (_COUNT_CHARS - 2):
            self._boot, self._thousands = self._draw_boot(), 0
        self._pairs = iter(_PAIRS)
        self._low = self._boot + base32(self._thousands, _COUNT_CHARS - 2)
        self._rearm()
        return self.next()

    def _draw_boot(self) -> bytes:
        return base32(self._draw(5 * _BOOT_CHARS), _BOOT_CHARS)

    def _rearm(self) -> None:
        prefix = self._high + _PAIRS[self._time_ms & 1023] + self._low
        self.next = map(prefix.__add__, self._pairs).__next__
