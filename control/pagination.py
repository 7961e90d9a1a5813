"""Lists: newest first, a page at a time, with a cursor that stays right while rows come and go."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Final, Generic, TypeVar

from fastapi import Depends, Query
from pydantic import Field
from sqlalchemy import Select, or_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from control.errors import FieldError, Problem
from control.fields import Output

MAX_LIMIT: Final = 200

T = TypeVar("T")
U = TypeVar("U")


class Page(Output, Generic[T]):
    """One page: `next_cursor` asks for the next one, null on the last."""

    items: list[T]
    next_cursor: str | None = Field(examples=[None])


class Cursor:
    """Where a page begins: below the row numbered `before` (None: at the newest), and how many rows it has."""

    def __init__(self, before: int | None, limit: int) -> None:
        self.before = before
        self.limit = limit


async def _cursor(
    cursor: Annotated[str | None, Query(max_length=64, description="`next_cursor` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows a page")] = 50,
) -> Cursor:
    return Cursor(None if cursor is None else _decode(cursor), limit)


CursorDep = Annotated[Cursor, Depends(_cursor)]


def containing(query: Select[T], typed: str, *columns: InstrumentedAttribute[str]) -> Select[T]:
    """Return `query` narrowed to rows of which a column contains what was `typed`, in any case; all of them for ""."""
    return query.where(or_(*(column.icontains(typed, autoescape=True) for column in columns))) if typed else query


async def page_of(
    session: AsyncSession, query: Select[T], number: InstrumentedAttribute[int], cursor: Cursor
) -> tuple[Sequence[T], str | None]:
    """Return the rows of one page of `query`, newest first by the column `number`, and the next page's cursor."""
    if cursor.before is not None:
        query = query.where(number < cursor.before)
    rows = (await session.scalars(query.order_by(number.desc()).limit(cursor.limit + 1))).all()
    if len(rows) <= cursor.limit:
        return rows, None
    shown = rows[: cursor.limit]
    return shown, _encode(getattr(shown[-1], number.key))


def as_page(rows: Sequence[U], next_cursor: str | None, show: Callable[[U], T]) -> Page[T]:
    """Return rows as the API answers them."""
    return Page[Any](items=[show(row) for row in rows], next_cursor=next_cursor)


def _encode(number: int) -> str:
    return base64.urlsafe_b64encode(f"n{number}".encode()).decode().rstrip("=")


def _decode(cursor: str) -> int:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        if text.startswith("n") and text[1:].isascii() and text[1:].isdigit() and len(text) < 20:
            return int(text[1:])
    except (binascii.Error, UnicodeError, ValueError):
        pass
    raise Problem.invalid([FieldError("cursor", "invalid_cursor", "Use the next_cursor of an earlier page.")])
