"""The single clicks that a question counts, newest first, a page at a time.

Clicks lie in the order of their time, so a page reads neighbours; filters that few fit could make it read all of them.
So one page looks through a limited number, and where that ends is where the next one begins.
"""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute

from control.clicks import store
from control.clicks.attribution import attribution
from control.clicks.models import ClickRow
from control.clicks.schemas import ListedClick
from control.clicks.shapes import FOLDED, KINDS, QUARTER_MS
from control.clicks.shown import surroundings
from control.coupons.models import fold
from control.errors import FieldError, Problem
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions
from control.pagination import Page

MAX_LOOKED: Final = 20_000
"""Clicks that one page looks through for those that fit its filters."""

_KEYS: Final = (ClickRow.time_ms, ClickRow.click_id)
_NEWEST_FIRST: Final = (ClickRow.time_ms.desc(), ClickRow.click_id.desc())
_MAX_MS: Final = 2**53


class Place(NamedTuple):
    """Where a page begins: after this click, among the older ones."""

    time_ms: int
    click_id: str

    @classmethod
    def read(cls, cursor: str) -> "Place":
        """Return the place that a cursor names. Raises Problem 422."""
        time_ms, _, click_id = cursor.partition(".")
        if not (time_ms.isascii() and time_ms.isdigit() and click_id and int(time_ms) < _MAX_MS):
            raise Problem.invalid([FieldError("cursor", "invalid_cursor", "Use the next_cursor of an earlier page.")])
        return cls(int(time_ms), click_id)

    def __str__(self) -> str:
        """Return the cursor of this place."""
        return f"{self.time_ms}.{self.click_id}"


async def page(sessions: Sessions, question: Question, cursor: str | None, limit: int) -> Page[ListedClick]:
    """Return the clicks after `cursor`: `limit` of them at most, none where none of the next 20,000 fits the filters.

    There are more as long as there is a next cursor. Raises Problem 422.
    """
    where = await _span(sessions, question, Place.read(cursor) if cursor else None)
    if where is None:
        return Page(items=[], next_cursor=None)
    end = await _end(sessions, where) if question.filters else None
    fitting = await _fitting(sessions, question, [*where, *_until(end)], limit)
    after = fitting[limit - 1] if len(fitting) > limit else end
    return Page(items=await _shown(sessions, fitting[:limit], where), next_cursor=str(after) if after else None)


async def _span(sessions: Sessions, question: Question, before: Place | None) -> list[ColumnElement[bool]] | None:
    """Return what the clicks of a question's range have in common; None for an offer without any."""
    offer = (await store.text_numbers(sessions.clicks, [question.offer_id])).get(question.offer_id)
    if offer is None:
        return None
    first, after = (quarter * QUARTER_MS for quarter in question.period.range)
    where = [ClickRow.offer == offer, ClickRow.time_ms >= first]
    if before is None or before.time_ms >= after:
        return [*where, ClickRow.time_ms < after]
    is_older = or_(ClickRow.time_ms < before.time_ms, ClickRow.click_id < before.click_id)
    return [*where, ClickRow.time_ms <= before.time_ms, is_older]


async def _end(sessions: Sessions, where: Iterable[ColumnElement[bool]]) -> Place | None:
    """Return the last click that a page looks at, None where that is the last one there is."""
    query = select(*_KEYS).where(*where).order_by(*_NEWEST_FIRST).offset(MAX_LOOKED - 1).limit(1)
    found = (await sessions.clicks.execute(query)).one_or_none()
    return Place(*found) if found else None


def _until(end: Place | None) -> list[ColumnElement[bool]]:
    if end is None:
        return []
    return [
        ClickRow.time_ms >= end.time_ms,
        or_(ClickRow.time_ms > end.time_ms, ClickRow.click_id >= end.click_id),
    ]


async def _fitting(sessions: Sessions, question: Question, where: list[ColumnElement[bool]], limit: int) -> list[Place]:
    """Return the newest clicks that fit the filters, one more than `limit` where there are more."""
    conditions = [*where, *[await _filter(sessions, key, values) for key, values in question.filters.items()]]
    query = select(*_KEYS, ClickRow.via, ClickRow.coupon).where(and_(*conditions)).order_by(*_NEWEST_FIRST)
    if not question.filters.keys() & {"partner", *FOLDED}:
        query = query.limit(limit + 1)
    rows = (await sessions.clicks.execute(query)).all()
    return [Place(row.time_ms, row.click_id) for row in await _as_said(sessions, question, rows)][: limit + 1]


async def _filter(sessions: Sessions, key: str, values: frozenset[str]) -> ColumnElement[bool]:
    """Return what a filter asks of a row; nothing where it is about what only shows once rows are read."""
    if key == "partner" or key in FOLDED:
        return true()
    column: InstrumentedAttribute[Any] = getattr(ClickRow, key)
    if key == "kind":
        return column.in_([KINDS[value.encode()] for value in values])
    return column.in_((await store.text_numbers(sessions.clicks, values)).values() if key in store.NUMBERED else values)


async def _as_said(
    sessions: Sessions, question: Question, rows: Iterable[Row[int, str, str, str]]
) -> list[Row[int, str, str, str]]:
    """Return the rows whose `via` and coupon, which are compared folded, and whose partner are asked for."""
    filters = question.filters
    said = [(row, fold(row.via), fold(row.coupon)) for row in rows]
    pairs = {(via, coupon) for _, via, coupon in said} if "partner" in filters else set()
    owners = await attribution(sessions.config, question.offer_id, pairs)
    return [
        row
        for row, via, coupon in said
        if via in filters.get("via", (via,))
        and coupon in filters.get("coupon", (coupon,))
        and ("partner" not in filters or owners.partner_of(via, coupon) in filters["partner"])
    ]


async def _shown(sessions: Sessions, places: list[Place], where: Iterable[ColumnElement[bool]]) -> list[ListedClick]:
    """Return the clicks at `places`, in their order."""
    if not places:
        return []
    within = [ClickRow.time_ms <= places[0].time_ms, ClickRow.time_ms >= places[-1].time_ms]
    ids = [place.click_id for place in places]
    query = select(ClickRow).where(*where, *within, ClickRow.click_id.in_(ids)).order_by(*_NEWEST_FIRST)
    clicks = await store.named(sessions.clicks, list(await sessions.clicks.scalars(query)))
    around = await surroundings(sessions.config, clicks)
    return [around.show(click) for click in clicks]
