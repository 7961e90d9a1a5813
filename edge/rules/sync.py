"""How a worker follows what control publishes: the state machine. Pure: time and replies come in, effects go out.

Three roads lead to it and none is trusted alone. An announcement that follows what was heard is applied in one step.
Anything else (a gap, a subscribe confirmation, a head that is ahead) is a doorbell: the log is read, page by page, and
applied in one step when it reaches the head. When the log no longer tells what changed, or a new lineage begins,
everything held goes on being served while it is read again, and nothing newer is acked until none of it is left.

`known` is the latest head seen, `heard` the version up to which every change is known, `acked` the one of which nothing
older is served; floors keep back what is older than was heard, wherever it comes from.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Final

from edge.rules.cache import Cache, Entry
from edge.rules.catchup import CatchUp
from edge.rules.chain import Link
from edge.rules.effects import Ack, Answer, Effect, ReadLog, Reread, Withdraw
from edge.rules.floors import NEVER, Floors
from edge.rules.holdings import Holdings
from edge.rules.intake import Intake
from edge.rules.misses import Misses
from edge.rules.nacks import Nacks
from edge.rules.published import PINNED, Refused, Stored, is_tombstone, offer_of, read_value
from edge.rules.replies import Miss, Page, Reading
from edge.rules.revalidation import RETRY_S, Revalidation
from edge.rules.standing import Relation, Standing
from edge.rules.update import Update
from shared import wire
from shared.key import Key
from shared.wire import Announcement, Head, Malformed, Version

COLD: Final = "cold"
CATCHING_UP: Final = "catching_up"
SYNCED: Final = "synced"
STALE: Final = "stale"


class Sync:
    """The state machine of one worker, by name. Every event returns the effects it asks for, in their order."""

    def __init__(self, cache: Cache, floors: Floors | None = None, worker: str = "") -> None:
        self.heard = NEVER
        self.known = NEVER
        self.acked = NEVER
        self._acked_hash = ""
        self.floors = Floors() if floors is None else floors
        self.nacks = Nacks()
        self.holdings = Holdings(cache, self.nacks, worker)
        self.revalidation = Revalidation()
        self._intake = Intake(self.holdings, self.floors)
        self._out: list[Effect] = []
        self.misses = Misses(self.holdings, self.floors, self._out)
        self._standing = Standing()
        self._catch_up = CatchUp()
        self._rung = False
        self._asked: Version | None = None
        self._read_after_s = 0.0
        self._reread: tuple[tuple[str, ...], Reading] | None = None
        self._started_over = False
        self._synced_s: float | None = None
        self._is_synced = False

    @property
    def state(self) -> str:
        """`cold` before anything is known, `stale` while Redis is in doubt, `catching_up`, or `synced`."""
        standing = self._standing
        if self.heard == NEVER:
            return COLD
        if not (standing.reachable and standing.listening and standing.sound) or standing.loading or standing.lagging:
            return STALE
        return SYNCED if self._validated and not self._rung and self._asked is None else CATCHING_UP

    def age_s(self, now_s: float) -> float:
        """Return the seconds since the state was last `synced`, infinite if it never was.

        Every turn of the loop asks, so it is the state of the last event, which alone changes it.
        """
        if self._is_synced:
            return 0.0
        return math.inf if self._synced_s is None else max(0.0, now_s - self._synced_s)

    @property
    def forked(self) -> int:
        """The epoch in which Redis has another history than was heard, 0 where it has not."""
        return self.heard.epoch if self._standing.forked else 0

    @property
    def held_from(self) -> Link:
        """`acked`, of which nothing held is older, with the chain's hash there."""
        return Link(self.acked, self._acked_hash)

    @property
    def held_to(self) -> Link:
        """The version of which nothing held is newer, with the chain's hash there."""
        return self._standing.chain.newest

    @property
    def fed(self) -> bool:
        """Whether the server that is read answers, and has what it should: it goes on from what was heard, in time."""
        standing = self._standing
        return standing.reachable and standing.sound and not standing.lagging

    @property
    def reachable(self) -> bool:
        """Whether Redis answers: not every question, but lately one."""
        return self._standing.reachable

    # What Redis says

    def subscribed(self, now_s: float) -> list[Effect]:
        """Take every subscribe confirmation for a gap: clients resubscribe silently and lose what came between."""
        self._standing.answered(now_s)
        self._standing.listening = self._rung = True
        return self._settle(now_s)

    def announced(self, raw: bytes, now_s: float) -> list[Effect]:
        """Apply an announcement that follows what was heard, drop an old one, and let any other ring."""
        try:
            announcement = wire.decode_announcement(raw)
        except Malformed:
            self._rung = True
        else:
            version = Version(announcement.epoch, announcement.sequence)
            self._standing.forked |= version > self.heard and not self._standing.chain.goes_on([announcement])
            wakes = version == self.heard and self._standing.loading  # a rebuild that ends announces no change
            if wakes or (version > self.heard and not self._apply_announced(announcement, version)):
                self._rung = True
        return self._settle(now_s)

    def polled(self, head: Head | None, asked: Version, now_s: float) -> list[Effect]:
        """Learn from the head, which finds a lost last message, a flush and a rollback; `asked` was known before."""
        relation = self._observe(head, asked, now_s)
        if head is not None and relation is Relation.START_OVER:
            self._start_over(head)
        self._rung |= relation is Relation.AHEAD
        return self._settle(now_s)

    def paged(self, page: Page, now_s: float) -> list[Effect]:
        """Add a page of the log, and apply all pages once they reach the head."""
        asked, self._asked = self._asked or NEVER, None
        relation = self._observe(page.head, asked, now_s)
        if page.head is None or relation in (Relation.LOST, Relation.OLD):
            self._catch_up.reset()
        elif relation is Relation.START_OVER or not self._read_on(page, page.head):
            self._start_over(page.head)
        return self._settle(now_s)

    def primary_at(self, head: Head, now_s: float) -> list[Effect]:
        """Learn what the primary has: a replica that does not know it cannot say that something does not exist."""
        if head.version > self.heard:
            self._standing.owed(head.version, self.heard, now_s)
            self.floors.raise_absences(head.version)
            self.holdings.cache.clear_absences()
        return self._settle(now_s)

    def fetched(self, found: Mapping[Key, Miss], now_s: float) -> list[Effect]:
        """Answer misses, after catching up with whatever their head knows that was not heard."""
        self._standing.answered(now_s)
        for key, miss in found.items():
            if self._rings(miss.head):
                self.misses.landed(key, miss)
            else:
                self.misses.fail(key)
        return self._settle(now_s)

    def reread(self, keys: tuple[str, ...], reading: Reading, now_s: float) -> list[Effect]:
        """Replace or confirm what was held of `keys`, after catching up as for a miss."""
        self._standing.answered(now_s)
        if self._rings(reading.head):
            self._reread = keys, reading
        else:
            self.revalidation.done(keys, now_s)
        return self._settle(now_s)

    # What Redis fails to say

    def disconnected(self, now_s: float) -> list[Effect]:
        """Note that announcements no longer arrive; the head is polled all the same."""
        self._standing.listening = False
        return self._settle(now_s)

    def turned(self, now_s: float) -> list[Effect]:
        """Note that another server is read from now on: replies of the one before that still wait are worth nothing."""
        self._give_up_waiting(now_s)
        self._catch_up.reset()
        return self.disconnected(now_s)

    def poll_failed(self, now_s: float) -> list[Effect]:
        """Note that Redis cannot be asked: misses are not kept waiting for it until it answers again."""
        self._standing.failed(now_s)
        self._give_up_waiting(now_s)
        return self._settle(now_s)

    def page_failed(self, now_s: float) -> list[Effect]:
        """Ask for the same page a little later, once Redis answers again."""
        self._asked, self._rung, self._read_after_s = None, True, now_s + RETRY_S
        return self.poll_failed(now_s)

    def fetch_failed(self, key: Key, now_s: float, *, answered: bool = False) -> list[Effect]:
        """Tell who waits for `key` that nothing is known; `answered`: Redis did, with an error."""
        self.misses.fail(key)
        return self._settle(now_s) if answered else self.poll_failed(now_s)

    def reread_failed(self, keys: tuple[str, ...], now_s: float) -> list[Effect]:
        """Ask for the same keys a little later."""
        self.revalidation.done(keys, now_s)
        return self.poll_failed(now_s)

    # What the worker asks

    def want(self, key: Key) -> list[Effect]:
        """Fetch a link that memory does not know, or answer at once that Redis cannot be asked for it."""
        if self._standing.reachable and self.holdings.complete:
            self.misses.start(key)
        else:
            self._out.append(Answer(key, None))
        return self._drain()

    def tick(self, now_s: float) -> list[Effect]:
        """Let time pass: absences expire, and what waited for its next try is tried."""
        self.holdings.cache.expire_absences(now_s)
        return self._settle(now_s)

    def restore(self, oldest: Link, newest: Link, synced_s: float, pinned: Mapping[str, bytes]) -> bool:
        """Start from a snapshot; its links follow through `recall`.

        Nothing in it is older than `oldest` or newer than `newest`. `synced_s` is when it was written, on the same
        clock as `now_s`. Returns False where its pinned values are not understood. Raises Refused.
        """
        stored = {key: Stored(read_value(key, raw) if raw else None, raw) for key, raw in pinned.items()}
        Update(self.holdings, stored).commit()
        if self.holdings.complete:
            self.heard, self.acked, self._acked_hash = oldest.version, *oldest
            self._standing.chain.restored(oldest, newest)
            self.known = self.held_to.version
            self.floors.raise_all(oldest.version)
            self._synced_s = synced_s
        return self.holdings.complete

    def knew(self, newest: Link) -> None:
        """Take over from the journal beside a snapshot what the worker that left it had heard last."""
        self._standing.chain.heard_of(newest)
        self.known = max(self.known, newest.version)

    def recall(self, key: Key, pointer: bytes, table: bytes, version: Version) -> Entry | None:
        """Hold a link of the snapshot taken at `version` and return it; None where a floor keeps it back."""
        try:
            return self.misses.recall(key, pointer, table, version)
        except Refused as exc:
            self.nacks.refuse(exc)
            return None

    def stands(self, entry: Entry) -> bool:
        """Tell whether nothing newer was heard than an entry that left the cache or was never in it."""
        return (
            self.floors.of(wire.pointer_key(entry.key)) <= entry.pointer_version
            and self.floors.of(wire.table_key(entry.pointer.offer)) <= entry.table_version
        )

    def is_refused(self, entry: Entry) -> bool:
        """Tell whether an entry serves only because what was published after it was refused."""
        return wire.pointer_key(entry.key) in self.nacks or wire.table_key(entry.pointer.offer) in self.nacks

    def kept(self, version: Version) -> None:
        """Forget single floors below `version`: a snapshot on disk has been taken at it."""
        self.floors.raise_all(version)

    # Steps

    @property
    def _validated(self) -> bool:
        """Whether everything held is known to be what it was when `heard` was published."""
        return self.holdings.complete and not self._standing.loading and not self.revalidation

    def _rings(self, head: Head | None) -> bool:
        """Let a reply's head ring where it knows more than was heard; False where it is of another history."""
        if head is not None and not self._standing.chain.leads_to(head):
            self._fork()
            return False
        self._rung |= head is not None and head.version > self.heard
        return True

    def _observe(self, head: Head | None, asked: Version, now_s: float) -> Relation:
        self._standing.answered(now_s)
        relation = self._standing.observe(head, asked, self.heard)
        if head is not None and relation is not Relation.LOST:
            self.known = max(self.known, head.version)
        return relation

    def _apply_announced(self, announcement: Announcement, version: Version) -> bool:
        """Apply a transaction in one step; False where it does not follow, or does not bring all it needs."""
        if Version(announcement.epoch, announcement.previous) != self.heard or announcement.values is None:
            return False
        if self._catch_up.under_way or not self._standing.sound:
            return False
        self._hear_of(announcement)
        by_key = dict(zip(announcement.keys, announcement.values, strict=True))
        update = self._intake.announced(by_key, version)
        if update.lacking:
            return False
        self._commit(update, by_key, version, announcement.hash)
        return True

    def _read_on(self, page: Page, head: Head) -> bool:
        """Stage a page and apply what is staged at its end; False where the log is too short.

        A page of another history than was heard applies nothing.
        """
        news = self._catch_up.extend(page, head, self.heard, self._intake.keeps)
        if news is None:
            return False
        if not self._standing.chain.goes_on(news):
            self._fork()
            return True
        for entry in news:
            self._hear_of(entry)
        if self._catch_up.reached < head.version:
            self._rung = True
            return True
        values = self._catch_up.values
        update, _ = self._intake.read(values, Reading(head, values))
        if update.goes_back:
            self._fork()
            return True
        self._commit(update, values, head.version, head.hash)
        self._read_first(update.lacking)
        return True

    def _hear_of(self, entry: Announcement) -> None:
        """Know that a transaction was, before it takes effect."""
        version = Version(entry.epoch, entry.sequence)
        self._intake.hear_of(entry.keys, version)
        self._standing.chain.heard_of(Link(version, entry.hash))

    def _fork(self) -> None:
        """Believe nothing more of this lineage, until control, which the lease tells, begins another."""
        self._standing.forked = True
        self._catch_up.reset()

    def _commit(self, update: Update, values: Mapping[str, bytes | None], version: Version, digest: str) -> None:
        """Make a transaction, or all pages of the log, take effect."""
        update.commit()
        for deleted, keys in _deletions(values, version).items():
            self._out.append(Withdraw(deleted, tuple(keys), digest if deleted == version else ""))
        self.heard = version
        self.known = max(self.known, version)
        if any(offer_of(key) is not None for key in values):
            self.revalidation.add_first(self.nacks.links())  # one may have been refused for the table it points at
        self._standing.chain.moved(Link(version, digest))
        self._catch_up.reset()

    def _start_over(self, head: Head) -> None:
        """Go on from `head` without knowing what changed: everything held is to be read again."""
        self.heard = head.version
        self._standing.chain.moved(Link(head.version, head.hash))
        self._catch_up.reset()
        self._started_over = True
        self.holdings.cache.clear_absences()
        self.revalidation.clear()
        if head.ready:
            self.floors.raise_all(head.version)
            self.revalidation.restart(self.holdings.cache)
        elif not self.holdings.complete:
            self.revalidation.add_first(PINNED)

    def _take_reread(self, now_s: float) -> None:
        if self._reread is None:
            return
        keys, reading = self._reread
        if reading.head is not None and reading.head.version > self.heard:
            return
        self._reread = None
        update, unvouched = self._intake.read(keys, reading)
        if update.goes_back:
            self._fork()
            self.revalidation.done(keys, now_s)
            return
        update.commit()
        waiting = [link for link, table in update.lacking if table in unvouched]
        self.revalidation.done([*unvouched, *waiting], now_s)
        self._read_first(pair for pair in update.lacking if pair[1] not in unvouched)

    def _read_first(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Read links together with the tables that they lack."""
        self.revalidation.add_first(key for pair in pairs for key in pair)

    def _settle(self, now_s: float) -> list[Effect]:
        """Do what has become possible, and return the effects."""
        self._standing.passed(self.heard, now_s)
        self.misses.release(self.heard, now_s, may_note_absence=self.state == SYNCED)
        self._take_reread(now_s)
        if self._standing.forked:
            self.misses.fail_held()
        if self._standing.reachable and self._standing.sound:
            if not self._rung and self._asked is None:
                self._give_up_waiting(now_s)
            self._ask(now_s)
        standing = self._standing
        if not standing.sound or not standing.reachable or standing.loading or standing.lagging:
            self.holdings.cache.clear_absences()
        if self._validated and self.acked != self.heard:
            self._acknowledge()
        self._is_synced = self.state == SYNCED
        if self._is_synced:
            self._synced_s = now_s
        return self._drain()

    def _drain(self) -> list[Effect]:
        effects = self._out.copy()
        self._out.clear()
        return effects

    def _give_up_waiting(self, now_s: float) -> None:
        """Ask again where the head of a reply has not come: it may be of a data set that has gone back since."""
        self.misses.fail_held()
        if self._reread is not None:
            keys, self._reread = self._reread[0], None
            self.revalidation.done(keys, now_s)

    def _ask(self, now_s: float) -> None:
        if self._rung and self._asked is None and now_s >= self._read_after_s:
            self._rung, self._asked = False, self.known
            self._out.append(ReadLog(max(self.heard, self._catch_up.reached)))
        keys = self.revalidation.take(now_s)
        if keys:
            self._out.append(Reread(keys))

    def _acknowledge(self) -> None:
        if self._started_over:
            self._out.append(Withdraw(self.heard, ()))
            self._started_over = False
        self.acked, self._acked_hash = self._standing.chain.heard
        self._out.append(Ack(self.heard))


def _deletions(values: Mapping[str, bytes | None], version: Version) -> dict[Version, list[str]]:
    """Return the keys that do not exist at `version`, by when they were deleted, as far as their tombstones say."""
    deletions: dict[Version, list[str]] = {}
    for key, raw in values.items():
        if is_tombstone(raw):
            deletions.setdefault(_deleted_at(key, raw) or version, []).append(key)
    return deletions


def _deleted_at(key: str, raw: bytes | None) -> Version | None:
    """Return the version of a tombstone, None where nothing is stored or it is none of this key."""
    try:
        return read_value(key, raw).version if raw else None
    except Refused:
        return None
