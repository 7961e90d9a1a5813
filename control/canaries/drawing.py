"""Which workers serve a canary: drawn by a salt, so that those that come later can draw for themselves. Pure."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from control.errors import Problem
from control.publishing.fleet import Fleet
from shared.canary import Split
from shared.table import SCHEMA
from shared.wire import Lease, worker_name

_MAX_DRAWS: Final = 20_000
_MIN_SALTS: Final = 16
"""Bound the search: a draw costs a microsecond. Of two workers, one salt in fifty picks one at a share of 1 %."""


@dataclass(frozen=True, slots=True)
class Draw:
    """Who gets the new side of a canary, out of the workers that live: their names -> their boots."""

    split: Split
    processes: Mapping[str, str]

    @property
    def picked(self) -> int:
        """How many of those that live get it."""
        return sum(map(self.split.picks, self.processes))


def workers_of(fleet: Fleet) -> dict[str, Lease]:
    """Return every worker that is heard from, by name."""
    return {worker_name(edge.host, lease.slot): lease for edge in fleet for lease in edge.heard}


def outdated(fleet: Fleet) -> list[str]:
    """Return the edges with a worker that does not know canaries."""
    return [edge.host for edge in fleet if any(lease.schema < SCHEMA for lease in edge.heard)]


def draw(fleet: Fleet, share: int, salt: Callable[[], str]) -> Draw:
    """Return who of `fleet` gets a canary of `share` percent; `salt` gives a new random text at every call.

    At least one worker and at most all but one are picked. Raises Problem 409 where that cannot be, or where an edge
    does not know canaries.
    """
    processes = _able(fleet)
    return Draw(_nearest(processes, share, salt), processes)


def redraw(fleet: Fleet, split: Split) -> Draw:
    """Return who of `fleet` gets a canary whose share is changed: a larger one only adds workers.

    Raises Problem 409 as `draw` does, and where it would leave nobody on one side.
    """
    drawn = Draw(split, _able(fleet))
    if not 0 < drawn.picked < len(drawn.processes):
        side = "no worker with what was" if drawn.picked else "no worker with the canary"
        raise Problem.conflict("too_few_workers", f"A share of {split.share} % leaves {side}: choose another.")
    return drawn


def _able(fleet: Fleet) -> dict[str, str]:
    """Return the live workers, name -> boot. Raises Problem 409 where they cannot serve a canary."""
    if old := outdated(fleet):
        message = f"{', '.join(old)} cannot serve a canary yet: upgrade every edge first."
        raise Problem.conflict("older_edges", message)
    processes = {name: lease.boot for name, lease in workers_of(fleet).items()}
    if len(processes) < 2:
        raise Problem.conflict("too_few_workers", "A canary needs two live workers to compare: save for everyone.")
    return processes


def _nearest(names: Collection[str], share: int, salt: Callable[[], str]) -> Split:
    wanted = min(max(round(len(names) * share / 100), 1), len(names) - 1)
    splits = (Split(share, salt()) for _ in range(max(_MIN_SALTS, _MAX_DRAWS // len(names))))
    nearest, distance = Split(share, salt()), len(names)
    for split in splits:
        found = sum(map(split.picks, names))
        if 0 < found < len(names) and abs(found - wanted) < distance:
            nearest, distance = split, abs(found - wanted)
        if distance == 0:
            break
    return nearest
