"""What is wrong once may be an edit on its way; what is wrong in the same way for longer is a difference. Pure."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from control.auditor.judgement import Answer
from shared.key import Key

GRACE_S: Final = 10.0
"""How long an answer may go on being wrong: edits are live in milliseconds, and within 3 s after faults have healed."""


class Place(NamedTuple):
    """Where something was asked: a slug of one worker of one edge."""

    edge: str
    slot: int
    key: Key

    @property
    def link(self) -> str:
        """The slug as it is told, `<domain>/<slug>`."""
        return "/".join(self.key)


@dataclass(frozen=True, slots=True)
class Doubt:
    """One wrong answer, as it was first heard at `since_s` (monotonic) and has been ever since."""

    says: str
    served: tuple[int, int | None, int | None]
    since_s: float


class Doubts:
    """Wrong answers by place. An answer that is wrong in another way than before begins anew: something moves there."""

    def __init__(self, grace_s: float = GRACE_S) -> None:
        self._grace_s = grace_s
        self._doubts: dict[Place, Doubt] = {}
        self._found: dict[Place, Doubt] = {}

    @property
    def keys(self) -> list[Key]:
        """What is to be asked again, the longest wrong first."""
        return list(dict.fromkeys(place.key for place in self._doubts))

    @property
    def found(self) -> dict[Place, Doubt]:
        """What has been wrong for longer than an edit may travel."""
        return dict(self._found)

    def note(self, place: Place, says: str, answer: Answer, now_s: float) -> bool:
        """Note an answer (`says` "": it is right) and tell whether a new difference was found."""
        if not says:
            self.drop(place)
            return False
        served = (answer.status, answer.table_sequence, answer.link_sequence)
        before = self._doubts.get(place)
        if place in self._found:
            self._doubts[place] = self._found[place] = Doubt(says, served, self._found[place].since_s)
            return False
        if before is None or before.served != served:
            self._doubts.pop(place, None)
            self._doubts[place] = Doubt(says, served, now_s)
            return False
        if now_s - before.since_s < self._grace_s:
            return False
        self._found[place] = before
        return True

    def drop(self, place: Place) -> None:
        """Forget a place: it is right now."""
        self._doubts.pop(place, None)
        self._found.pop(place, None)

    def keep_only(self, edges: set[str]) -> None:
        """Forget the places of all other edges, which are gone."""
        for place in [place for place in self._doubts if place.edge not in edges]:
            self.drop(place)
