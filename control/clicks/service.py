"""One click, explained: by the revision that it saw, with the edges' own code."""

from control.clicks import store
from control.clicks.schemas import Click
from control.clicks.shown import surroundings
from control.clicks.store import FoundClick
from control.errors import Problem
from control.insight.test_visitor import RuleOutcome
from control.offers.compiled import draft_of
from control.parts import Parts
from control.smartlinks.models import RevisionRow
from shared.decision import trace
from shared.table import INACTIVE, OFF
from shared.visitor import Visitor


async def explain(parts: Parts, click_id: str) -> Click:
    """Return a click with its explanation. Raises Problem 404 where it is not ingested, or forgotten."""
    async with parts.clicks_db.read() as session:
        click = await store.find(session, click_id)
    if click is None:
        raise Problem.not_found("click; it may be on its way, or older than clicks are kept")
    async with parts.db.read() as session:
        around = await surroundings(session, [click])
    explanation = _trace(click, around.revisions.get(click.row.revision))
    return Click(**dict(around.show(click)), explanation=explanation)


def _trace(click: FoundClick, revision: RevisionRow | None) -> list[RuleOutcome]:
    if revision is None or not revision.enabled or click.texts["rule"] in (OFF, INACTIVE):
        return []
    visitor = Visitor(click.texts["country"], click.texts["device"], click.texts["os"])
    steps = trace(draft_of(revision).as_smart_link(), visitor)
    return [RuleOutcome.model_validate(step, from_attributes=True) for step in steps]
