"""Numbers for texts and for cells, given under the writer lock, so that what is remembered here is all there is.

Numbers rise. Each transaction first reads what other ingesters numbered since the last one; after a transaction that
was rolled back everything is forgotten.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.models import CellRow, TextRow
from control.clicks.shapes import MAX_CELLS, MAX_DIMENSIONS, OVERFLOW, SENT_BY_VISITORS, SHAPES
from control.ingest.statements import INSERT_CELLS, INSERT_TEXTS, run_many

_MAX_TEXTS: Final = 500_000
_MAX_CELLS_REMEMBERED: Final = 1_000_000
_ASKED_AT_ONCE: Final = 500

_SENT: Final = {
    shape.number: tuple(dimension in SENT_BY_VISITORS for dimension in shape.dimensions) for shape in SHAPES
}

Values = tuple[str, ...]
"""A cell's values, in the order of its shape's dimensions."""


class TextNumbers:
    """Text -> number, for the texts that clicks share."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def forget(self) -> None:
        """Drop what a transaction that failed had made up."""
        self._numbers.clear()

    async def numbers(self, session: AsyncSession, texts: Iterable[str]) -> dict[str, int]:
        """Return numbers for all `texts`, and others; new texts get one."""
        wanted = set(texts)
        if len(self._numbers) + len(wanted) > _MAX_TEXTS:
            self._numbers.clear()
        missing = sorted(wanted - self._numbers.keys())
        for start in range(0, len(missing), _ASKED_AT_ONCE):
            chunk = missing[start : start + _ASKED_AT_ONCE]
            for text, number in await session.execute(select(TextRow.text, TextRow.id).where(TextRow.text.in_(chunk))):
                self._numbers[text] = number
        new = [text for text in missing if text not in self._numbers]
        if new:
            last = await session.scalar(select(func.max(TextRow.id))) or 0
            rows = list(enumerate(new, last + 1))
            await run_many(await session.connection(), INSERT_TEXTS, rows)
            self._numbers.update((text, number) for number, text in rows)
        return self._numbers


class CellNumbers:
    """(offer, shape, values) -> number; a shape of an offer that is full gives its overflow cells."""

    def __init__(self, max_cells: int = MAX_CELLS) -> None:
        self._groups: dict[tuple[int, int], dict[Values, int]] = {}
        self._last = 0
        self._max_cells = max_cells

    def forget(self) -> None:
        """Drop what a transaction that failed had made up."""
        self._groups.clear()
        self._last = 0

    async def load(self, session: AsyncSession, groups: set[tuple[int, int]]) -> None:
        """Know every cell of these (offer, shape), those that other ingesters numbered included."""
        if sum(map(len, self._groups.values())) > _MAX_CELLS_REMEMBERED:
            self._groups.clear()
        if self._groups:
            await self._read(session, CellRow.id > self._last)
        else:
            self._last = await session.scalar(select(func.max(CellRow.id))) or 0
        for offer in {offer for offer, _ in groups - self._groups.keys()}:
            shapes = {shape for of, shape in groups - self._groups.keys() if of == offer}
            for shape in shapes:
                self._groups[offer, shape] = {}
            await self._read(session, CellRow.offer == offer, CellRow.shape.in_(shapes))

    def number(self, offer: int, shape: int, values: Values, new: list[tuple[int | str, ...]]) -> int:
        """Return a cell's number; one that is not known yet gets the next, and is appended to `new`."""
        cells = self._groups[offer, shape]
        number = cells.get(values)
        if number is None:
            if len(cells) >= self._max_cells:
                values = _overflow(shape, values)
                number = cells.get(values)
            if number is None:
                number = cells[values] = self._last = self._last + 1
                new.append((number, offer, shape, *values, *[""] * (MAX_DIMENSIONS - len(values))))
        return number

    @staticmethod
    async def save(session: AsyncSession, new: list[tuple[int | str, ...]]) -> None:
        """Write the cells that `number` made up."""
        await run_many(await session.connection(), INSERT_CELLS, new)

    async def _read(self, session: AsyncSession, *where: object) -> None:
        columns = (CellRow.id, CellRow.offer, CellRow.shape, CellRow.v1, CellRow.v2, CellRow.v3, CellRow.v4, CellRow.v5)
        for number, offer, shape, *values in await session.execute(select(*columns).where(*where)):  # type: ignore[arg-type]
            group = self._groups.get((offer, shape))
            if group is not None:
                group[tuple(values[: len(_SENT[shape])])] = number
            self._last = max(self._last, number)


def _overflow(shape: int, values: Values) -> Values:
    """Return the cell that takes what a full shape has no cell for: what visitors sent becomes one."""
    return tuple(OVERFLOW if sent else value for value, sent in zip(values, _SENT[shape], strict=True))
