"""What the click path asks of the rules: a key's entry from memory, or one bounded wait for it.

`subscription.Subscription` is the real one; tests have another. Nothing here can reach the network.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Protocol

from edge.rules.cache import ABSENT, Absent, Entry
from shared.key import Key
from shared.wire import Nack, Version

__all__ = ["ABSENT", "Absent", "Entry", "Links", "LinksUnavailable", "SyncStatus", "TooManyMisses"]

FETCH_TIMEOUT_S: Final = 0.2
"""The longest a miss waits for Redis; then the snapshot on disk is asked, then `LinksUnavailable`."""


class LinksUnavailable(Exception):
    """The key is in neither memory nor snapshot while Redis cannot vouch for it: 503 with Retry-After, never 404."""


class TooManyMisses(LinksUnavailable):
    """This client, or everybody together, asked for more unknown slugs than the budget that shields Redis."""


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """Where one worker stands, for readiness and metrics.

    `state` is `cold`, `catching_up`, `synced` or `stale`; `age_s` the seconds since it was last synced. `heard` is the
    last version whose changes are known here, `acked` the last one of which nothing older is served. `away`: the
    primary is read, because the replica fails.
    """

    state: str
    age_s: float
    heard: Version
    acked: Version
    links: int
    tables: int
    absences: int
    revalidating: int
    misses: int
    fetches: int
    unavailable: int
    refused: int
    nacks: tuple[Nack, ...]
    away: bool = False

    @property
    def epoch(self) -> int:
        """The lineage whose changes are followed."""
        return self.heard.epoch

    def details(self) -> dict[str, Any]:
        """Return the fields as JSON knows them."""
        return asdict(self) | {"heard": list(self.heard), "acked": list(self.acked)}


class Links(Protocol):
    """The rules as one worker holds them. `domains` and `salts` are replaced whole, so identity tells of a change."""

    @property
    def domains(self) -> Mapping[str, str | None]:
        """Registered host (and `_`) -> where its root redirects, None for 404."""
        ...

    @property
    def salts(self) -> Mapping[str, bytes]:
        """UTC day (`2026-11-22`) -> 16 bytes."""
        ...

    @property
    def state(self) -> str:
        """`cold`, `catching_up`, `synced` or `stale`."""
        ...

    @property
    def version(self) -> Version:
        """The last version of which nothing older is served."""
        ...

    @property
    def age_s(self) -> float:
        """Seconds since the state was last `synced`; 0 while it is."""
        ...

    def lookup(self, key: Key) -> Entry | Absent | None:
        """Return what memory holds: an entry, a vouched absence, or None where `fetch` must be asked. Never blocks."""
        ...

    async def fetch(self, key: Key, client: str = "") -> Entry | Absent:
        """Return the entry or its absence, asking Redis at most once at a time per key and waiting at most 200 ms.

        `client` (a truncated address) is charged for absences; "" charges nobody. Raises LinksUnavailable.
        """
        ...
