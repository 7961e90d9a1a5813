"""SQL written out, for the statements that run once per thousand clicks; both databases read these words alike."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncConnection

from control.clicks.models import CellRow, ClickRow, QuarterRow, TextRow
from control.clicks.shapes import MEASURES
from control.db import ClicksBase


def _columns(row: type[ClicksBase]) -> list[str]:
    return [column.name for column in row.__table__.columns]


def _insert(row: type[ClicksBase], rest: str = "") -> str:
    names = _columns(row)
    return f"INSERT INTO {row.__table__.name} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))}) {rest}"  # type: ignore[attr-defined]  # noqa: S608


INSERT_CLICKS: Final = _insert(ClickRow, "ON CONFLICT DO NOTHING")
INSERT_TEXTS: Final = _insert(TextRow)
INSERT_CELLS: Final = _insert(CellRow)
ADD_QUARTERS: Final = _insert(
    QuarterRow,
    "ON CONFLICT (offer, shape, quarter, cell) DO UPDATE SET "
    + ", ".join(f"{measure} = click_quarters.{measure} + excluded.{measure}" for measure in MEASURES),
)
REOPEN_DAYS: Final = (
    "DELETE FROM click_closed_days WHERE CAST(? AS INTEGER) BETWEEN 96 * day - shift AND 96 * (day + days) - shift - 1"
)

_NEW_VISITORS: Final = {
    "sqlite": "INSERT INTO click_visitors (day, offer, visitor) SELECT ?, ?, value FROM json_each(?) WHERE true "
    "ON CONFLICT DO NOTHING RETURNING visitor",
    "postgresql": "INSERT INTO click_visitors (day, offer, visitor) SELECT $1, $2, unnest($3::bigint[]) "
    "ON CONFLICT DO NOTHING RETURNING visitor",
}


async def run_many(connection: AsyncConnection, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Run one statement for every row."""
    if rows:
        await connection.exec_driver_sql(_numbered(statement, connection), list(rows))


async def new_visitors(connection: AsyncConnection, day: int, offer: int, visitors: Iterable[int]) -> set[int]:
    """Keep the visitors of an offer's day; return those who were not there before."""
    given: Any = list(visitors)
    if connection.dialect.name == "sqlite":
        given = f"[{','.join(map(str, given))}]"
    result = await connection.exec_driver_sql(_NEW_VISITORS[connection.dialect.name], (day, offer, given))
    return set(result.scalars())


def _numbered(statement: str, connection: AsyncConnection) -> str:
    """Write placeholders as the driver wants them: `?`, or `$1`, `$2`, ..."""
    if connection.dialect.name == "sqlite":
        return statement
    first, *rest = statement.split("?")
    return first + "".join(f"${place}{part}" for place, part in enumerate(rest, 1))
