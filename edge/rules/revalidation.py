"""What must be read again before it may be called current: all that is held, when the log cannot tell what changed."""

from collections import deque
from collections.abc import Iterable
from typing import Final

from edge.rules.cache import Cache
from edge.rules.published import PINNED
from shared import wire
from shared.key import Key

BATCH: Final = 128
"""Keys read at a time: a batch is decoded within a fraction of a millisecond."""

RETRY_S: Final = 0.25


class Revalidation:
    """A queue of published keys: pinned ones first, then tables, then links, those in use before the others.

    Links are queued as they lie in the cache and named when their turn comes, so that a full cache costs little.
    """

    def __init__(self) -> None:
        self._queue: deque[str | Key] = deque()
        self._not_before_s = 0.0
        self.reading: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self._queue) + len(self.reading)

    def restart(self, cache: Cache) -> None:
        """Queue everything, whatever was queued before."""
        self._queue = deque(PINNED)
        self._queue.extend(map(wire.table_key, cache.offers()))
        self._queue.extend(cache.keys_hot_first())
        self._not_before_s = 0.0

    def clear(self) -> None:
        """Forget what is queued."""
        self._queue.clear()

    def add_first(self, keys: Iterable[str]) -> None:
        """Queue some keys before all others."""
        self._queue.extendleft(reversed(tuple(keys)))

    def take(self, now_s: float) -> tuple[str, ...]:
        """Return the next batch to read; nothing while one is being read, or too soon after one that failed."""
        if self.reading or now_s < self._not_before_s:
            return ()
        count = min(BATCH, len(self._queue))
        items = (self._queue.popleft() for _ in range(count))
        self.reading = tuple(wire.pointer_key(item) if isinstance(item, Key) else item for item in items)
        return self.reading

    def done(self, again: Iterable[str], now_s: float) -> None:
        """Note that the batch was read; the keys `again` must be read once more, a little later."""
        self.reading = ()
        keys = tuple(again)
        if keys:
            self._queue.extend(keys)
            self._not_before_s = now_s + RETRY_S
