"""Exporting, planning and importing."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel

from control.access.roles import Caller
from control.configuration import export, text
from control.configuration.apply import apply
from control.configuration.document import Document, OfferDoc
from control.configuration.plan import Plan, Step, plan
from control.configuration.schemas import Change, FieldChange, ImportResult
from control.destinations import UrlRules, finalise
from control.parts import Parts
from control.savedtests import holding, running
from control.smartlinks.drafts import check_draft
from shared.rules import Offer

MAX_CHANGES: Final = 1_000
_HELD: Final = frozenset({"smart_link", "destination_url"})
"""What decides where visitors go: a change of it is held against the saved tests."""


async def export_document(parts: Parts) -> Document:
    """Return the whole configuration."""
    async with parts.db.read() as session:
        return await export.current(session)


async def import_text(
    parts: Parts, caller: Caller, raw: bytes, media_type: str, *, planned: bool, override_tests: bool = False
) -> ImportResult:
    """Make everything in a document so, or say what that would change. Nothing that it does not name is touched.

    Importing the same document again changes nothing. Raises Problem 422, or 409 where an offer would fail saved tests
    that are not overridden, before anything is done; 409 where somebody else's edit came between.
    """
    wanted = await asyncio.to_thread(text.read, raw, media_type)
    current = await export_document(parts)
    urls = UrlRules(parts.settings.app_schemes)
    found = await asyncio.to_thread(plan, current, wanted, urls)
    if not override_tests:
        await _hold(parts, found.steps, urls)
    if not planned:
        await apply(parts, caller, found.steps, override_tests=override_tests)
    return _result(found, planned)


async def _hold(parts: Parts, steps: Sequence[Step], urls: UrlRules) -> None:
    """Refuse offers that fail the saved tests that they would have. Raises Problem 409."""
    for step in steps:
        doc = step.wanted
        is_held = step.action == "create" or not _HELD.isdisjoint(step.fields)
        if isinstance(doc, OfferDoc) and doc.smart_link and is_held:
            link = check_draft(doc.smart_link, urls).numbered().as_smart_link()
            offer = Offer(doc.slug, doc.slug, finalise(doc.destination_url, urls).url, link)
            found = await holding.try_out(parts.classifier, offer, doc.tests, urls)
            if found.failed:
                raise running.refusal(found, of=f"{doc.slug}: ")


def _result(found: Plan, planned: bool) -> ImportResult:
    created = sum(step.action == "create" for step in found.steps)
    return ImportResult(
        planned=planned,
        created=created,
        updated=len(found.steps) - created,
        unchanged=found.unchanged,
        changes=[_change(step) for step in found.steps[:MAX_CHANGES]],
    )


def _change(step: Step) -> Change:
    fields = [
        FieldChange(field=name, before=_plain(before), after=_plain(after))
        for name, (before, after) in step.fields.items()
    ]
    return Change(kind=step.kind, action=step.action, key=step.key, fields=fields)


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json", exclude_defaults=True) if isinstance(value, BaseModel) else value
