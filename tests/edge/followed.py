"""A state machine with a model of Redis and control around it, its questions answered when the test says so."""

from collections.abc import Iterable

from edge.rules.cache import Absent, Cache, Entry
from edge.rules.effects import Ack, Answer, Effect, Fetch, ReadLog, Reread, Withdraw
from edge.rules.floors import Floors
from edge.rules.sync import Sync
from shared import wire
from shared.key import Key
from tests.simulation.control import Changes, Control, pinned_bodies
from tests.simulation.memory_redis import MemoryRedis


class Followed:
    """`questions` wait until `answer_all`; `messages` until `hear_all`. In sync from the start, with an offer `o_1`."""

    def __init__(self, max_links: int = 100, max_floors: int = 100, *, synced: bool = True, worker: str = "") -> None:
        self.now_s = 0.0
        self.control = Control()
        self.redis = MemoryRedis()
        self.cache = Cache(max_links)
        self.sync = Sync(self.cache, Floors(max_floors), worker)
        self.questions: list[Fetch | ReadLog | Reread] = []
        self.answers: list[Answer] = []
        self.acks: list[Ack] = []
        self.withdrawn: list[Withdraw] = []
        self._published = 0
        first = {**pinned_bodies(self.control), "o:o_1": self.control.table_body("o_1")}
        self.publish(first)
        self.messages()
        if synced:
            self.do(self.sync.subscribed(self.now_s))
            self.answer_all()

    # Control

    def publish(self, changes: Changes) -> int:
        """Commit and publish one transaction; its message waits."""
        sequence = self.control.commit(changes)
        self.carry()
        return sequence

    def carry(self) -> None:
        """Publish what is pending, by a rebuild where that is needed."""
        while self.control.publish(self.redis):
            pass

    def put(self, *slugs: str, offer: str = "o_1") -> int:
        """Publish new pointers of some slugs, in one transaction."""
        return self.publish({wire.pointer_key(Key("_", slug)): self.control.link_body(offer) for slug in slugs})

    def put_table(self, offer: str = "o_1") -> int:
        """Publish a new table."""
        return self.publish({wire.table_key(offer): self.control.table_body(offer)})

    def delete(self, slug: str) -> int:
        """Publish that a slug is no more."""
        return self.publish({wire.pointer_key(Key("_", slug)): None})

    def messages(self) -> list[bytes]:
        """Return the messages published since the last call."""
        new = self.redis.sent[self._published :]
        self._published = len(self.redis.sent)
        return new

    # The worker

    def do(self, effects: Iterable[Effect]) -> None:
        """Note effects; questions wait."""
        for effect in effects:
            if isinstance(effect, Answer):
                self.answers.append(effect)
            elif isinstance(effect, Ack):
                self.acks.append(effect)
            elif isinstance(effect, Withdraw):
                self.withdrawn.append(effect)
            else:
                self.questions.append(effect)

    def hear(self, *messages: bytes) -> None:
        """Deliver messages."""
        for message in messages:
            self.do(self.sync.announced(message, self.now_s))

    def hear_all(self) -> None:
        """Deliver what was published since the last call."""
        self.hear(*self.messages())

    def answer(self, question: Fetch | ReadLog | Reread, redis: MemoryRedis | None = None) -> None:
        """Answer one question from Redis as it is, or from another."""
        redis = redis or self.redis
        if isinstance(question, Fetch):
            self.do(self.sync.fetched({question.key: redis.miss(question.key)}, self.now_s))
        elif isinstance(question, ReadLog):
            self.do(self.sync.paged(redis.page(question.after), self.now_s))
        else:
            self.do(self.sync.reread(question.keys, redis.read(question.keys), self.now_s))

    def answer_all(self) -> None:
        """Answer every question, and those that follow."""
        while self.questions:
            self.answer(self.questions.pop(0))

    def poll(self, redis: MemoryRedis | None = None) -> None:
        """Look at the head."""
        self.do(self.sync.polled((redis or self.redis).head(), self.sync.known, self.now_s))

    def settle(self) -> None:
        """Let a second pass in which everything works: the head is polled and every question answered."""
        self.now_s += 1.0
        self.poll()
        self.answer_all()
        self.do(self.sync.tick(self.now_s))
        self.answer_all()

    def click(self, slug: str) -> Entry | Absent | None:
        """Return what a visitor gets, questions answered at once; None: unavailable."""
        key = Key("_", slug)
        found = self.cache.lookup(key)
        if found is None:
            self.do(self.sync.want(key))
            self.answer_all()
            found = self.answers.pop().found
        return found

    def held(self, slug: str) -> Entry | Absent | None:
        """Return what memory answers."""
        return self.cache.lookup(Key("_", slug))

    def tag(self, slug: str) -> str | None:
        """Return which pointer memory serves, None where it serves none."""
        found = self.held(slug)
        return found.pointer.link if isinstance(found, Entry) else None

    def revision(self, slug: str) -> int | None:
        """Return which table memory serves."""
        found = self.held(slug)
        return found.table.revision if isinstance(found, Entry) else None

    def latest(self, slug: str) -> str:
        """Return the tag of the pointer that SQL has."""
        return self.control.state_at(wire.pointer_key(Key("_", slug)), len(self.control.timeline))

    def latest_revision(self, offer: str = "o_1") -> int:
        """Return the revision of the table that SQL has."""
        return int(self.control.state_at(wire.table_key(offer), len(self.control.timeline)))
