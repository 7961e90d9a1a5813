"""Which clicks repeat one counted shortly before."""

from collections.abc import Hashable
from typing import Final

_MAX_REMEMBERED: Final = 65_536
"""Clicks per generation, about 20 MB for both; under a flood the window grows shorter, and repeats count as people."""


class Duplicates:
    """Remembers counted clicks for `window_ms`, in one worker. A duplicate does not extend the window."""

    __slots__ = ("_began_ms", "_old", "_window_ms", "_young")

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._young: dict[Hashable, int] = {}
        self._old: dict[Hashable, int] = {}
        self._began_ms = 0

    def has(self, click: Hashable, now_ms: int) -> bool:
        """Tell whether `click` was counted less than the window ago; where not, it is counted now."""
        if now_ms - self._began_ms >= self._window_ms or len(self._young) >= _MAX_REMEMBERED:
            self._old, self._young, self._began_ms = self._young, {}, now_ms
        counted_ms = self._young.get(click) or self._old.get(click)
        if counted_ms is not None and 0 <= now_ms - counted_ms < self._window_ms:
            return True
        self._young[click] = now_ms
        return False
