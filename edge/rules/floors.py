"""What must not come back: below which version nothing is stored or served, from Redis, a replica or a snapshot.

A key's own floor is the last version heard for it; one floor for all stands for everything that is not remembered key
by key. A value passes the floor for all by its own version, or because it was read together with a head that is above
it: what Redis holds then is the outcome of all that came before.
"""

from typing import Final

from shared.wire import Head, Version

NEVER: Final = Version(0, 0)
MAX_KEYS: Final = 20_000


class Floors:
    """Per-key floors, bounded: where they overflow, the floor for all is raised above them."""

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        self._by_key: dict[str, Version] = {}
        self.for_all = NEVER
        self._for_absences = NEVER

    def __len__(self) -> int:
        return len(self._by_key)

    def of(self, key: str) -> Version:
        """Return the key's own floor."""
        return self._by_key.get(key, NEVER)

    def raise_key(self, key: str, version: Version) -> None:
        """Let nothing of `key` below `version` pass."""
        if version > self._by_key.get(key, NEVER):
            self._by_key[key] = version
        if len(self._by_key) > self._max_keys:
            self.raise_all(max(self._by_key.values()))

    def raise_all(self, version: Version) -> None:
        """Let nothing pass that is neither from `version` or later nor read at it or later."""
        self.for_all = max(self.for_all, version)
        self._by_key = {key: floor for key, floor in self._by_key.items() if floor > self.for_all}

    def raise_absences(self, version: Version) -> None:
        """Let nothing be called absent by who does not know `version` yet."""
        self._for_absences = max(self._for_absences, version)

    def vouches(self, head: Head | None) -> bool:
        """Tell whether what was read together with `head` is the outcome of all below the floor for all."""
        return head is not None and head.ready and head.version >= self.for_all

    def admits(self, key: str, version: Version, head: Head | None) -> bool:
        """Tell whether a value of `key`, read together with `head`, may be used.

        While a rebuild is loading, its head vouches for what it has already written.
        """
        if version < self.of(key):
            return False
        if version >= self.for_all or self.vouches(head):
            return True
        return head is not None and head.version >= self.for_all and version.epoch == head.epoch

    def admits_absence(self, key: str, head: Head | None) -> bool:
        """Tell whether nothing (or a tombstone) read together with `head` means that `key` does not exist."""
        return head is not None and self.vouches(head) and head.version >= max(self.of(key), self._for_absences)
