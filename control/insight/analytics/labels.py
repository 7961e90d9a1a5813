"""What the keys of groups are called."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.clicks.attribution import NOBODY, UNATTRIBUTED
from control.clicks.shapes import OVERFLOW
from control.links.models import LinkRow
from control.partners.models import PartnerRow
from control.smartlinks.models import RuleRow
from shared.countries import name_of

_SPECIAL: Final = {
    ("rule", "fallback"): "Fallback",
    ("rule", "off"): "Smart link off",
    ("rule", "inactive"): "Offer not active",
    ("partner", UNATTRIBUTED): "Unattributed",
    ("partner", NOBODY): "No partner",
}


_NAMED: Final[dict[str, tuple[Any, Any]]] = {
    "rule": (RuleRow.id, RuleRow.name),
    "partner": (PartnerRow.id, PartnerRow.name),
    "link": (LinkRow.id, LinkRow.slug),
}
_ASKED_AT_ONCE: Final = 500


async def labels(session: AsyncSession, key: str, values: Sequence[str]) -> dict[str, str]:
    """Return a label for each of `values` of a key; a deleted rule's is its last name."""
    named: dict[str, str] = {}
    if key == "country":
        named = {value: name_of(value) for value in values}
    elif key in _NAMED:
        id_, name = _NAMED[key]
        for start in range(0, len(values), _ASKED_AT_ONCE):
            query = select(id_, name).where(id_.in_(values[start : start + _ASKED_AT_ONCE]))
            named |= dict((await session.execute(query)).all())
    return {value: named.get(value) or _fixed(key, value) for value in values}


def _fixed(key: str, value: str) -> str:
    if value == OVERFLOW:
        return "Other"
    return _SPECIAL.get((key, value)) or value or "None"
