"""Reading, saving and restoring smart links: every save is a new revision, published in the same transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.service import record
from control.destinations import UrlRules
from control.errors import FieldError, Problem
from control.fields import utc
from control.offers import store as offers
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.pagination import Cursor, Page, page_of
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import table_change
from control.publishing.outbox import Change
from control.savedtests import holding
from control.smartlinks import revisions, store
from control.smartlinks.diff import difference
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.models import RevisionRow
from control.smartlinks.schemas import (
    Author,
    Propagation,
    Revision,
    RevisionEntry,
    SavedSmartLink,
    SmartLink,
    SmartLinkIn,
    Warning,
)
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import warnings_of


@dataclass(frozen=True, slots=True)
class Guard:
    """What the caller believes to edit: revisions that `If-Match` names; None accepts any."""

    revisions: frozenset[int] | None = None


async def get(parts: Parts, offer_id: str) -> SmartLink:
    """Return an offer's smart link as it stands. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        return revisions.show(await store.current(session, offer))


async def save(
    parts: Parts,
    caller: Caller,
    offer_id: str,
    wanted: SmartLinkIn,
    *,
    guard: Guard,
    wait_s: float,
    override_tests: bool = False,
) -> SavedSmartLink:
    """Store and publish a smart link; wait up to `wait_s` for it to be live everywhere.

    Raises Problem 404; 412 with the current state where `guard` does not hold; 409 where saved tests fail, unless an
    admin overrides them; 422.
    """
    draft = check_draft(wanted, UrlRules(parts.settings.app_schemes))
    async with parts.db.write() as session:
        offer = await _require_unedited(session, offer_id, guard)
        saved = await _write(session, parts, caller, offer, draft, override_tests=override_tests)
    return await _go_live(parts, saved, wait_s)


async def restore(
    parts: Parts,
    caller: Caller,
    offer_id: str,
    number: int,
    *,
    guard: Guard,
    wait_s: float,
    override_tests: bool = False,
) -> SavedSmartLink:
    """Store and publish what revision `number` was, as a new revision. Raises Problem 404, 409, 412 as `save` does."""
    async with parts.db.write() as session:
        offer = await _require_unedited(session, offer_id, guard)
        draft = draft_of(await store.revision(session, offer.id, number))
        saved = await _write(session, parts, caller, offer, draft, override_tests=override_tests, restored_from=number)
    return await _go_live(parts, saved, wait_s)


async def history(parts: Parts, offer_id: str, cursor: Cursor) -> Page[RevisionEntry]:
    """Return one page of an offer's revisions, newest first, each with what it changed. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        query = select(RevisionRow).where(RevisionRow.offer_id == offer.id)
        rows, following = await page_of(session, query, RevisionRow.number, cursor)
        earlier = await store.before(session, rows)
    items = [RevisionEntry(**_entry(row, earlier.get(row.revision))) for row in rows]
    return Page[RevisionEntry](items=items, next_cursor=following)


async def revision(parts: Parts, offer_id: str, number: int) -> Revision:
    """Return one revision, whole. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        row = await store.revision(session, offer.id, number)
        earlier = await store.before(session, [row])
    return Revision(**_entry(row, earlier.get(row.revision)), smart_link=revisions.show(row))


async def warnings(parts: Parts, offer_id: str, wanted: SmartLinkIn) -> list[Warning]:
    """Return what a save of `wanted` would warn of, new rules called `new-<place>`. Raises Problem 404, 422."""
    draft = check_draft(wanted, UrlRules(parts.settings.app_schemes)).numbered()
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        return warnings_of(draft, await surroundings_of(session, parts.settings, offer))


def table_of(offer: OfferRow, draft: CheckedDraft) -> Change:
    """Return what publishes an offer's table. Raises Problem 422 where it is too large for the edges."""
    try:
        return table_change(compiled_offer(offer, draft))
    except ValueError as exc:
        raise Problem.invalid([FieldError("rules", "too_large", f"These rules are too much: {exc}.")]) from exc


@dataclass(frozen=True, slots=True)
class _Saved:
    link: SmartLink
    sequence: int
    warnings: Sequence[Warning]


async def _require_unedited(session: AsyncSession, offer_id: str, guard: Guard) -> OfferRow:
    offer = await offers.require(session, offer_id)
    if guard.revisions is None or offer.revision in guard.revisions:
        return offer
    current = revisions.show(await store.current(session, offer))
    raise Problem(
        412,
        "edit_conflict",
        f"The smart link is at revision {offer.revision} by now; yours began at another.",
        extra={"current": current.model_dump(mode="json")},
        headers={"ETag": f'"{offer.revision}"'},
    )


async def _write(
    session: AsyncSession,
    parts: Parts,
    caller: Caller,
    offer: OfferRow,
    draft: CheckedDraft,
    *,
    override_tests: bool,
    restored_from: int | None = None,
) -> _Saved:
    before = revisions.show(await store.current(session, offer))
    overridden = await holding.hold(
        session, parts, caller, offer, draft, revision=offer.revision + 1, override=override_tests
    )
    around = await surroundings_of(session, parts.settings, offer)
    written = await revisions.write(session, caller, offer, draft, restored_from=restored_from, overridden=overridden)
    with session.no_autoflush:  # the revision is written once, with its sequence
        written.row.sequence = await outbox.append(session, [table_of(offer, written.draft)])
    after = revisions.show(written.row)
    action = "smart_link.update" if restored_from is None else "smart_link.restore"
    await record(session, caller, action, offer.id, before=before, after=after)
    return _Saved(after, written.row.sequence, warnings_of(written.draft, around))


async def _go_live(parts: Parts, saved: _Saved, wait_s: float) -> SavedSmartLink:
    await parts.live.publish()
    reached = await parts.live.wait_live(saved.sequence, wait_s)
    return SavedSmartLink(
        **saved.link.model_dump(),
        sequence=saved.sequence,
        warnings=list(saved.warnings),
        propagation=Propagation.of_reach(reached),
    )


def _entry(row: RevisionRow, earlier: RevisionRow | None) -> dict[str, object]:
    before = None if earlier is None else revisions.show(earlier).model_dump()
    return {
        "revision": row.revision,
        "created_at": utc(row.created_at),
        "author": Author(kind=row.author_kind, id=row.author_id, name=row.author_name),
        "restored_from": row.restored_from,
        "sequence": row.sequence,
        "overridden_tests": row.overridden_tests,
        "diff": difference(before, revisions.show(row).model_dump()),
    }
