"""Storing a smart link inside the caller's transaction, and having it published after."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.canaries import beginning, published
from control.canaries import store as canaries
from control.canaries.drawing import Draw
from control.canaries.schemas import Canary, shown
from control.errors import FieldError, Problem
from control.offers import store as offers
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import table_change
from control.publishing.outbox import Change
from control.smartlinks import revisions, store
from control.smartlinks.drafts import CheckedDraft
from control.smartlinks.schemas import LiveSmartLink, OverriddenTest, Propagation, SavedSmartLink, SmartLink, Warning
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import warnings_of
from shared import canary
from shared.rules import Offer


@dataclass(frozen=True, slots=True)
class Guard:
    """What the caller believes to edit: revisions that `If-Match` names; None accepts any."""

    revisions: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is stored and will be published under `sequence`."""

    link: SmartLink
    sequence: int
    warnings: Sequence[Warning]
    canary: Canary | None = None


def table_of(what: Offer | canary.Canary) -> Change:
    """Return what publishes an offer's table. Raises Problem 422 where it is too large for the edges."""
    try:
        return table_change(what)
    except ValueError as exc:
        raise Problem.invalid([FieldError("rules", "too_large", f"These rules are too much: {exc}.")]) from exc


async def live(session: AsyncSession, offer: OfferRow) -> LiveSmartLink:
    """Return an offer's newest smart link, and whether it is on some workers only."""
    link = revisions.show(await store.current(session, offer))
    return LiveSmartLink(**link.model_dump(), canary=shown(await canaries.running(session, offer.id)))


async def require_unedited(session: AsyncSession, offer_id: str, guard: Guard) -> OfferRow:
    """Return an offer. Raises Problem 404; 412 with the current state where `guard` does not hold."""
    offer = await offers.require(session, offer_id)
    if guard.revisions is None or offer.revision in guard.revisions:
        return offer
    current = await live(session, offer)
    raise Problem(
        412,
        "edit_conflict",
        f"The smart link is at revision {offer.revision} by now; yours began at another.",
        extra={"current": current.model_dump(mode="json")},
        headers={"ETag": f'"{offer.revision}"'},
    )


async def write(
    session: AsyncSession,
    parts: Parts,
    caller: Caller,
    offer: OfferRow,
    draft: CheckedDraft,
    *,
    overridden: Sequence[OverriddenTest] = (),
    restored_from: int | None = None,
    draw: Draw | None = None,
) -> Saved:
    """Store `draft` as the next revision and in the outbox: for whom `draw` says, else for everyone."""
    current = await store.current(session, offer)
    running = await canaries.running(session, offer.id)
    around = await surroundings_of(session, parts.settings, offer)
    written = await revisions.write(session, caller, offer, draft, restored_from=restored_from, overridden=overridden)
    with session.no_autoflush:  # the revision is written once, with its sequence
        row = await beginning.follow(session, caller, offer, running, draw)
        what = published.sides(offer, written.draft, row, draft_of(current))
        written.row.sequence = await outbox.append(session, [table_of(what)])
    if row is not None:
        row.sequence = written.row.sequence
    before, after = revisions.show(current), revisions.show(written.row)
    action = "smart_link.update" if restored_from is None else "smart_link.restore"
    await record(session, caller, action, offer.id, before=before, after=after)
    return Saved(after, written.row.sequence, warnings_of(written.draft, around), shown(row))


async def go_live(parts: Parts, saved: Saved, wait_s: float) -> SavedSmartLink:
    """Publish what was committed; wait up to `wait_s` for it to be live everywhere."""
    await parts.live.publish()
    reached = await parts.live.wait_live(saved.sequence, wait_s)
    return SavedSmartLink(
        **saved.link.model_dump(),
        canary=saved.canary,
        sequence=saved.sequence,
        warnings=list(saved.warnings),
        propagation=Propagation.of_reach(reached),
    )
