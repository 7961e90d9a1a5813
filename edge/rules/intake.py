"""Published values as they come in: which of them matter, which may be used, and what is known of the others' keys."""

from collections.abc import Iterable, Mapping

from edge.rules.floors import Floors
from edge.rules.holdings import Holdings
from edge.rules.judgement import judge
from edge.rules.published import Refused, Stored, is_tombstone, link_of, offer_of, read_value
from edge.rules.replies import Reading
from edge.rules.update import Update
from shared.wire import Version


class Intake:
    """Makes updates of `holdings`; what is refused on the way becomes a nack, and leaves what is held alone."""

    def __init__(self, holdings: Holdings, floors: Floors) -> None:
        self._holdings = holdings
        self._floors = floors

    def hear_of(self, keys: Iterable[str], version: Version) -> None:
        """Know that `keys` changed: nothing older of them may be stored, and no absence stands."""
        for key in keys:
            self._floors.raise_key(key, version)
            link = link_of(key)
            if link is not None:
                self._holdings.cache.remove_absent(link)

    def announced(self, by_key: Mapping[str, bytes], version: Version) -> Update:
        """Return what the values of one announcement change."""
        stored: dict[str, Stored] = {}
        for key in by_key:
            self._holdings.nacks.accept(key)
        for key in filter(self._matters, by_key):
            try:
                value = read_value(key, by_key[key])
                if value.version != version:
                    raise Refused(key, "a value of another version than was announced")
                stored[key] = Stored(value, by_key[key])
            except Refused as exc:
                self._holdings.nacks.refuse(exc, version.sequence)
        return Update(self._holdings, stored)

    def read(self, keys: Iterable[str], reading: Reading) -> tuple[Update, list[str]]:
        """Return what was read changes, and the keys for which nothing vouches."""
        stored: dict[str, Stored] = {}
        unvouched: list[str] = []
        for key in keys:
            try:
                judged = judge(key, reading.values.get(key), reading.head, self._floors)
            except Refused as exc:
                self._holdings.nacks.refuse(exc, self._floors.of(key).sequence)
                continue
            if judged is None:
                unvouched.append(key)
                continue
            self._holdings.nacks.accept(key)
            if self._matters(key):
                stored[key] = judged
        return Update(self._holdings, stored), unvouched

    def keeps(self, key: str, raw: bytes | None) -> bool:
        """Tell whether a value of the log is to be remembered until the log has been read to its end."""
        return self._matters(key) or is_tombstone(raw) or key in self._holdings.nacks

    def _matters(self, key: str) -> bool:
        """Tell whether a key's value can be needed: it is held, or is a table that a held link may now point at."""
        return offer_of(key) is not None or self._holdings.concerned(key)
