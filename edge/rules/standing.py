"""Where Redis stands towards what was heard: reachable, loading, flushed, rolled back, forked; learnt from heads."""

from enum import Enum
from typing import Final

from edge.rules.chain import Chain, Link
from shared.wire import Head, Version

PATIENCE_S: Final = 0.4
"""How long questions may fail before Redis counts as gone: one slow answer must not turn all misses away."""

LAG_S: Final = 3.0
"""How long a replica may lack what its primary has before its rules count as stale; lag is milliseconds."""


class Relation(Enum):
    """What a head means for what was heard."""

    LOST = "there is no head, it went back, or it is of another history"
    OLD = "it was read before what was heard since"
    LEVEL = "it is what was heard"
    AHEAD = "there is more to hear"
    START_OVER = "another lineage, or one that cannot be proven the same: everything held must be read again"


class Standing:
    """Flags of doubt, each lifted by the head that settles it.

    `forked`: SQL and Redis both went back and moved on, so that one version is two things. Only a new lineage, or the
    head that was heard, settles it.
    """

    def __init__(self) -> None:
        self.reachable = False
        self.listening = False
        self.loading = False
        self.flushed = False
        self.rolled_back = False
        self.forked = False
        self.lagging = False
        self.chain = Chain()
        self._answered_s = 0.0
        self._owed = Version(0, 0)
        self._owed_s = 0.0

    @property
    def sound(self) -> bool:
        """Whether the data set can be read on from: it is there, and goes on from what was heard."""
        return not self.flushed and not self.rolled_back and not self.forked

    def answered(self, now_s: float) -> None:
        """Note that Redis answered, whatever it was."""
        self.reachable, self._answered_s = True, now_s

    def failed(self, now_s: float) -> None:
        """Note that it did not."""
        self.reachable = self.reachable and now_s - self._answered_s < PATIENCE_S

    def owed(self, version: Version, heard: Version, now_s: float) -> None:
        """Note that the primary has `version`, while what is read, from a replica perhaps, led up to `heard`."""
        if version > heard >= self._owed:
            self._owed, self._owed_s = version, now_s

    def passed(self, heard: Version, now_s: float) -> None:
        """Note how late it is: what has been owed for long tells of a replica that no longer follows."""
        self.lagging = self._owed > heard and now_s - self._owed_s >= LAG_S

    def observe(self, head: Head | None, asked: Version, heard: Version) -> Relation:
        """Learn from a head that was asked for when `asked` was heard, `heard` being what has been heard since."""
        self.flushed = head is None
        if head is None:
            return Relation.LOST
        if head.version < asked:
            self.rolled_back = True
            return Relation.LOST
        if head.version < heard:
            return Relation.OLD
        if head.epoch > heard.epoch:
            self.rolled_back = self.forked = False
            self.loading = not head.ready
            return Relation.START_OVER
        return self._same_lineage(head, heard)

    def _same_lineage(self, head: Head, heard: Version) -> Relation:
        level = head.version == heard
        same = level and self.chain.heard.hash == head.hash
        if not self.chain.leads_to(head) or (self.forked and not same):
            self.forked = True
            return Relation.LOST
        proven = not self.rolled_back or same
        was_loading, self.loading = self.loading, not head.ready
        self.rolled_back = self.forked = False
        if level:
            self.chain.moved(Link(heard, head.hash))
        if not proven or (was_loading and head.ready):
            return Relation.START_OVER
        return Relation.LEVEL if level else Relation.AHEAD
