"""Budgets of absences: what shields Redis from scanners of slugs that do not exist. Pure: time is passed in."""

from collections import OrderedDict
from typing import Final

ABSENCES_PER_S: Final = 2_000.0
ABSENCE_BURST: Final = 10_000.0
"""For all clients of a worker together. Only absences are charged: a cold worker may read all links that exist."""

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

    def take(self, now_s: float) -> bool:
        """Take a token; False where none is left."""
        elapsed_s = max(0.0, now_s - self._at_s)
        self._tokens = min(self._burst, self._tokens + elapsed_s * self._per_s)
        self._at_s = now_s
        if self._tokens < 1.0:
            return False
        self._tokens -= 1.0
        return True

    def give_back(self) -> None:
        """Return a token that was not needed."""
        self._tokens = min(self._burst, self._tokens + 1.0)


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

    def take(self, client: str, now_s: float) -> bool:
        """Take what an absence costs, before it is known to be one; False where `client` has nothing left."""
        bucket = self._buckets.pop(client, None) or Bucket(self._per_s, self._burst, now_s)
        self._buckets[client] = bucket
        if len(self._buckets) > self._max_clients:
            self._buckets.popitem(last=False)
        return bucket.take(now_s)

    def give_back(self, client: str) -> None:
        """Return what a link that exists did not cost."""
        bucket = self._buckets.get(client)
        if bucket is not None:
            bucket.give_back()
