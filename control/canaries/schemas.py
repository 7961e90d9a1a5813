"""Canaries as the API gives them."""

from enum import StrEnum

from pydantic import Field, StrictInt

from control.audit.schemas import Actor
from control.canaries.models import CanaryRow
from control.fields import Input, Output, TimeOut, example, utc
from shared.canary import SHARES


class Outcome(StrEnum):
    """How a canary ended: it went to everyone, was taken back, or made way for something saved for everyone."""

    PROMOTED = "promoted"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class Canary(Output):
    """A revision that a share of the workers serves; the others serve `stable_revision`.

    `workers` of the `of` that lived when it began were picked, as near to `share` percent as can be.
    """

    revision: int
    stable_revision: int
    share: int = Field(examples=[10])
    workers: int
    of: int
    started_at: TimeOut
    by: Actor


class TriedCanary(Canary):
    """A canary and how it ended; null and empty while it runs.

    `cause` is why Turnout itself took it back, `refused`, `outdated`, `crashed`, `silent` or `fallback`, and `reason`
    the same as a sentence; both are empty where a person ended it.
    """

    ended_at: TimeOut | None
    outcome: Outcome | None
    cause: str = Field(examples=["fallback"])
    reason: str
    ended_by: Actor | None


class CanaryShare(Input):
    """Percent of the workers that are to serve a canary."""

    model_config = example(share=50)

    share: StrictInt = Field(ge=min(SHARES), le=max(SHARES))


class Side(Output):
    """What became of one revision while the canary runs.

    `workers` serve it now. `clicks` of people since the canary began were decided by its rules or its `fallback`.
    """

    revision: int
    workers: int
    clicks: int
    fallback: int
    fallback_share: float | None = Field(description="Of its clicks; null without any", examples=[0.12])


class CanaryRefusal(Output):
    """Why one edge does not take up what was published."""

    edge: str
    key: str
    reason: str


class CanaryState(Output):
    """The canary that runs, with both of its sides, null where none does; and the last one that ended."""

    canary: Canary | None
    new: Side | None
    stable: Side | None
    refusals: list[CanaryRefusal]
    last: TriedCanary | None


def shown(row: CanaryRow | None) -> Canary | None:
    """Return a canary that runs as the API gives it."""
    return None if row is None else Canary(**_fields(row))


def tried(row: CanaryRow | None) -> TriedCanary | None:
    """Return a canary and how it ended as the API gives it."""
    if row is None:
        return None
    by = None
    if row.ended_kind is not None:
        by = Actor(kind=row.ended_kind, id=row.ended_id or "", name=row.ended_name or "")
    return TriedCanary(
        **_fields(row),
        ended_at=None if row.ended_at is None else utc(row.ended_at),
        outcome=None if row.outcome is None else Outcome(row.outcome),
        cause=row.cause,
        reason=row.reason,
        ended_by=by,
    )


def _fields(row: CanaryRow) -> dict[str, object]:
    return {
        "revision": row.revision,
        "stable_revision": row.stable_revision,
        "share": row.share,
        "workers": row.picked,
        "of": len(row.processes),
        "started_at": utc(row.started_at),
        "by": Actor(kind=row.author_kind, id=row.author_id, name=row.author_name),
    }
