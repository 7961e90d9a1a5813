"""One worker, one Redis, one control, and everything that can happen between them, one step at a time.

The world delivers, loses, repeats and reorders; after every step it checks what must always hold. `seen` counts the
rare states that were reached, so that a driver can prove that it reached them.
"""

from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import Final

import orjson

from edge.rules.cache import ABSENT, Cache, Entry
from edge.rules.chain import UNKNOWN, Link
from edge.rules.effects import Ack, Answer, Effect, Fetch, ReadLog, Reread, Withdraw
from edge.rules.floors import Floors
from edge.rules.replies import Miss, Page, Reading
from edge.rules.sync import SYNCED, Sync
from shared import wire
from shared.key import Key
from shared.wire import Head, Version
from tests.simulation.control import TOMBSTONE, WORKER, Control, body_tag, pinned_bodies
from tests.simulation.memory_redis import MemoryRedis

SLUGS: Final = ("a", "b", "c", "d", "e")
OFFERS: Final = ("o_1", "o_2")
KEYS: Final = tuple(Key("_", slug) for slug in SLUGS)
FAILED: Final = None

Reply = Miss | Page | Reading | Head | None


@dataclass
class Poll:
    """A look at the head, asked when `asked` was known."""

    asked: Version


Errand = Fetch | ReadLog | Reread | Poll


@dataclass
class OnDisk:
    """A snapshot as a worker left it: values by key, the version of which nothing is older, and deletions since."""

    oldest: Link
    newest: Link
    values: dict[str, bytes]
    withdrawn: dict[str, Version]
    last: Link = UNKNOWN


class World:
    """Every public method is one thing that happens; each checks the invariants afterwards."""

    def __init__(self, random: Random, *, max_links: int = 3, max_floors: int = 4) -> None:
        self.random = random
        self.now_s = 0.0
        self.seen: Counter[str] = Counter()
        self.control = Control()
        self.redis = MemoryRedis()
        self.replica = self.redis.copy()
        self.backup = self.redis.copy()
        self.poison: set[bytes] = set()
        self.disk: OnDisk | None = None
        self.sql_went_back = False
        self._max_links, self._max_floors = max_links, max_floors
        first = dict(pinned_bodies(self.control))
        first |= {wire.table_key(offer): self.control.table_body(offer) for offer in OFFERS}
        first |= {wire.pointer_key(key): self.control.link_body(OFFERS[0]) for key in KEYS[:3]}
        self.control.commit(first)
        while self.control.publish(self.redis):
            pass
        self._boot(None)

    # The worker's process

    def _boot(self, disk: OnDisk | None) -> None:
        self.cache = Cache(self._max_links, max_absences=2)
        self.sync = Sync(self.cache, Floors(self._max_floors), WORKER)
        self.errands: list[Errand] = []
        self.replies: list[tuple[Errand, Reply]] = []
        self.inbox: list[bytes] = []
        self.listening = self.caught_up = False
        self.heard_messages = len(self.redis.sent)
        self.waiting: dict[Key, int] = {}
        self.acked_place = 0
        self.served: dict[tuple[Key, str], Version] = {}
        if disk is not None:
            self._restore(disk)

    def _restore(self, disk: OnDisk) -> None:
        pinned = {key: disk.values[key] for key in (wire.DOMAINS, wire.SALTS)}
        assert self.sync.restore(disk.oldest, disk.newest, self.now_s, pinned)
        self._note_ack()
        self.sync.knew(disk.last)
        for key, version in disk.withdrawn.items():
            self.sync.floors.raise_key(key, version)
        for link in KEYS:
            self.recall(link)

    def recall(self, key: Key) -> Entry | None:
        """Ask the snapshot for a link, as a miss does when Redis does not answer."""
        if self.disk is None:
            return None
        pointer = self.disk.values.get(wire.pointer_key(key))
        if pointer is None or self.cache.peek(key) is not None:
            return None
        offer = wire.decode_value(pointer, wire.pointer_key(key)).body["offer"]
        found = self.sync.recall(key, pointer, self.disk.values[wire.table_key(offer)], self.disk.oldest.version)
        self.seen["recalled"] += found is not None
        return found

    def restart(self, *, killed: bool) -> None:
        """The worker starts again, from its last snapshot if it was killed, else from a last one it keeps."""
        if not killed:
            self.keep()
        self.seen["restarted"] += 1
        self._boot(self.disk)
        self.check()

    def keep(self) -> None:
        """Keep a snapshot of what is held."""
        holdings = self.sync.holdings
        if self.sync.acked == Version(0, 0):
            return
        values = dict(holdings.pinned())
        for key in list(self.cache):
            entry = self.cache.peek(key)
            if entry is not None and not self.sync.is_refused(entry):
                values[wire.table_key(entry.home.offer)] = entry.home.raw
                values[wire.pointer_key(key)] = holdings.publish(entry)
        self.disk = OnDisk(self.sync.held_from, self.sync.held_to, values, {})
        self.sync.kept(self.sync.acked)

    # Control

    def commit(self) -> None:
        """Somebody edits, creates, moves or deletes, sometimes several things at once."""
        control, random = self.control, self.random
        changes: dict[str, bytes | None] = {}
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            key, offer = wire.pointer_key(random.choice(KEYS)), random.choice(OFFERS)
            what = random.randrange(6)
            if what == 0 and control.truth.get(key, (0, None))[1] is not None:
                changes[key] = None
            elif what == 1:
                changes[wire.DOMAINS] = control.domains_body()
            elif what <= 3:
                body = control.canary_body if random.random() < 0.3 else control.table_body
                changes[wire.table_key(offer)] = body(offer)
            else:
                changes[key] = control.link_body(offer)
        if changes:
            control.commit(changes)

    def publish(self) -> None:
        """The publisher takes one step."""
        if self.control.publish(self.redis, self.sync.known, self.sync.forked):
            self.seen["loading"] += self.redis_head_state() == "loading"
        if self.listening:
            self.inbox += self.redis.sent[self.heard_messages :]
        self.heard_messages = len(self.redis.sent)

    def redis_head_state(self) -> str | None:
        head = self.redis.head()
        return head.state if head else None

    def restore_sql(self) -> None:
        """An operator restores SQL from a backup, of a time before what Redis has."""
        head = self.redis.head()
        published = head is not None and head.version == Version(self.control.epoch, self.control.sequence)
        if published and self.control.rebuilding is None and len(self.control.commits) > 3:
            self.sql_went_back = True
            self.control.restore_backup(self.random.choice((1, 2)))
            self._time_out()
            self.seen["sql went back"] += 1

    def restore_both(self) -> None:
        """SQL and Redis go back to one point, and on from there, while the worker is cut off: no head can tell that."""
        head, control = self.backup.head(), self.control
        if head is None or head.epoch != control.epoch or head.sequence >= control.sequence or not head.ready:
            return
        if control.rebuilding is not None or not control.has(head):
            return
        self.disconnect()
        self._time_out()
        self._do(self.sync.poll_failed(self.now_s))
        control.restore_backup(control.sequence - head.sequence)
        self.redis.go_back_to(self.backup)
        for _ in range(self.random.choice((0, 1, 3, 6))):
            self.commit()
        while control.publish(self.redis):
            pass
        self.replica = self.redis.copy()  # it follows the primary again, or is not asked
        self.heard_messages = len(self.redis.sent)
        self.seen["both went back"] += 1

    def _time_out(self) -> None:
        """What was under way when control stopped has arrived or failed long before it starts again."""
        self.inbox = []
        pending = [*self.errands, *(errand for errand, _ in self.replies)]
        self.errands, self.replies = [], []
        for errand in pending:
            self._do(self._give_up(errand))

    # Messages

    def connect(self) -> None:
        """The worker (re)subscribes; what was published meanwhile is lost to it."""
        self.listening, self.inbox = True, []
        self._do(self.sync.subscribed(self.now_s))

    def disconnect(self) -> None:
        """The connection breaks and the worker notices."""
        self.listening, self.inbox = False, []
        self._do(self.sync.disconnected(self.now_s))

    def deliver(self, *, place: int = 0, keep: bool = False) -> None:
        """A message arrives, not always the oldest, and perhaps again later."""
        if self.inbox:
            message = self.inbox[place % len(self.inbox)]
            if not keep:
                self.inbox.remove(message)
            self._do(self.sync.announced(message, self.now_s))

    def lose(self) -> None:
        """A message is lost without a sound."""
        if self.inbox:
            self.inbox.pop(self.random.randrange(len(self.inbox)))
            self.seen["message lost"] += 1

    # Questions and answers

    def poll(self) -> None:
        """The worker looks at the head."""
        if not any(isinstance(errand, Poll) for errand in [*self.errands, *(asked for asked, _ in self.replies)]):
            self.errands.append(Poll(self.sync.known))

    def click(self, key: Key) -> None:
        """A visitor clicks."""
        found = self.cache.lookup(key)
        if found is None:
            self.waiting.setdefault(key, self.acked_place)
            self._do(self.sync.want(key))
        else:
            self._answered(key, found, self.acked_place)

    def execute(self, place: int = 0, *, lagging: bool = False) -> None:
        """Redis (or a replica that lags) answers a question; the answer is on its way."""
        if self.errands:
            errand = self.errands.pop(place % len(self.errands))
            self.replies.append((errand, self._reply(errand, self.replica if lagging else self.redis)))
            self.seen["replica lagged"] += lagging

    def arrive(self, place: int = 0) -> None:
        """An answer arrives."""
        if self.replies:
            errand, reply = self.replies.pop(place % len(self.replies))
            self._do(self._take(errand, reply))

    def fail(self, place: int = 0) -> None:
        """A question is not answered in time; what was held goes on being served."""
        if self.errands:
            held = set(self.cache)
            effects = self._give_up(self.errands.pop(place % len(self.errands)))
            assert set(self.cache) == held, "I7: a failure of Redis took a link away"
            self._do(effects)
            self.seen["question failed"] += 1

    def tick(self) -> None:
        """Time passes."""
        self.now_s += self.random.choice((0.05, 0.3, 3.0))
        self._do(self.sync.tick(self.now_s))

    # Redis

    def flush(self) -> None:
        """Somebody flushes Redis."""
        self.redis.flush()
        self.seen["flushed"] += 1

    def back_up(self) -> None:
        """A replica stops following, or a backup is made."""
        self.backup, self.sql_went_back = self.redis.copy(), False

    def roll_back(self) -> None:
        """A failover or a restart loses the last writes."""
        if self.sql_went_back:
            return
        self.redis.go_back_to(self.backup)
        self.control.rebuilding = None  # a rebuild breaks off with its connection
        self.seen["redis went back"] += 1

    def lag(self) -> None:
        """The replica catches up to now, and lags from now on."""
        self.replica = self.redis.copy()

    def trim(self) -> None:
        """The log is cut."""
        self.redis.trim(self.random.randrange(2))
        self.seen["log trimmed"] += 1

    def corrupt(self) -> None:
        """A value is damaged, replaced by that of another key, or of a schema from the future."""
        keys = sorted(key for key in self.redis.values if key[1] == ":")
        if keys and self.redis_head_state() == "ready":
            key, other = self.random.choice(keys), self.random.choice(keys)
            version = self.redis.head().version  # type: ignore[union-attr]
            bad = (b"{", self.redis.values[other], wire.encode_value(version, key, b'{"schema":99}'))
            damaged = self.random.choice(bad)
            if damaged != self.redis.values[key]:
                self.redis.values[key] = damaged
                self.poison.add(damaged)
                self.seen["corrupted"] += 1

    # Inside

    def _reply(self, errand: Errand, redis: MemoryRedis) -> Reply:
        if isinstance(errand, Fetch):
            return redis.miss(errand.key)
        if isinstance(errand, ReadLog):
            return redis.page(errand.after)
        return redis.read(errand.keys) if isinstance(errand, Reread) else redis.head()

    def _take(self, errand: Errand, reply: Reply) -> list[Effect]:
        if isinstance(errand, Fetch):
            assert isinstance(reply, Miss)
            return self.sync.fetched({errand.key: reply}, self.now_s)
        if isinstance(errand, ReadLog):
            assert isinstance(reply, Page)
            return self.sync.paged(reply, self.now_s)
        if isinstance(errand, Reread):
            assert isinstance(reply, Reading)
            return self.sync.reread(errand.keys, reply, self.now_s)
        assert reply is None or isinstance(reply, Head)
        return self.sync.polled(reply, errand.asked, self.now_s)

    def _give_up(self, errand: Errand) -> list[Effect]:
        if isinstance(errand, Fetch):
            return self.sync.fetch_failed(errand.key, self.now_s)
        if isinstance(errand, ReadLog):
            return self.sync.page_failed(self.now_s)
        if isinstance(errand, Reread):
            return self.sync.reread_failed(errand.keys, self.now_s)
        return self.sync.poll_failed(self.now_s)

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Answer):
                acked = self.waiting.pop(effect.key, self.acked_place)
                found = effect.found if effect.found is not None else self.recall(effect.key)
                if found is not None:
                    self._answered(effect.key, found, acked)
            elif isinstance(effect, Withdraw):
                self._withdraw(effect)
            elif isinstance(effect, Ack):
                assert effect.version == self.sync.acked
                self._note_ack()
            else:
                self._start(effect)
        self.check()

    def _note_ack(self) -> None:
        """Remember where in the timeline the worker has got to: its version alone says less, if history forked."""
        self.acked_place = self.control.index_of[self.sync.held_from]

    def _start(self, errand: Fetch | ReadLog | Reread) -> None:
        under_way = [*self.errands, *(asked for asked, _ in self.replies)]
        if isinstance(errand, Fetch):
            assert errand not in under_way, "I8: two fetches of one key"
        else:
            assert not any(type(other) is type(errand) for other in under_way), f"two {type(errand).__name__}"
        self.errands.append(errand)

    def _withdraw(self, effect: Withdraw) -> None:
        if not effect.keys:
            self.disk = None
        elif self.disk is not None:
            self.disk.withdrawn |= dict.fromkeys(effect.keys, effect.version)
            if effect.hash:
                self.disk.last = Link(effect.version, effect.hash)

    def _answered(self, key: Key, found: object, acked: int) -> None:
        """Check an answer against all that was true since `acked`, the worker's place when the visitor came."""
        published = wire.pointer_key(key)
        allowed = self.control.allowed(published, acked)
        if found is ABSENT:
            assert TOMBSTONE in allowed, f"I4/I5: {key.slug} exists and was answered 404"
            self.seen["answered absent"] += 1
            return
        assert isinstance(found, Entry)
        assert found.key == key, "I12: another key's entry"
        nacked = {nack.key for nack in self.sync.nacks.listed()}
        table = wire.table_key(found.pointer.offer)
        if published not in nacked:
            assert found.pointer.link in allowed, f"I3/I6: {key.slug} is served as it was before {acked}"
        if table not in nacked:
            revision = str(found.table.revision)
            assert revision in self.control.allowed(table, acked), f"I3: an old table of {table} is served"
        for part, version in (("", found.pointer_version), (found.pointer.offer, found.table_version)):
            assert version >= self.served.get((key, part), Version(0, 0)), f"I1: {key.slug} went back"
            self.served[key, part] = version
        self.seen["served"] += 1
        if b'"salt"' in found.home.raw:
            sides = orjson.loads(found.home.raw)["body"]
            self.seen[f"canary's {'new' if sides['new']['revision'] == found.table.revision else 'stable'} side"] += 1

    def check(self) -> None:
        """Check what must hold between any two steps."""
        sync = self.sync
        assert sync.acked <= sync.heard
        assert len(self.cache) <= self._max_links
        assert len(sync.floors) <= self._max_floors
        self.seen[sync.state] += 1
        self.seen["held replies"] += bool(sync.misses._held)
        self.seen["revalidating"] += bool(sync.revalidation)
        self.seen["nacked"] += bool(sync.nacks.listed())
        self.seen["rolled back seen"] += sync._standing.rolled_back
        self.seen["fork seen"] += sync._standing.forked
        self.seen["pages staged"] += sync._catch_up.under_way
        if self._validated():
            self._check_all_held(self.acked_place)

    def _validated(self) -> bool:
        """Whether the worker claims that all it holds is as of what it heard; a snapshot may be newer in parts."""
        self.caught_up |= self.sync.state == SYNCED
        return self.caught_up and self.sync._validated and self.sync.acked == self.sync.heard

    def _check_all_held(self, index: int) -> None:
        """What is held is exactly what was true at the version heard: in order, and a transaction's keys together."""
        nacked = {nack.key for nack in self.sync.nacks.listed()}
        for key in self.cache:
            entry = self.cache.peek(key)
            assert entry is not None
            parts = {
                wire.pointer_key(key): entry.pointer.link,
                wire.table_key(entry.pointer.offer): str(entry.table.revision),
            }
            for published, tag in parts.items():
                if published not in nacked:
                    assert tag == self.control.state_at(published, index), f"I9: {published} is not as of {index}"

    # Begin and end

    def warm_up(self) -> None:
        """The worker catches up, visitors fill its memory, and a backup is made."""
        self._calm(self.now_s + 1.0)
        for key in KEYS:
            self.click(key)
            self._calm(self.now_s + 0.1)
        self.back_up()

    def heal(self) -> None:
        """All faults end; within 3 s the worker serves SQL's latest, for every key."""
        for key, raw in self.redis.values.items():
            if raw in self.poison:
                self.control.commit({key: self._healthy(key)})
        self._calm(self.now_s + 3.0)
        assert self.sync.state == SYNCED, f"I2: {self.sync.state} long after the faults"
        head = self.redis.head()
        assert head is not None
        assert self.sync.acked == head.version, "I2: not everything was acked"
        assert not self.sync.nacks.listed() or self.seen["corrupted"]
        for link in KEYS:
            self.click(link)
            self._calm(self.now_s + 0.1)
            self._check_latest(link)

    def _healthy(self, key: str) -> bytes | None:
        if self.control.truth.get(key, (0, None))[1] is None and key.startswith("k:"):
            return None
        return self.control.table_body(key[2:]) if key.startswith("o:") else self.control.link_body(OFFERS[0])

    def _calm(self, until_s: float) -> None:
        """Let everything work as it should until then, in turns of a few milliseconds."""
        if not self.listening:
            self.connect()
        next_poll_s = self.now_s
        while self.now_s < until_s:
            self.now_s += 0.005
            while self.control.publish(self.redis, self.sync.known, self.sync.forked):
                pass
            self.publish()
            while self.inbox:
                self.deliver()
            if self.now_s >= next_poll_s:
                self.poll()
                next_poll_s = self.now_s + 1.0
            for _ in range(len(self.errands)):
                self.execute()
            while self.replies:
                self.arrive()
            self._do(self.sync.tick(self.now_s))
            if self._nothing_left():
                break

    def _nothing_left(self) -> bool:
        latest = Version(self.control.epoch, self.control.sequence)
        at_rest = self.control.rebuilding is None and not self.errands
        return at_rest and self.sync.state == SYNCED and self.sync.acked == latest

    def _check_latest(self, key: Key) -> None:
        truth = body_tag(self.control.truth.get(wire.pointer_key(key), (0, None))[1])
        found = self.cache.lookup(key)
        tag = found.pointer.link if isinstance(found, Entry) else TOMBSTONE
        assert tag == truth, f"I2: {key.slug} serves {tag}, SQL says {truth}"
        if isinstance(found, Entry):
            table = wire.table_key(found.pointer.offer)
            assert str(found.table.revision) == body_tag(self.control.truth[table][1]), "I2: an old table"
