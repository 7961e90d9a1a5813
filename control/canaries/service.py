"""A canary that runs: how it goes, to everyone, and back."""

from collections.abc import Iterable

from redis.exceptions import RedisError
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.canaries import beginning, store
from control.canaries.beginning import end, fleet_of
from control.canaries.drawing import redraw, workers_of
from control.canaries.figures import Figures, figures
from control.canaries.models import CanaryRow
from control.canaries.published import for_edges
from control.canaries.schemas import CanaryRefusal, CanaryState, Outcome, Side, shown, tried
from control.canaries.verdict import Verdict, refusals, split_of
from control.errors import Problem
from control.offers import store as offers
from control.offers.compiled import draft_of
from control.parts import Parts
from control.publishing import outbox
from control.publishing.fleet import Fleet
from control.smartlinks import store as smart_links
from control.smartlinks.schemas import SavedSmartLink
from control.smartlinks.store import Newest
from control.smartlinks.surroundings import surroundings_of
from control.smartlinks.writing import Guard, Saved, go_live, require_unedited, table_of, write
from shared.canary import Split


async def state(parts: Parts, offer_id: str) -> CanaryState:
    """Return how the canary of an offer goes, as far as edges and clicks tell. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        row = await store.running(session, offer.id)
        last = tried(await store.last_ended(session, offer.id))
    if row is None:
        return CanaryState(canary=None, new=None, stable=None, refusals=[], last=last)
    fleet = await _fleet(parts)
    clicks = await figures(parts.clicks_db, offer.id, row.started_at)
    names = workers_of(fleet)
    picked = sum(map(split_of(row).picks, names))
    refused = [CanaryRefusal(edge=each.edge, key=each.key, reason=each.reason) for each in refusals(row, fleet)]
    return CanaryState(
        canary=shown(row),
        new=_side(row.revision, picked, clicks.get(row.revision)),
        stable=_side(row.stable_revision, len(names) - picked, clicks.get(row.stable_revision)),
        refusals=refused,
        last=last,
    )


async def sizes(parts: Parts, offer_id: str, shares: Iterable[int]) -> dict[int, int]:
    """Return share -> how many of the workers that live it comes to, of those `shares` that a canary can be given.

    Nothing where none runs, or where a share would leave one side without workers.
    """
    async with parts.db.read() as session:
        row = await store.running(session, offer_id)
    if row is None:
        return {}
    names = workers_of(await _fleet(parts))
    found = {share: sum(map(Split(share, row.salt).picks, names)) for share in shares}
    return {share: picked for share, picked in found.items() if 0 < picked < len(names)}


async def promote(parts: Parts, caller: Caller, offer_id: str, *, guard: Guard, wait_s: float) -> SavedSmartLink:
    """Publish a canary's revision to everyone. Raises Problem 404; 409 where none runs; 412 as a save does."""
    async with parts.db.write() as session:
        newest = await require_unedited(session, offer_id, guard)
        await end(session, caller, _require_running(newest), Outcome.PROMOTED)
        saved = await _publish_anew(session, parts, newest._replace(canary=None))
    return await go_live(parts, saved, wait_s)


async def resize(
    parts: Parts, caller: Caller, offer_id: str, share: int, *, guard: Guard, wait_s: float
) -> SavedSmartLink:
    """Publish a canary to another share of the workers; a larger one only adds some.

    Raises Problem 404; 409 where none runs, or the share leaves one side without workers; 412 as a save does; 503.
    """
    fleet = await fleet_of(parts.live)
    async with parts.db.write() as session:
        newest = await require_unedited(session, offer_id, guard)
        row = _require_running(newest)
        await beginning.resize(session, caller, row, redraw(fleet, Split(share, row.salt)))
        saved = await _publish_anew(session, parts, newest)
    return await go_live(parts, saved, wait_s)


async def withdraw(
    parts: Parts, caller: Caller, offer_id: str, *, guard: Guard, wait_s: float, verdict: Verdict | None = None
) -> SavedSmartLink:
    """Publish what was stable to everyone, as a new revision; `verdict` is why, where nobody asked for it.

    Saved tests are not held against it: it was live before, and is on most workers now. Raises Problem 404; 409 where
    none runs; 412 as a save does.
    """
    async with parts.db.write() as session:
        newest = await require_unedited(session, offer_id, guard)
        row = _require_running(newest)
        await end(session, caller, row, Outcome.WITHDRAWN, verdict)
        stable = row.stable_revision
        draft = draft_of(await smart_links.revision(session, newest.offer.id, stable))
        saved = await write(session, parts, caller, newest._replace(canary=None), draft, restored_from=stable)
    return await go_live(parts, saved, wait_s)


async def _publish_anew(session: AsyncSession, parts: Parts, newest: Newest) -> Saved:
    """Put what an offer is now, with the canary that still runs on it, into the outbox."""
    offer, revision, running = newest
    draft = draft_of(revision)
    appended = await outbox.append(session, [table_of(await for_edges(session, offer, draft))])
    around = await surroundings_of(session, parts.settings, offer)
    return Saved(revision, draft, around, appended, running)


def _require_running(newest: Newest) -> CanaryRow:
    row = newest.canary
    if row is None or row.revision != newest.offer.revision:
        raise Problem.conflict("no_canary", "No canary runs on this offer.")
    return row


async def _fleet(parts: Parts) -> Fleet:
    """Return who is heard from; nobody while Redis does not answer."""
    try:
        return await parts.live.fleet()
    except (RedisError, OSError):
        return ()


def _side(revision: int, workers: int, found: Figures | None) -> Side:
    clicks = found or Figures()
    share = clicks.share if clicks.clicks else None
    return Side(
        revision=revision, workers=workers, clicks=clicks.clicks, fallback=clicks.fallback, fallback_share=share
    )
