"""A bounded cache that forgets what was not asked for lately, and a sieve for what comes only once."""

from collections.abc import Hashable
from typing import Final, Generic, TypeVar

_PAIRS: Final = 1 << 16
_MARKS: Final = 0xFF

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Two generations of up to `size` values each. When the young one is full it becomes the old one, which goes.

    A hit costs one dict look-up.

    A hot path looks into `young` itself, and calls `find` only where that finds nothing: an LRU that reorders on every
    hit costs three times as much, and evicts the same.
    """

    __slots__ = ("_old", "_size", "young")

    def __init__(self, size: int) -> None:
        self._size = size
        self.young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self.young) + len(self._old)

    def find(self, key: K) -> V | None:
        """Return the value of `key`, young again, or None."""
        value = self.young.get(key)
        if value is None:
            value = self._old.pop(key, None)
            if value is not None:
                self.put(key, value)
        return value

    def put(self, key: K, value: V) -> V:
        """Remember and return `value`."""
        if len(self.young) >= self._size:
            self._old, self.young = self.young, {}
        self.young[key] = value
        return value

    def clear(self) -> None:
        """Forget everything."""
        self.young, self._old = {}, {}


class SecondSight:
    """Tells what comes for a second time by a byte of its hash, 128 KiB for all: wrong once in 127 times, to no harm.

    A mark has the choice of two places. With one, two that share it would push each other out whenever they come, and
    be new for ever: of 5,000 visitors every twenty-fifth.
    """

    __slots__ = ("_marks",)

    def __init__(self) -> None:
        self._marks = bytearray(2 * _PAIRS)

    def has(self, key: Hashable) -> bool:
        """Tell whether `key` was asked about before, and not too many others since."""
        seen = hash(key)
        marks, newer, mark = self._marks, seen % _PAIRS * 2, (seen >> 20) % _MARKS + 1
        if marks[newer] == mark or marks[newer + 1] == mark:
            return True
        marks[newer + 1], marks[newer] = marks[newer], mark
        return False
