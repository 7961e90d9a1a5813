"""Whether a canary must be taken back, and why. Pure."""

from collections.abc import Collection
from enum import StrEnum
from typing import Final, NamedTuple

from control.canaries.drawing import outdated, workers_of
from control.canaries.figures import Figures
from control.canaries.models import CanaryRow
from control.clicks.decisions import JUMP, MIN_CLICKS
from control.publishing.fleet import Fleet, Refusal
from shared.canary import Split
from shared.wire import table_key, worker_name

SILENT_S: Final = 15.0
"""How long a worker of the canary may be silent: a failover of Redis keeps all of them from saying anything."""


class Cause(StrEnum):
    """What harm a canary did."""

    REFUSED = "refused"  # an edge does not take up what was published
    OUTDATED = "outdated"  # an edge came that knows no canaries
    CRASHED = "crashed"  # a worker that serves it died
    SILENT = "silent"  # a worker that serves it is not heard from any more
    FALLBACK = "fallback"  # its rules match far fewer people than the stable ones


class Verdict(NamedTuple):
    """Why a canary is taken back: what kind of harm, and what was seen."""

    cause: Cause
    reason: str


def split_of(row: CanaryRow) -> Split:
    """Return which workers serve a canary."""
    return Split(row.share, row.salt)


def refusals(row: CanaryRow, fleet: Fleet) -> list[Refusal]:
    """Return who refuses what was published for the offer since its canary began."""
    key = table_key(row.offer_id)
    found = (
        Refusal(edge.host, nack.key, nack.reason)
        for edge in fleet
        for lease in edge.heard
        for nack in lease.nacks
        if nack.key == key and nack.sequence >= row.sequence
    )
    return list(dict.fromkeys(found))


def silent(row: CanaryRow, fleet: Fleet) -> set[str]:
    """Return the workers of a canary, of those that lived when it began, whose leases have lapsed."""
    lapsed = {worker_name(edge.host, slot) for edge in fleet for slot in edge.lapsed}
    return {name for name in lapsed & row.processes.keys() if split_of(row).picks(name)}


def of_fleet(row: CanaryRow, fleet: Fleet, silenced: Collection[str]) -> Verdict | None:
    """Return what the edges say against a canary; `silenced` are those of `silent` that have been so for long."""
    if refused := refusals(row, fleet):
        return Verdict(Cause.REFUSED, f"{refused[0].edge} refuses it: {refused[0].reason}.")
    if old := outdated(fleet):
        return Verdict(Cause.OUTDATED, f"{old[0]} runs a release that knows no canaries.")
    if crashed := _crashed(row, fleet):
        return Verdict(Cause.CRASHED, f"{crashed[0]}, which served it, crashed.")
    if silenced:
        return Verdict(Cause.SILENT, f"{min(silenced)}, which served it, is not heard from any more.")
    return None


def of_clicks(new: Figures, stable: Figures) -> Verdict | None:
    """Return what the clicks say against a canary: a share of fallback higher by a fifth of all clicks."""
    if min(new.clicks, stable.clicks) < MIN_CLICKS or new.share - stable.share < JUMP:
        return None
    return Verdict(
        Cause.FALLBACK, f"No rule matched {new.share:.0%} of its clicks, but {stable.share:.0%} of the stable ones."
    )


def _crashed(row: CanaryRow, fleet: Fleet) -> list[str]:
    """Return the workers of a canary whose process stands in for one that died since it began."""
    picks = split_of(row).picks
    return [
        name
        for name, lease in sorted(workers_of(fleet).items())
        if lease.replaced and lease.boot not in row.processes.values() and picks(name)
    ]
