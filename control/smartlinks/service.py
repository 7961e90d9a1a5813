"""Reading, saving and restoring smart links: every save is a new revision, published in the same transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.canaries import beginning
from control.canaries import store as canaries
from control.canaries.models import CanaryRow
from control.canaries.schemas import tried
from control.destinations import UrlRules
from control.fields import utc
from control.offers import store as offers
from control.offers.compiled import draft_of
from control.pagination import Cursor, Page, page_of
from control.parts import Parts
from control.savedtests import holding
from control.smartlinks import revisions, store
from control.smartlinks.diff import difference
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.models import RevisionRow
from control.smartlinks.schemas import (
    Author,
    LiveSmartLink,
    OverriddenTest,
    Revision,
    RevisionEntry,
    SavedSmartLink,
    SmartLinkIn,
    Warning,
)
from control.smartlinks.store import Newest
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.warnings import warnings_of
from control.smartlinks.writing import Guard, go_live, live, require_unedited, write


async def get(parts: Parts, offer_id: str) -> LiveSmartLink:
    """Return an offer's smart link as it stands. Raises Problem 404."""
    async with parts.db.read() as session:
        return live(await store.newest(session, offer_id))


async def save(
    parts: Parts,
    caller: Caller,
    offer_id: str,
    wanted: SmartLinkIn,
    *,
    guard: Guard,
    wait_s: float,
    override_tests: bool = False,
    canary: int | None = None,
) -> SavedSmartLink:
    """Store and publish a smart link; wait up to `wait_s` for it to be live everywhere.

    `canary` is the percentage of workers that get it at first, None: all; it then ends the one that runs. Raises
    Problem 404; 412 with the current state where `guard` does not hold; 409 where saved tests fail, unless an admin
    overrides them, or a canary cannot begin; 422; 503 where a canary is asked for while Redis does not answer.
    """
    draft = check_draft(wanted, UrlRules(parts.settings.app_schemes))
    draw = await beginning.drawn(parts.live, canary)
    async with parts.db.write() as session:
        newest = await require_unedited(session, offer_id, guard)
        if draw is not None:
            beginning.require_possible(newest.offer, newest.canary)
        overridden = await _hold(session, parts, caller, newest, draft, override=override_tests)
        saved = await write(session, parts, caller, newest, draft, overridden=overridden, draw=draw)
    return await go_live(parts, saved, wait_s)


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
        newest = await require_unedited(session, offer_id, guard)
        draft = draft_of(await store.revision(session, newest.offer.id, number))
        overridden = await _hold(session, parts, caller, newest, draft, override=override_tests)
        saved = await write(session, parts, caller, newest, draft, overridden=overridden, restored_from=number)
    return await go_live(parts, saved, wait_s)


async def history(parts: Parts, offer_id: str, cursor: Cursor) -> Page[RevisionEntry]:
    """Return one page of an offer's revisions, newest first, each with what it changed. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        query = select(RevisionRow).where(RevisionRow.offer_id == offer.id)
        rows, following = await page_of(session, query, RevisionRow.number, cursor)
        earlier = await store.before(session, rows)
        tries = await canaries.of_revisions(session, offer.id, [row.revision for row in rows])
    items = [RevisionEntry(**_entry(row, earlier.get(row.revision), tries.get(row.revision))) for row in rows]
    return Page[RevisionEntry](items=items, next_cursor=following)


async def revision(parts: Parts, offer_id: str, number: int) -> Revision:
    """Return one revision, whole. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        row = await store.revision(session, offer.id, number)
        earlier = await store.before(session, [row])
        tries = await canaries.of_revisions(session, offer.id, [row.revision])
    entry = _entry(row, earlier.get(row.revision), tries.get(row.revision))
    return Revision(**entry, smart_link=revisions.show(row))


async def warnings(parts: Parts, offer_id: str, wanted: SmartLinkIn) -> list[Warning]:
    """Return what a save of `wanted` would warn of, new rules called `new-<place>`. Raises Problem 404, 422."""
    draft = check_draft(wanted, UrlRules(parts.settings.app_schemes)).numbered()
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        return warnings_of(draft, await surroundings_of(session, parts.settings, offer))


async def _hold(
    session: AsyncSession, parts: Parts, caller: Caller, newest: Newest, draft: CheckedDraft, *, override: bool
) -> list[OverriddenTest]:
    """Ask the saved tests whether `draft` may be the revision after `newest`; see `hold`."""
    following = newest.offer.revision + 1
    return await holding.hold(session, parts, caller, newest.offer, draft, revision=following, override=override)


def _entry(row: RevisionRow, earlier: RevisionRow | None, canary: CanaryRow | None) -> dict[str, object]:
    return {
        "revision": row.revision,
        "created_at": utc(row.created_at),
        "author": Author(kind=row.author_kind, id=row.author_id, name=row.author_name),
        "restored_from": row.restored_from,
        "sequence": row.sequence,
        "overridden_tests": row.overridden_tests,
        "canary": tried(canary),
        "diff": difference(None if earlier is None else _stored(earlier), _stored(row)),
    }


def _stored(row: RevisionRow) -> Mapping[str, Any]:
    """Return what a revision is compared by, as it is stored: a page of history compares thousands of rules."""
    return {"enabled": row.enabled, "fallback_url": row.fallback_url, "rules": row.rules}
