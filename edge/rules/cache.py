"""What one worker holds in memory: a bounded cache of links with their tables, and a small one of absences.

A link's entry holds its table, so that serving it never depends on a second look-up. All links of an offer share one
`OfferTable`; replacing its table is one assignment, whatever the number of links, and each entry is renewed when it is
next looked up. Recency is a second chance: a look-up sets a bit, the hand of a clock clears it, and evicts where it
finds it clear. Not thread-safe: one event loop owns it.
"""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Any, Final

from shared.key import Key
from shared.pointer import Pointer
from shared.table import Table
from shared.wire import Version

MAX_LINKS: Final = 200_000
MAX_TABLE_BYTES: Final = 64 * 1024 * 1024
MAX_ABSENCES: Final = 10_000

_MAX_STEPS: Final = 64
"""Entries the hand passes at most before it evicts a used one: an insert has a bounded cost."""


class Absent:
    """The type of ABSENT."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = Absent()
"""Redis vouches that a key does not exist, or says that it was deleted."""


class OfferTable:
    """The table that an offer has now, shared by its links; None once the offer is deleted. `raw` is as published."""

    __slots__ = ("links", "offer", "raw", "table", "version")

    def __init__(self, offer: str, table: Table, version: Version, raw: bytes = b"") -> None:
        self.offer = offer
        self.table: Table | None = table
        self.version = version
        self.raw = raw
        self.links = 0


class Entry:
    """One link as it is served: where it points and the table that decides. Immutable but for `memo` and `used`.

    Any change of pointer or table makes a new entry. `memo` is scratch for the click path and dies with the entry; one
    that differs from its predecessor by the table alone is given that one's as `old_memo`.
    """

    __slots__ = ("home", "key", "memo", "old_memo", "pointer", "pointer_version", "table", "table_version", "used")

    def __init__(
        self,
        key: Key,
        pointer: Pointer,
        pointer_version: Version,
        table: Table,
        table_version: Version,
        *,
        home: OfferTable | None = None,
    ) -> None:
        self.key = key
        self.pointer = pointer
        self.pointer_version = pointer_version
        self.table = table
        self.table_version = table_version
        self.home = home or OfferTable(pointer.offer, table, table_version)
        self.memo: Any = None
        self.old_memo: Any = None
        self.used = False

    @property
    def version(self) -> Version:
        """The later of the two versions."""
        return max(self.pointer_version, self.table_version)


class Cache:
    """Links (bounded by count, and by the published bytes of their tables) and absences (bounded, short-lived)."""

    def __init__(
        self,
        max_links: int = MAX_LINKS,
        max_absences: int = MAX_ABSENCES,
        max_table_bytes: int = MAX_TABLE_BYTES,
    ) -> None:
        self._max_links = max_links
        self._max_absences = max_absences
        self._max_table_bytes = max_table_bytes
        self._entries: dict[Key, Entry] = {}
        self._tables: dict[str, OfferTable] = {}
        self._table_bytes = 0
        self._ring: list[Key] = []
        self._hand = 0
        self._absences: OrderedDict[Key, float] = OrderedDict()
        self._last_version = Version(0, 0)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    @property
    def tables(self) -> int:
        """How many offers' tables are held."""
        return len(self._tables)

    @property
    def absences(self) -> int:
        """How many absences are held."""
        return len(self._absences)

    def lookup(self, key: Key) -> Entry | Absent | None:
        """Return the key's entry with the offer's present table, ABSENT, or None where nothing is known."""
        entry = self._entries.get(key)
        if entry is None:
            return ABSENT if key in self._absences else None
        if entry.table is entry.home.table:
            entry.used = True
            return entry
        return self._renew(entry)

    def peek(self, key: Key) -> Entry | None:
        """Return the key's entry as it would be served, without counting as a use."""
        entry = self._entries.get(key)
        if entry is None or entry.table is entry.home.table:
            return entry
        used, entry = entry.used, self._renew(entry)
        if entry is not None:
            entry.used = used
        return entry

    def table_of(self, offer: str) -> OfferTable | None:
        """Return what is held of an offer whose links are cached."""
        return self._tables.get(offer)

    def put(self, key: Key, pointer: Pointer, version: Version, home: OfferTable) -> Entry:
        """Make `key` serve `pointer` with the table of `home`, in place of whatever it served; return the entry."""
        assert home.table is not None
        if pointer.offer is not home.offer:
            pointer = pointer._replace(offer=home.offer)  # one text for all links of an offer
        if version == self._last_version:
            version = self._last_version  # links made together share it
        self._last_version = version
        entry = Entry(key, pointer, version, home.table, home.version, home=home)
        self._absences.pop(key, None)
        self._hold(home)
        before = self._entries.get(key)
        if before is None:
            self._make_room(key)
        self._entries[key] = entry
        if before is not None:
            entry.used = before.used
            self._let_go(before.home)
        self._shed_tables(keep=key)
        return entry

    def put_table(self, home: OfferTable, table: Table, version: Version, raw: bytes) -> None:
        """Replace the table of all of an offer's links at once."""
        if self._tables.get(home.offer) is home:
            self._table_bytes += len(raw) - len(home.raw)
        home.version, home.raw, home.table = version, raw, table

    def remove_table(self, home: OfferTable) -> None:
        """Forget an offer that was deleted; its links are no longer served from this moment."""
        home.table = None
        if self._tables.get(home.offer) is home:
            del self._tables[home.offer]
            self._table_bytes -= len(home.raw)

    def remove(self, key: Key) -> None:
        """Forget a link."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._let_go(entry.home)

    def put_absent(self, key: Key, until_s: float) -> None:
        """Remember that `key` does not exist, until a monotonic time; the oldest absence makes room."""
        self._absences.pop(key, None)
        while len(self._absences) >= self._max_absences:
            self._absences.popitem(last=False)
        self._absences[key] = until_s

    def remove_absent(self, key: Key) -> None:
        """Forget that `key` does not exist."""
        self._absences.pop(key, None)

    def clear_absences(self) -> None:
        """Forget all absences."""
        self._absences.clear()

    def expire_absences(self, now_s: float) -> None:
        """Forget the absences whose time has come; all live equally long, so the oldest go first."""
        while self._absences and next(iter(self._absences.values())) <= now_s:
            self._absences.popitem(last=False)

    def offers(self) -> list[str]:
        """Return the offers whose tables are held."""
        return list(self._tables)

    def keys_hot_first(self) -> list[Key]:
        """Return all keys, those looked up since the hand last passed first."""
        hot = [key for key, entry in self._entries.items() if entry.used]
        return hot + [key for key, entry in self._entries.items() if not entry.used]

    def _renew(self, entry: Entry) -> Entry | None:
        """Swap in an entry with the offer's present table; a deleted offer's link is forgotten instead."""
        home = entry.home
        if home.table is None:
            self.remove(entry.key)
            return None
        renewed = Entry(entry.key, entry.pointer, entry.pointer_version, home.table, home.version, home=home)
        renewed.used, renewed.old_memo = True, entry.memo or entry.old_memo
        self._entries[entry.key] = renewed
        return renewed

    def _hold(self, home: OfferTable) -> None:
        if home.links == 0:
            self._tables[home.offer] = home
            self._table_bytes += len(home.raw)
        home.links += 1

    def _let_go(self, home: OfferTable) -> None:
        home.links -= 1
        if home.links == 0 and self._tables.get(home.offer) is home:
            del self._tables[home.offer]
            self._table_bytes -= len(home.raw)

    def _make_room(self, key: Key) -> None:
        """Give `key` a place on the clock, that of an evicted link once all are taken."""
        if len(self._ring) < self._max_links:
            self._ring.append(key)
        else:
            self._ring[self._evict()] = key

    def _shed_tables(self, keep: Key) -> None:
        while self._table_bytes > self._max_table_bytes and len(self._entries) > 1:
            self._evict(keep)

    def _evict(self, keep: Key | None = None) -> int:
        """Move the hand to a place that is vacant or whose link is unused, evict that link, and return the place."""
        ring, entries = self._ring, self._entries
        place = 0
        for step in range(_MAX_STEPS):
            place = self._hand % len(ring)
            self._hand = place + 1
            entry = entries.get(ring[place])
            if entry is None:
                return place
            if ring[place] != keep and (not entry.used or step == _MAX_STEPS - 1):
                self.remove(entry.key)
                return place
            entry.used = False
        return place
