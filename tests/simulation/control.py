"""A model of control: SQL with its history, and a publisher that follows the rules of publishing.

Every body carries a tag that no other body ever has, so that what a worker serves tells which commit it came from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, Protocol

import orjson

from shared import wire
from shared.canary import Canary, Split, compile_canary
from shared.domains import compile_domains, compile_salts
from shared.pointer import Pointer, compile_pointer
from shared.rules import Offer
from shared.table import compile_offer
from shared.wire import Announcement, Head, Version

Changes = Mapping[str, bytes | None]

NOWHERE = Version(0, 0)

TOMBSTONE = "deleted"
"""The tag of a key that does not exist."""

WORKER = "edge-1/0"
"""The name of the one worker there is; of a canary it serves the side that its name draws."""


class Store(Protocol):
    """What the publisher needs of Redis: one atomic step each."""

    def read_head(self) -> bytes | None: ...
    def write(self, step: "Step") -> None: ...
    def stored(self, key: str) -> bytes | None: ...
    def clear_log(self) -> None: ...


class Step(NamedTuple):
    """What one script does: values set, entries appended to the log, the head moved, messages published."""

    values: Mapping[str, bytes]
    entries: Sequence[tuple[int, bytes]]
    head: bytes
    messages: Sequence[bytes]


class Commit(NamedTuple):
    """One transaction, its changes in their order; `place` is that in the timeline just after it."""

    sequence: int
    changes: Changes
    hash: str
    place: int


class Event(NamedTuple):
    """One key's new tag at one place of the timeline."""

    key: str
    tag: str


def body_tag(raw: bytes | None) -> str:
    """Return the tag of a body."""
    if raw is None:
        return TOMBSTONE
    body = orjson.loads(raw)
    if isinstance(body, dict) and "salt" in body:
        body = body["new" if Split(body["share"], body["salt"]).picks(WORKER) else "stable"]
    if not isinstance(body, dict):
        return "not a body"
    newest = sorted(body.get("domains") or body.get("salts") or ["?"])[-1]
    return str(body.get("link") or body.get("revision") or newest)


@dataclass
class Control:
    """`timeline` is all that ever was true in SQL, in order, whatever history it belonged to.

    `index_of` says where in it a version of one history (its chain hash) was the latest.
    """

    epoch: int = 1
    sequence: int = 0
    hash: str = "genesis"
    truth: dict[str, tuple[int, bytes | None]] = field(default_factory=dict)
    commits: list[Commit] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)
    index_of: dict[tuple[Version, str], int] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    rebuilding: list[str] | None = None
    _number: int = 0

    # What people do

    def tag(self) -> str:
        """Return a tag never used before."""
        self._number += 1
        return f"t{self._number}"

    def link_body(self, offer: str) -> bytes:
        """A pointer's body."""
        return compile_pointer(Pointer(offer, link=self.tag()))

    def table_body(self, offer: str) -> bytes:
        """A table's body; its revision is its tag."""
        self._number += 1
        return compile_offer(Offer(offer, offer[2:], "https://yourbrand.com/", revision=self._number))

    def canary_body(self, offer: str) -> bytes:
        """The body of a canary, both of whose sides are new, for whichever workers its tag draws."""
        new, stable = (Offer(offer, offer[2:], "https://yourbrand.com/", revision=self._number + n) for n in (1, 2))
        self._number += 2
        return compile_canary(Canary(new, stable, Split(50, self.tag())))

    def domains_body(self) -> bytes:
        """A body of `domains`."""
        return compile_domains({"_": None, f"{self.tag()}.example.com": None})

    def commit(self, changes: Changes) -> int:
        """Commit one transaction in SQL."""
        self.sequence += 1
        self.hash = wire.chain_hash(self.hash, self.sequence, changes.items())
        for key, body in changes.items():
            self.truth[key] = (self.sequence, body)
            self.timeline.append(Event(key, body_tag(body)))
        self.commits.append(Commit(self.sequence, changes, self.hash, len(self.timeline)))
        return self.sequence

    def restore_backup(self, commits: int) -> None:
        """Put SQL back to where it was `commits` transactions ago."""
        kept = self.commits[: max(1, len(self.commits) - commits)]
        before = {key: body_tag(body) for key, (_, body) in self.truth.items()}
        self.commits, self.truth = [], {}
        self.sequence, self.hash = 0, "genesis"
        for commit in kept:
            self.sequence, self.hash = commit.sequence, commit.hash
            self.commits.append(commit)
            self.truth.update({key: (commit.sequence, body) for key, body in commit.changes.items()})
        for key, tag in before.items():
            now = body_tag(self.truth.get(key, (0, None))[1])
            if now != tag:
                self.timeline.append(Event(key, now))

    # The publisher

    def publish(self, store: Store, at_edges: Version = NOWHERE, forked: int = 0) -> bool:
        """Carry one pending transaction, or take a step of the rebuild that is needed; False where nothing is to do.

        An edge that knows more than SQL has, or has another history in the epoch `forked`, proves that SQL and Redis
        both went back.
        """
        raw = store.read_head()
        head = wire.decode_head(raw) if raw else None
        outrun = at_edges > Version(self.epoch, self.sequence) or forked == self.epoch
        if head is None or not self._fits(head) or outrun:
            self.epoch = max(self.epoch, at_edges.epoch)
            self._begin_rebuild(store, head)
            return True
        if head.sequence < self.sequence:
            self._carry(store, head)
            return True
        return not head.ready and self._rebuild_on(store, head)

    def _fits(self, head: Head) -> bool:
        if head.epoch != self.epoch or (not head.ready and self.rebuilding is None):
            return False
        return self.has(head)

    def has(self, head: Head) -> bool:
        """Whether a head is of this history."""
        return head.hash == self._hash_at(head.sequence)

    def _hash_at(self, sequence: int) -> str | None:
        if sequence == 0:
            return "genesis"
        return next((commit.hash for commit in self.commits if commit.sequence == sequence), None)

    def _carry(self, store: Store, head: Head) -> None:
        commit = next(commit for commit in self.commits if commit.sequence == head.sequence + 1)
        version = Version(self.epoch, commit.sequence)
        values = {key: wire.encode_value(version, key, body) for key, body in commit.changes.items()}
        hashes = (head.hash, commit.hash)
        entry = Announcement(self.epoch, head.sequence, commit.sequence, tuple(values), None, *hashes)
        message = replace(entry, values=tuple(values.values()))
        self.index_of[version, commit.hash] = commit.place
        moved = wire.encode_head(Head(self.epoch, commit.sequence, commit.hash, head.state))
        entries = [(commit.sequence, wire.encode_announcement(entry))]
        store.write(Step(values, entries, moved, [wire.encode_announcement(message)]))

    def _begin_rebuild(self, store: Store, head: Head | None) -> None:
        self.epoch = max(self.epoch, head.epoch if head else 0) + 1
        self.rebuilding = sorted(self.truth)
        start = wire.encode_head(Head(self.epoch, self.sequence, self.hash, "loading"))
        self.index_of[Version(self.epoch, self.sequence), self.hash] = len(self.timeline)
        store.clear_log()
        store.write(Step({}, [], start, []))

    def _rebuild_on(self, store: Store, head: Head) -> bool:
        if self.rebuilding:
            key = self.rebuilding.pop()
            sequence, body = self.truth[key]
            value = wire.encode_value(Version(self.epoch, sequence), key, body)
            stored = store.stored(key)
            if stored is None or _version(stored) < Version(self.epoch, sequence):
                store.write(Step({key: value}, [], wire.encode_head(head), []))
            return True
        self.rebuilding = None
        ready = Head(head.epoch, head.sequence, head.hash, "ready")
        message = wire.encode_announcement(Announcement(head.epoch, head.sequence, head.sequence, (), ()))
        store.write(Step({}, [], wire.encode_head(ready), [message]))
        return True

    # What a checker asks

    def state_at(self, key: str, index: int) -> str:
        """Return a key's tag at one place of the timeline."""
        return next((event.tag for event in reversed(self.timeline[:index]) if event.key == key), TOMBSTONE)

    def allowed(self, key: str, index: int) -> set[str]:
        """Return the tags that were true at one place of the timeline or at any time since."""
        return {self.state_at(key, index)} | {event.tag for event in self.timeline[index:] if event.key == key}


def pinned_bodies(control: Control) -> dict[str, bytes | None]:
    """The values every installation starts with."""
    return {wire.DOMAINS: control.domains_body(), wire.SALTS: compile_salts({"2026-11-22": "00" * 16})}


def _version(raw: bytes) -> Version:
    try:
        fields = orjson.loads(raw)
        return Version(fields["epoch"], fields["sequence"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return Version(0, 0)
