"""The names that bulk lines may use in place of ids: an offer's or a partner's slug, a domain's host."""

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute

from control import bulk
from control.bulk import Line, LineResult
from control.domains.models import DomainRow
from control.errors import FieldError
from control.offers.models import OfferRow
from control.partners.models import PartnerRow
from control.parts import Parts

T = TypeVar("T", bound=BaseModel)

_COLUMNS: Final[dict[str, tuple[InstrumentedAttribute[str], InstrumentedAttribute[str]]]] = {
    "offer": (OfferRow.slug, OfferRow.id),
    "partner": (PartnerRow.slug, PartnerRow.id),
    "domain": (DomainRow.host, DomainRow.id),
}


class BulkNames:
    """Name -> id for every noun that some lines name."""

    def __init__(self, ids: dict[str, dict[str, str]]) -> None:
        self._ids = ids

    @classmethod
    async def of(cls, parts: Parts, lines: Sequence[Any], nouns: Sequence[str]) -> "BulkNames":
        """Look up what `lines` name; a line has fields `offer` and `offer_id` for the noun `offer`."""
        ids: dict[str, dict[str, str]] = {}
        async with parts.db.read() as session:
            for noun in nouns:
                names = {getattr(line, noun) for line in lines} - {None}
                name, row_id = _COLUMNS[noun]
                query = select(name, row_id).where(name.in_(names))
                ids[noun] = dict((await session.execute(query)).all()) if names else {}
        return cls(ids)

    def sort(
        self, lines: Sequence[Line[T]], required: Sequence[str]
    ) -> tuple[list[tuple[int, T, dict[str, str | None]]], list[LineResult]]:
        """Return the lines whose names are known (number, wish, the ids it means), and the answers to the others."""
        good: list[tuple[int, T, dict[str, str | None]]] = []
        refused: list[LineResult] = []
        for line in lines:
            assert line.wanted is not None
            ids, errors = self.resolve(line.wanted, required)
            if errors:
                refused.append(bulk.failed(line.number, 422, errors))
            else:
                good.append((line.number, line.wanted, ids))
        return good, refused

    def resolve(self, line: Any, required: Sequence[str]) -> tuple[dict[str, str | None], list[FieldError]]:
        """Return the ids that names in `line` mean (`offer_id` -> id) and what is wrong with them."""
        if not any(getattr(line, noun) for noun in self._ids) and all(getattr(line, f"{noun}_id") for noun in required):
            return {}, []
        meant: dict[str, str | None] = {}
        errors: list[FieldError] = []
        for noun, known in self._ids.items():
            name, given = getattr(line, noun), getattr(line, f"{noun}_id")
            meant[f"{noun}_id"] = given or known.get(name)
            if name is not None and (given is not None or name not in known):
                errors.append(FieldError(noun, f"unknown_{noun}", f"Name one {noun} that exists, by id or by name."))
            elif name is None and given is None and noun in required:
                errors.append(FieldError(f"{noun}_id", "missing", f"This needs {noun}_id, or {noun} with a slug."))
        return meant, errors
