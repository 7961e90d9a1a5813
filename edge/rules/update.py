"""Published values on their way to being served: all decoded first, then swapped in within one call.

So no click sees half of a transaction, and what cannot be decoded leaves what was there serving, with a nack.
"""

from collections.abc import Callable, Mapping
from functools import partial

from edge.rules.cache import Entry, OfferTable
from edge.rules.holdings import Holdings
from edge.rules.published import (
    PINNED,
    Refused,
    Stored,
    link_of,
    offer_of,
    read_domains,
    read_pointer,
    read_salts,
    read_table,
)
from shared import wire
from shared.key import Key
from shared.pointer import Pointer
from shared.wire import Value, Version


class Update:
    """What `stored` changes of what is held. Nothing changes before `commit`, which must follow in the same step.

    `lacking` are the keys of links that now point at offers whose tables are not at hand, each with that of the table;
    `commit` leaves them as they are. `goes_back`: something is older than what is held, as in one history nothing is.
    """

    def __init__(self, holdings: Holdings, stored: Mapping[str, Stored]) -> None:
        self.lacking: list[tuple[str, str]] = []
        self.goes_back = False
        self._holdings = holdings
        self._stored = stored
        self._homes: dict[str, OfferTable] = {}
        self._swaps: list[Callable[[], object]] = []
        for key in stored:
            self._prepare(key)

    def commit(self) -> None:
        """Swap everything in."""
        for swap in self._swaps:
            swap()

    def _prepare(self, key: str) -> None:
        link, offer = link_of(key), offer_of(key)
        value, raw = self._stored[key]
        try:
            if link is not None:
                self._prepare_link(link, key, value)
            elif offer is not None:
                self._prepare_table(offer, value, raw)
            elif key in PINNED:
                self._prepare_pinned(key, value, raw)
        except Refused as exc:
            self._holdings.nacks.refuse(exc)

    def _prepare_link(self, link: Key, key: str, value: Value | None) -> None:
        entry = self._holdings.cache.peek(link)
        if entry is None or not self._is_news(key, value, entry.pointer_version):
            return
        if value is None or value.body is None:
            self._swaps.append(partial(self._holdings.cache.remove, link))
            return
        pointer = read_pointer(value)
        try:
            home = self._home(pointer.offer)
        except Refused as exc:
            self._holdings.nacks.refuse(exc)
            raise Refused(key, f"the table of {pointer.offer} is refused: {exc}", value.version.sequence) from exc
        if home is None:
            self.lacking.append((key, wire.table_key(pointer.offer)))
        else:
            self._swaps.append(partial(self._put, entry, pointer, value.version, home))

    def _prepare_table(self, offer: str, value: Value | None, raw: bytes) -> None:
        home = self._holdings.cache.table_of(offer)
        if home is None or not self._is_news(wire.table_key(offer), value, home.version):
            return
        if value is None or value.body is None:
            self._swaps.append(partial(self._holdings.cache.remove_table, home))
        else:
            table = read_table(value, self._holdings.worker)
            self._swaps.append(partial(self._holdings.cache.put_table, home, table, value.version, raw))

    def _prepare_pinned(self, key: str, value: Value | None, raw: bytes) -> None:
        held = self._holdings.version_of(key)
        if value is None or value.body is None:
            self._swaps.append(partial(self._holdings.pin_nothing, key))
        elif held is None or self._is_news(key, value, held):
            if key == wire.DOMAINS:
                self._swaps.append(partial(self._holdings.pin_domains, read_domains(value), value.version, raw))
            else:
                self._swaps.append(partial(self._holdings.pin_salts, read_salts(value), value.version, raw))

    def _is_news(self, key: str, value: Value | None, held: Version) -> bool:
        news = value is None or value.version > held
        self.goes_back |= value is not None and value.version < held and value.version.epoch == held.epoch
        if news:
            self._holdings.nacks.accept(key)
        return news

    def _home(self, offer: str) -> OfferTable | None:
        """Return the table of the offer that a link now points at, None where it is not at hand. Raises Refused."""
        home = self._holdings.cache.table_of(offer) or self._homes.get(offer)
        if home is not None:
            return home
        stored = self._stored.get(wire.table_key(offer))
        if stored is None:
            return None
        value, raw = stored
        if value is None or value.body is None:
            raise Refused(wire.table_key(offer), "a link points at it, and nothing is stored")
        table = read_table(value, self._holdings.worker)
        home = self._homes[offer] = OfferTable(offer, table, value.version, raw)
        return home

    def _put(self, before: Entry, pointer: Pointer, version: Version, home: OfferTable) -> None:
        """Swap a link's pointer; a link of an offer deleted in the same step goes with it."""
        if home.table is None:
            self._holdings.cache.remove(before.key)
        else:
            self._holdings.put(before.key, pointer, version, home)
