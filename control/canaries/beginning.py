"""A canary begins with a save, and ends with any other, inside the transaction of that save."""

from secrets import token_hex
from typing import Any, Final

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.canaries import drawing
from control.canaries.drawing import Draw
from control.canaries.models import CanaryRow
from control.canaries.schemas import Outcome
from control.canaries.verdict import Verdict
from control.db import now_ms
from control.errors import Problem
from control.offers.models import OfferRow
from control.parts import Live
from control.publishing.fleet import Fleet
from shared.rules import OfferStatus

_MAX_REASON_CHARS: Final = 500


async def drawn(live: Live, share: int | None) -> Draw | None:
    """Return who gets a canary of `share` percent, None where none is asked for.

    Raises Problem 409 where the fleet cannot serve one; 503 while Redis, where edges report, does not answer.
    """
    return None if share is None else drawing.draw(await fleet_of(live), share, lambda: token_hex(4))


async def fleet_of(live: Live) -> Fleet:
    """Return the edges. Raises Problem 503 while Redis does not answer."""
    try:
        return await live.fleet()
    except (RedisError, OSError) as exc:
        detail = "The rules Redis, where edges report, does not answer: nobody knows which workers there are."
        raise Problem(503, "redis_unavailable", detail, headers={"Retry-After": "1"}) from exc


def require_possible(offer: OfferRow, running: CanaryRow | None) -> None:
    """Raise Problem 409 where a canary runs on an offer, or nothing can be learnt from one."""
    if running is not None:
        message = "A canary runs on this offer: promote or withdraw it first, or save for everyone."
        raise Problem.conflict("canary_running", message)
    if offer.status != OfferStatus.ACTIVE:
        raise Problem.conflict("offer_not_active", f"The offer is {offer.status}: no rule decides its clicks.")


async def follow(
    session: AsyncSession, caller: Caller, offer: OfferRow, running: CanaryRow | None, draw: Draw | None
) -> CanaryRow | None:
    """Begin a canary of the revision that was just written, or end the one that ran; return the one that runs now.

    The caller sets its `sequence` once it is known.
    """
    if draw is None:
        if running is not None:
            await end(session, caller, running, Outcome.REPLACED)
        return None
    row = CanaryRow(
        offer_id=offer.id,
        revision=offer.revision,
        stable_revision=offer.revision - 1,
        share=draw.split.share,
        salt=draw.split.salt,
        picked=draw.picked,
        processes=dict(draw.processes),
        sequence=0,
        author_kind=caller.kind,
        author_id=caller.id,
        author_name=caller.name,
        started_at=now_ms(),
        cause="",
        reason="",
    )
    session.add(row)
    await record(session, caller, "smart_link.canary_begin", offer.id, before=None, after=_told(row))
    return row


async def resize(session: AsyncSession, caller: Caller, row: CanaryRow, draw: Draw) -> None:
    """Give a canary to other workers, as `draw` says; what is published next is the caller's."""
    before = _told(row)
    row.share, row.picked, row.processes = draw.split.share, draw.picked, dict(draw.processes)
    await record(session, caller, "smart_link.canary_resize", row.offer_id, before=before, after=_told(row))


async def end(
    session: AsyncSession, caller: Caller, row: CanaryRow, outcome: Outcome, verdict: Verdict | None = None
) -> None:
    """Note that a canary is over, how and why; what is published next is the caller's."""
    before = _told(row)
    row.ended_at, row.outcome = now_ms(), outcome
    if verdict is not None:
        row.cause, row.reason = verdict.cause, verdict.reason[:_MAX_REASON_CHARS]
    row.ended_kind, row.ended_id, row.ended_name = caller.kind, caller.id, caller.name
    after = before | {"outcome": outcome, "cause": row.cause, "reason": row.reason}
    await record(session, caller, "smart_link.canary_end", row.offer_id, before=before, after=after)


def _told(row: CanaryRow) -> dict[str, Any]:
    names = ("revision", "stable_revision", "share")
    return {name: getattr(row, name) for name in names} | {"workers": row.picked, "of": len(row.processes)}
