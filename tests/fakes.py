"""In-memory stand-ins for the edge's two neighbours: the rules, and the spool that takes its clicks."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from edge.rules.cache import ABSENT, Absent, Entry
from edge.rules.links import LinksUnavailable
from shared.events import ClickEvent, decode_event
from shared.key import Key
from shared.wire import Version


class FakeLinks:
    """Links without Redis. `remote` is what `fetch` finds and then remembers; `fetches` are the keys it was asked for.

    `reachable` False makes every fetch raise LinksUnavailable. A fetch waits for `gate` where there is one.
    """

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        *,
        remote: Iterable[Entry] = (),
        domains: Mapping[str, str | None] | None = None,
        salts: Mapping[str, bytes] | None = None,
    ) -> None:
        self.entries: dict[Key, Entry | Absent] = {entry.key: entry for entry in entries}
        self.remote: dict[Key, Entry | Absent] = {entry.key: entry for entry in remote}
        self.domains: Mapping[str, str | None] = domains or {}
        self.salts: Mapping[str, bytes] = salts or {}
        self.reachable = True
        self.gate: asyncio.Event | None = None
        self.fetches: list[Key] = []
        self.clients: list[str] = []
        self.state = "synced"
        self.version = Version(1, 1)
        self.age_s = 0.0

    def put(self, *entries: Entry) -> None:
        """Make memory hold these, as an edit would."""
        self.entries.update({entry.key: entry for entry in entries})

    def lookup(self, key: Key) -> Entry | Absent | None:
        return self.entries.get(key)

    async def fetch(self, key: Key, client: str = "") -> Entry | Absent:
        self.fetches.append(key)
        self.clients.append(client)
        if self.gate is not None:
            await self.gate.wait()
        if not self.reachable:
            raise LinksUnavailable(f"{key.slug} cannot be asked for")
        return self.entries.setdefault(key, self.remote.get(key, ABSENT))


class FakeSpool:
    """A spool in memory: `put` lines are `recorded` by `flush`, which calls `on_flush`.

    `full` makes it refuse, and count what it refused.
    """

    def __init__(self) -> None:
        self.pending: list[bytes] = []
        self.recorded: list[bytes] = []
        self.flushes = 0
        self.full = False
        self.on_flush: Callable[[], None] = lambda: None
        self.dropped = 0

    def put(self, line: bytes) -> None:
        if self.full:
            self.dropped += 1
        else:
            self.pending.append(line)

    def flush(self) -> None:
        self.flushes += 1
        self.recorded += self.pending
        self.pending.clear()
        self.on_flush()

    @property
    def events(self) -> list[ClickEvent]:
        """The clicks recorded so far, decoded."""
        return [decode_event(line.removesuffix(b"\n")) for line in self.recorded]
