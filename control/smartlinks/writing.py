"""Storing a smart link inside the caller's transaction, and having it published after."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.canaries import beginning, published
from control.canaries.drawing import Draw
from control.canaries.models import CanaryRow
from control.canaries.schemas import shown
from control.errors import FieldError, Problem
from control.offers.compiled import draft_of
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import table_change
from control.publishing.outbox import Appended, Change
from control.smartlinks import revisions, store
from control.smartlinks.drafts import CheckedDraft
from control.smartlinks.models import RevisionRow
from control.smartlinks.schemas import LiveSmartLink, OverriddenTest, Propagation, SavedSmartLink
from control.smartlinks.store import Newest
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import Surroundings, warnings_of
from shared import canary
from shared.rules import Offer


@dataclass(frozen=True, slots=True)
class Guard:
    """What the caller believes to edit: revisions that `If-Match` names; None accepts any."""

    revisions: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """What is stored, and what of it is to be published; what there is to say of it can wait until it is."""

    revision: RevisionRow
    draft: CheckedDraft
    around: Surroundings
    appended: Appended
    canary: CanaryRow | None = None


def table_of(what: Offer | canary.Canary) -> Change:
    """Return what publishes an offer's table. Raises Problem 422 where it is too large for the edges."""
    try:
        return table_change(what)
    except ValueError as exc:
        raise Problem.invalid([FieldError("rules", "too_large", f"These rules are too much: {exc}.")]) from exc


def live(newest: Newest) -> LiveSmartLink:
    """Return an offer's newest smart link, and whether it is on some workers only."""
    return LiveSmartLink(**revisions.plain(newest.revision), canary=shown(newest.canary))


async def require_unedited(session: AsyncSession, offer_id: str, guard: Guard) -> Newest:
    """Return an offer as it stands. Raises Problem 404; 412 with the current state where `guard` does not hold."""
    newest = await store.newest(session, offer_id)
    revision = newest.offer.revision
    if guard.revisions is None or revision in guard.revisions:
        return newest
    raise Problem(
        412,
        "edit_conflict",
        f"The smart link is at revision {revision} by now; yours began at another.",
        extra={"current": live(newest).model_dump(mode="json")},
        headers={"ETag": f'"{revision}"'},
    )


async def write(
    session: AsyncSession,
    parts: Parts,
    caller: Caller,
    newest: Newest,
    draft: CheckedDraft,
    *,
    overridden: Sequence[OverriddenTest] = (),
    restored_from: int | None = None,
    draw: Draw | None = None,
) -> Saved:
    """Store `draft` as the revision after `newest`, and in the outbox: for whom `draw` says, else for everyone."""
    offer, current, running = newest
    around = await surroundings_of(session, parts.settings, offer)
    written = await revisions.write(session, caller, offer, draft, restored_from=restored_from, overridden=overridden)
    with session.no_autoflush:  # the revision is written once, with its sequence
        row = await beginning.follow(session, caller, offer, running, draw)
        what = published.sides(offer, written.draft, row, draft_of(current))
        appended = await outbox.append(session, [table_of(what)])
    written.row.sequence = appended.sequence
    if row is not None:
        row.sequence = appended.sequence
    before, after = revisions.plain(current), revisions.plain(written.row)
    action = "smart_link.update" if restored_from is None else "smart_link.restore"
    await record(session, caller, action, offer.id, before=before, after=after)
    return Saved(written.row, written.draft, around, appended, row)


async def go_live(parts: Parts, saved: Saved, wait_s: float) -> SavedSmartLink:
    """Publish what was committed; wait up to `wait_s` for it to be live everywhere."""
    await parts.live.publish(saved.appended)
    sequence = saved.appended.sequence
    reached = await parts.live.wait_live(sequence, wait_s)
    return SavedSmartLink(
        **revisions.plain(saved.revision),
        canary=shown(saved.canary),
        sequence=sequence,
        warnings=warnings_of(saved.draft, saved.around),
        propagation=Propagation.of_reach(reached),
    )
