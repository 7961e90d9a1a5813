"""Links that memory does not know: one fetch in flight per key, and what becomes of its reply."""

from typing import Final

from edge.rules.cache import ABSENT, Absent, Entry, OfferTable
from edge.rules.effects import Answer, Effect, Fetch
from edge.rules.floors import Floors
from edge.rules.holdings import Holdings
from edge.rules.judgement import judge, judge_kept
from edge.rules.published import Refused, Stored, offer_of, read_pointer
from edge.rules.replies import Miss
from shared import wire
from shared.key import Key
from shared.wire import Version

MAX_IN_FLIGHT: Final = 1_024
MAX_ATTEMPTS: Final = 3
ABSENCE_TTL_S: Final = 10.0


class Misses:
    """Fetches under way and replies that wait for the log, because they know more than was heard so far."""

    def __init__(self, holdings: Holdings, floors: Floors, out: list[Effect]) -> None:
        self._holdings = holdings
        self._floors = floors
        self._out = out
        self._attempts: dict[Key, int] = {}
        self._held: list[tuple[Key, Miss]] = []

    def __len__(self) -> int:
        return len(self._attempts)

    def start(self, key: Key) -> None:
        """Fetch a key, unless that is under way; beyond the bound it is answered at once that nothing is known."""
        if key in self._attempts:
            return
        if len(self._attempts) >= MAX_IN_FLIGHT:
            self._out.append(Answer(key, None))
            return
        self._attempts[key] = 1
        self._out.append(Fetch(key))

    def landed(self, key: Key, miss: Miss) -> None:
        """Keep a reply until `release` finds that nothing unheard is in it."""
        self._held.append((key, miss))

    def fail(self, key: Key) -> None:
        """Give up one key."""
        self._answer(key, None)

    def fail_held(self) -> None:
        """Give up the keys whose replies wait for a log that cannot be read."""
        for key, _ in self._held:
            self._answer(key, None)
        self._held.clear()

    def release(self, heard: Version, now_s: float, *, may_note_absence: bool) -> None:
        """Answer the keys whose replies tell nothing that is newer than what was heard."""
        held, self._held = self._held, []
        for key, miss in held:
            if miss.head is not None and miss.head.version > heard:
                self._held.append((key, miss))
            else:
                self._settle(key, miss, now_s, may_note_absence)

    def _settle(self, key: Key, miss: Miss, now_s: float, may_note_absence: bool) -> None:
        try:
            found = self._take(key, miss)
        except Refused as exc:
            self._holdings.nacks.refuse(exc, self._floors.of(exc.key).sequence)
            self._answer(key, None)
            return
        if found is ABSENT and may_note_absence:
            self._holdings.cache.put_absent(key, now_s + ABSENCE_TTL_S)
        if found is None and miss.head is not None and miss.head.ready and self._attempts[key] < MAX_ATTEMPTS:
            self._attempts[key] += 1
            self._out.append(Fetch(key))
        else:
            self._answer(key, found)

    def recall(self, key: Key, pointer: bytes, table: bytes, kept_at: Version) -> Entry | None:
        """Hold a link of a snapshot and return it; None where a floor keeps it back. Raises Refused."""
        stored = judge_kept(wire.pointer_key(key), pointer, kept_at, self._floors)
        if stored is None or stored.value is None or stored.gone:
            return None
        decoded = read_pointer(stored.value)
        kept = judge_kept(wire.table_key(decoded.offer), table, kept_at, self._floors)
        if kept is None or kept.value is None or kept.gone:
            return None
        home = self._holdings.home_of(decoded.offer, kept.value, kept.raw)
        return self._holdings.store(key, stored.value.version, decoded, home)

    def _take(self, key: Key, miss: Miss) -> Entry | Absent | None:
        """Hold what a reply says of `key` and return it; None where nothing vouches for it. Raises Refused."""
        published_key = wire.pointer_key(key)
        stored = judge(published_key, miss.pointer, miss.head, self._floors)
        if stored is None or stored.value is None or stored.gone:
            return self._absence(published_key, stored, miss)
        pointer = read_pointer(stored.value)
        home = self._home(pointer.offer, miss)
        if not isinstance(home, OfferTable):
            return home
        if not self._floors.vouches(miss.head):  # a rebuild is loading: what it has not written yet must not follow
            self._floors.raise_key(published_key, stored.value.version)
            self._floors.raise_key(wire.table_key(home.offer), home.version)
        return self._holdings.store(key, stored.value.version, pointer, home)

    def _home(self, offer: str, miss: Miss) -> OfferTable | Absent | None:
        """Return an offer's table as read; where that is refused, the one that is held goes on serving."""
        table_key, held = wire.table_key(offer), self._holdings.cache.table_of(offer)
        if held is not None and held.raw == miss.table and held.version >= self._floors.of(table_key):
            return held  # as good as decoded
        try:
            table = judge(table_key, miss.table, miss.head, self._floors)
            if table is None or table.value is None or table.gone:
                return self._absence(table_key, table, miss)
            return self._holdings.home_of(offer, table.value, table.raw)
        except Refused as exc:
            if held is None:
                raise
            self._holdings.nacks.refuse(exc, self._floors.of(table_key).sequence)
            return held

    def _absence(self, published_key: str, stored: Stored | None, miss: Miss) -> Absent | None:
        if stored is None or not self._floors.admits_absence(published_key, miss.head):
            return None
        if stored.value is None and offer_of(published_key) is not None:
            raise Refused(published_key, "a link points at it, and nothing is stored")
        return ABSENT

    def _answer(self, key: Key, found: Entry | Absent | None) -> None:
        if self._attempts.pop(key, None) is not None:
            self._out.append(Answer(key, found))
