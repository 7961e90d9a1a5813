"""Asking the saved tests of an offer: on a draft while it is written, and at every save, which they may refuse."""

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.guard import require_role
from control.access.roles import Caller, Role
from control.audit.service import record
from control.destinations import UrlRules
from control.insight.classifier import Classifier
from control.insight.test_visitor import VisitorIn, visitor_of
from control.offers import store as offers
from control.offers.compiled import compiled_offer, draft_of
from control.offers.models import OfferRow
from control.parts import Parts
from control.savedtests import running, store
from control.savedtests.models import SavedTestRow
from control.savedtests.running import Case
from control.savedtests.schemas import RunIn, SavedTestIn, SavedTestReport
from control.savedtests.service import checked, expected_of
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
from control.smartlinks.schemas import OverriddenTest
from shared.rules import Offer


async def run(parts: Parts, offer_id: str, wanted: RunIn) -> SavedTestReport:
    """Return what becomes of an offer's saved tests, on a draft if given. Raises Problem 404, 422."""
    given = None if wanted.draft is None else check_draft(wanted.draft, UrlRules(parts.settings.app_schemes))
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        draft = given.numbered() if given else draft_of(await smart_links.current(session, offer))
        rows = await store.of_offer(session, offer.id)
    cases = [await _case(parts.classifier, row) for row in rows]
    return running.report(cases, compiled_offer(offer, draft), why=wanted.trace)


async def hold(
    session: AsyncSession,
    parts: Parts,
    caller: Caller,
    offer: OfferRow,
    draft: CheckedDraft,
    *,
    revision: int,
    override: bool,
) -> list[OverriddenTest]:
    """Refuse a save that fails saved tests, inside its transaction, or note in the audit log that it was overridden.

    `revision` is what the smart link is at after the save. Return the tests that fail and were overridden. Raises
    Problem 409 with every failing test and why; 403 where `override` is asked for by anybody but an admin.
    """
    if override:
        require_role(caller, Role.ADMIN)
    rows = await store.of_offer(session, offer.id)
    if not rows:
        return []
    cases = [await _case(parts.classifier, row) for row in rows]
    found = running.report(cases, compiled_offer(offer, draft.numbered()))
    if found.failed and not override:
        raise running.refusal(found)
    overridden = [OverriddenTest(id=test.id, name=test.name, message=test.message) for test in running.failing(found)]
    if overridden:
        after = {"revision": revision, "tests": [test.model_dump() for test in overridden]}
        await record(session, caller, "saved_test.override", offer.id, before=None, after=after)
    return overridden


async def try_out(
    classifier: Classifier, offer: Offer, tests: Sequence[SavedTestIn], urls: UrlRules
) -> SavedTestReport:
    """Return what becomes of tests that are not stored yet, on an offer that need not be either."""
    cases = []
    for test in tests:
        fields = checked(test, urls)
        visitor = await visitor_of(classifier, test.visitor)
        cases.append(Case(test.name, test.name, visitor, test.expected, fields["destination_final"]))
    return running.report(cases, offer)


async def _case(classifier: Classifier, row: SavedTestRow) -> Case:
    visitor = await visitor_of(classifier, VisitorIn(**row.visitor))
    return Case(row.id, row.name, visitor, expected_of(row), row.destination_final)
