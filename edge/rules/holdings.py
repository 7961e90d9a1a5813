"""What one worker serves: cached links with their tables, and the pinned values (registered domains, salts)."""

import sys
from collections.abc import Iterator, Mapping
from typing import Final

from edge.rules.cache import Cache, Entry, OfferTable
from edge.rules.floors import NEVER
from edge.rules.nacks import Nacks
from edge.rules.published import PINNED, link_of, offer_of, read_table
from shared import wire
from shared.key import Key
from shared.pointer import Pointer, compile_pointer
from shared.wire import Value, Version

_UNPUBLISHED: Final = b""


class Holdings:
    """The cache and the pinned values, told apart by published key; refusals go to `nacks`.

    `worker` is the worker's name, by which it picks its side of a canary. `stored` counts the links put so far,
    replacements included.
    """

    def __init__(self, cache: Cache, nacks: Nacks, worker: str) -> None:
        self.worker = worker
        self.cache = cache
        self.nacks = nacks
        self.domains: Mapping[str, str | None] = {}
        self.salts: Mapping[str, bytes] = {}
        self.stored = 0
        self._pinned: dict[str, tuple[Version, bytes]] = {}

    @property
    def complete(self) -> bool:
        """Whether the pinned values are known: before, no Host can be told to be a registered domain."""
        return len(self._pinned) == len(PINNED)

    def version_of(self, key: str) -> Version | None:
        """Return the version that is held of a published key, None where none is."""
        link, offer = link_of(key), offer_of(key)
        if link is not None:
            entry = self.cache.peek(link)
            return entry.pointer_version if entry else None
        if offer is not None:
            home = self.cache.table_of(offer)
            return home.version if home else None
        return self._pinned[key][0] if key in self._pinned else None

    def concerned(self, key: str) -> bool:
        """Tell whether a new value under a published key would change what is held."""
        return key in PINNED or self.version_of(key) is not None

    def store(self, link: Key, version: Version, pointer: Pointer, home: OfferTable) -> Entry:
        """Hold a link that was read together with its offer's table, unless a newer one is held; return what is."""
        held = self.cache.peek(link)
        if held is not None and held.pointer_version >= version:
            return held
        self.nacks.accept(wire.pointer_key(link))
        return self.put(link, pointer, version, home)

    def home_of(self, offer: str, value: Value, raw: bytes) -> OfferTable:
        """Return an offer's table: that of `value` where it is newer than what is held. Raises Refused."""
        home = self.cache.table_of(offer)
        if home is not None and home.version >= value.version:
            return home
        table = read_table(value, self.worker)
        self.nacks.accept(value.key)
        if home is None:
            return OfferTable(offer, table, value.version, raw)
        self.cache.put_table(home, table, value.version, raw)
        return home

    def put(self, link: Key, pointer: Pointer, version: Version, home: OfferTable) -> Entry:
        """Serve `link` by `home`; texts that many links have in common are kept once."""
        self.stored += 1
        thrifty = pointer._replace(
            offer=home.offer, partner=sys.intern(pointer.partner), coupon=sys.intern(pointer.coupon)
        )
        return self.cache.put(link, thrifty, version, home)

    def pin_domains(self, domains: Mapping[str, str | None], version: Version, raw: bytes) -> None:
        """Replace the registered domains whole."""
        self.domains = domains
        self._pinned[wire.DOMAINS] = (version, raw)

    def pin_salts(self, salts: Mapping[str, bytes], version: Version, raw: bytes) -> None:
        """Replace the salts whole."""
        self.salts = salts
        self._pinned[wire.SALTS] = (version, raw)

    def pin_nothing(self, key: str) -> None:
        """Note that a pinned value was never published; one that was is kept."""
        self._pinned.setdefault(key, (NEVER, _UNPUBLISHED))

    def pinned(self) -> Iterator[tuple[str, bytes]]:
        """Yield the pinned values as published; one never published is empty."""
        return ((name, raw) for name, (_, raw) in self._pinned.items())

    @staticmethod
    def publish(entry: Entry) -> bytes:
        """Return an entry's pointer as it was published."""
        return wire.encode_value(entry.pointer_version, wire.pointer_key(entry.key), compile_pointer(entry.pointer))
