"""Exporting, planning and importing."""

import asyncio
from typing import Any, Final

from pydantic import BaseModel

from control.access.roles import Caller
from control.configuration import export, text
from control.configuration.apply import apply
from control.configuration.document import Document
from control.configuration.plan import Plan, Step, plan
from control.configuration.schemas import Change, FieldChange, ImportResult
from control.destinations import UrlRules
from control.parts import Parts

MAX_CHANGES: Final = 1_000


async def export_document(parts: Parts) -> Document:
    """Return the whole configuration."""
    async with parts.db.read() as session:
        return await export.current(session)


async def import_text(parts: Parts, caller: Caller, raw: bytes, media_type: str, *, planned: bool) -> ImportResult:
    """Make everything in a document so, or say what that would change. Nothing that it does not name is touched.

    Importing the same document again changes nothing. Raises Problem 422 before anything is done; 409 where
    somebody else's edit came between.
    """
    wanted = await asyncio.to_thread(text.read, raw, media_type)
    current = await export_document(parts)
    found = await asyncio.to_thread(plan, current, wanted, UrlRules(parts.settings.app_schemes))
    if not planned:
        await apply(parts, caller, found.steps)
    return _result(found, planned)


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
