"""Keeping saved tests."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from control import destinations
from control.access.roles import Caller
from control.audit.service import record
from control.db import now_ms
from control.destinations import UrlRules
from control.errors import Faults, FieldError, Problem
from control.fields import utc
from control.ids import new_id
from control.insight.test_visitor import VisitorIn, attributes_of
from control.offers import store as offers
from control.offers.models import OfferRow
from control.parts import Parts
from control.savedtests import store
from control.savedtests.models import SavedTestRow
from control.savedtests.schemas import (
    MAX_TESTS,
    Expected,
    SavedTest,
    SavedTestIn,
    SavedTestPatch,
)
from control.smartlinks import store as smart_links
from shared.table import FALLBACK, OFF

_FIELDS: Final = ("name", "visitor", "rule_id", "destination_url", "destination_final")
"""Columns that say what a test is; they go along with a copy."""


def show(row: SavedTestRow) -> SavedTest:
    """Return a saved test as the API gives it."""
    return SavedTest(
        id=row.id,
        offer_id=row.offer_id,
        name=row.name,
        visitor=VisitorIn(**row.visitor),
        expected=expected_of(row),
        created_at=utc(row.created_at),
    )


def as_written(row: SavedTestRow) -> SavedTestIn:
    """Return a saved test as a request would write it."""
    return SavedTestIn(name=row.name, visitor=VisitorIn(**row.visitor), expected=expected_of(row))


async def everyone(parts: Parts, offer_id: str) -> list[SavedTest]:
    """Return an offer's saved tests, oldest first. Raises Problem 404."""
    async with parts.db.read() as session:
        offer = await offers.require(session, offer_id)
        return [show(row) for row in await store.of_offer(session, offer.id)]


async def get(parts: Parts, offer_id: str, test_id: str) -> SavedTest:
    """Return one saved test. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(await store.require(session, offer_id, test_id))


async def create(parts: Parts, caller: Caller, offer_id: str, wanted: SavedTestIn) -> SavedTest:
    """Add a saved test; it may fail right now. Raises Problem 404; 409 for a taken name or one too many; 422."""
    fields = checked(wanted, UrlRules(parts.settings.app_schemes))
    async with parts.db.write() as session:
        offer = await offers.require(session, offer_id)
        await _require_rule(session, offer, wanted.expected)
        await _require_room(session, offer)
        await _require_free(session, offer.id, wanted.name)
        row = await _add(session, caller, offer.id, fields)
        return show(row)


async def update(parts: Parts, caller: Caller, offer_id: str, test_id: str, wanted: SavedTestPatch) -> SavedTest:
    """Change a saved test. Raises Problem 404, 409 for a taken name, 422."""
    async with parts.db.write() as session:
        offer = await offers.require(session, offer_id)
        row = await store.require(session, offer.id, test_id)
        before = show(row)
        whole = SavedTestIn(
            **{"name": row.name, "visitor": before.visitor, "expected": before.expected} | wanted.given()
        )
        fields = checked(whole, UrlRules(parts.settings.app_schemes))
        if whole.expected != before.expected:
            await _require_rule(session, offer, whole.expected)
        if whole.name != row.name:
            await _require_free(session, offer.id, whole.name)
        await _change(session, caller, row, fields)
        return show(row)


async def delete(parts: Parts, caller: Caller, offer_id: str, test_id: str) -> SavedTest:
    """Delete a saved test. Raises Problem 404."""
    async with parts.db.write() as session:
        row = await store.require(session, offer_id, test_id)
        await session.delete(row)
        await record(session, caller, "saved_test.delete", row.id, before=show(row), after=None)
    return show(row)


async def copy(
    session: AsyncSession, caller: Caller, offer_id: str, to_offer_id: str, rule_ids: Mapping[str, str]
) -> None:
    """Give one offer the saved tests of another, in the caller's transaction; `rule_ids` maps the rules of both.

    A test of a rule that the offer no longer has is left behind.
    """
    known = {FALLBACK: FALLBACK, OFF: OFF, **rule_ids}
    for row in await store.of_offer(session, offer_id):
        if row.rule_id is None or row.rule_id in known:
            fields = {name: getattr(row, name) for name in _FIELDS}
            await _add(session, caller, to_offer_id, fields | {"rule_id": row.rule_id and known[row.rule_id]})


async def put(parts: Parts, caller: Caller, offer_id: str, wanted: Sequence[SavedTestIn]) -> None:
    """Add saved tests, or change those of the same name; their rules may come with a save that follows.

    Raises Problem 404; 409 for one too many; 422.
    """
    async with parts.db.write() as session:
        offer = await offers.require(session, offer_id)
        for test in wanted:
            fields = checked(test, UrlRules(parts.settings.app_schemes))
            row = await store.named(session, offer.id, test.name)
            if row is None:
                await _require_room(session, offer)
                await _add(session, caller, offer.id, fields)
            elif any(getattr(row, name) != value for name, value in fields.items()):
                await _change(session, caller, row, fields)


def check(wanted: SavedTestIn, urls: UrlRules, faults: Faults) -> dict[str, Any]:
    """Return the columns that a test is stored in, its attributes as rules name them; note what is wrong with it."""
    final = None
    if wanted.expected.destination_url is not None:
        found = destinations.check(wanted.expected.destination_url, "expected.destination_url", urls, faults.errors)
        final = found.url if found else None
    try:
        attributes = attributes_of(wanted.visitor)
    except Problem as problem:
        faults.errors.extend(problem.errors)
        attributes = {}
    return {
        "name": wanted.name,
        "visitor": wanted.visitor.model_dump(exclude_defaults=True) | attributes,
        "rule_id": wanted.expected.rule_id,
        "destination_url": wanted.expected.destination_url,
        "destination_final": final,
    }


def checked(wanted: SavedTestIn, urls: UrlRules) -> dict[str, Any]:
    """Return the columns that a test is stored in. Raises Problem 422."""
    faults = Faults()
    fields = check(wanted, urls, faults)
    faults.raise_if_any()
    return fields


def expected_of(row: SavedTestRow) -> Expected:
    """Return what a stored test expects."""
    return Expected(rule_id=row.rule_id, destination_url=row.destination_url)


async def _add(session: AsyncSession, caller: Caller, offer_id: str, fields: Mapping[str, Any]) -> SavedTestRow:
    row = SavedTestRow(id=new_id("t"), offer_id=offer_id, created_at=now_ms(), **fields)
    session.add(row)
    await session.flush()
    await record(session, caller, "saved_test.create", row.id, before=None, after=show(row))
    return row


async def _change(session: AsyncSession, caller: Caller, row: SavedTestRow, fields: Mapping[str, Any]) -> None:
    before = show(row)
    for name, value in fields.items():
        setattr(row, name, value)
    await record(session, caller, "saved_test.update", row.id, before=before, after=show(row))


async def _require_rule(session: AsyncSession, offer: OfferRow, expected: Expected) -> None:
    if expected.rule_id is None or expected.rule_id in (FALLBACK, OFF):
        return
    rules = (await smart_links.current(session, offer)).rules
    if expected.rule_id not in {rule["id"] for rule in rules}:
        message = f"{offer.slug} has no rule {expected.rule_id}; a rule gets its id when it is saved."
        raise Problem.invalid([FieldError("expected.rule_id", "unknown_rule", message)])


async def _require_room(session: AsyncSession, offer: OfferRow) -> None:
    if await store.count(session, offer.id) >= MAX_TESTS:
        raise Problem.conflict("too_many_tests", f"An offer has at most {MAX_TESTS} saved tests.")


async def _require_free(session: AsyncSession, offer_id: str, name: str) -> None:
    if await store.named(session, offer_id, name) is not None:
        raise Problem.conflict("name_taken", f"This offer has a saved test called {name} already.", "name")
