"""Budgets of misses: what shields Redis from scanners of slugs that do not exist. Pure: time is passed in."""

from collections import OrderedDict
from typing import Final

MISSES_PER_S: Final = 5_000.0
MISS_BURST: Final = 5_000.0
CLIENT_ABSENCES_PER_S: Final = 5.0
CLIENT_ABSENCE_BURST: Final = 100.0
MAX_CLIENTS: Final = 10_000


class Bucket:
    """A token bucket; full at first."""

    __slots__ = ("_at_s", "_burst", "_per_s", "_tokens")

    def __init__(self, per_s: float, burst: float, now_s: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._tokens = burst
        self._at_s = now_s

    def has(self, now_s: float) -> bool:
        """Tell whether a token is left."""
        elapsed = max(0.0, now_s - self._at_s)
        self._tokens = min(self._burst, self._tokens + elapsed * self._per_s)
        self._at_s = now_s
        return self._tokens >= 1.0

    def take(self, now_s: float) -> bool:
        """Take a token; False where none is left."""
        if not self.has(now_s):
            return False
        self._tokens -= 1.0
        return True


class ClientBudget:
    """Absences per client: who guesses slugs is soon answered from memory only. Bounded; old clients are forgotten."""

    def __init__(
        self,
        per_s: float = CLIENT_ABSENCES_PER_S,
        burst: float = CLIENT_ABSENCE_BURST,
        max_clients: int = MAX_CLIENTS,
    ) -> None:
        self._per_s = per_s
        self._burst = burst
        self._max_clients = max_clients
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def allows(self, client: str, now_s: float) -> bool:
        """Tell whether `client` may ask for another slug that memory does not know."""
        bucket = self._buckets.get(client)
        return bucket is None or bucket.has(now_s)

    def charge(self, client: str, now_s: float) -> None:
        """Charge `client` for a slug that does not exist."""
        bucket = self._buckets.pop(client, None) or Bucket(self._per_s, self._burst, now_s)
        bucket.take(now_s)
        self._buckets[client] = bucket
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
