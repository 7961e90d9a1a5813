"""All queries on revisions and rules."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final, NamedTuple

from sqlalchemy import and_, bindparam, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from control.canaries.models import CanaryRow
from control.errors import Problem
from control.offers.models import OfferRow
from control.smartlinks.models import RevisionRow, RuleRow

_REVISION: Final = select(RevisionRow).where(
    RevisionRow.offer_id == bindparam("offer"), RevisionRow.revision == bindparam("number")
)
_NEWEST: Final = (
    select(OfferRow, RevisionRow, CanaryRow)
    .join(RevisionRow, and_(RevisionRow.offer_id == OfferRow.id, RevisionRow.revision == OfferRow.revision))
    .outerjoin(CanaryRow, and_(CanaryRow.offer_id == OfferRow.id, CanaryRow.ended_at.is_(None)))
    .where(OfferRow.id == bindparam("offer"))
)
"""Made once: every edit asks them, and making a question takes longer than its answer."""


class Newest(NamedTuple):
    """An offer, its newest revision, and the canary that runs on it, if any."""

    offer: OfferRow
    revision: RevisionRow
    canary: CanaryRow | None


async def newest(session: AsyncSession, offer_id: str) -> Newest:
    """Return an offer as it stands, read in one question. Raises Problem 404."""
    row = (await session.execute(_NEWEST, {"offer": offer_id})).one_or_none()
    if row is None:
        raise Problem.not_found("offer")
    return Newest(*row)


async def current(session: AsyncSession, offer: OfferRow) -> RevisionRow:
    """Return an offer's newest revision."""
    return await revision(session, offer.id, offer.revision)


async def revision(session: AsyncSession, offer_id: str, number: int) -> RevisionRow:
    """Return one revision. Raises Problem 404."""
    row = (await session.scalars(_REVISION, {"offer": offer_id, "number": number})).one_or_none()
    if row is None:
        raise Problem.not_found("revision")
    return row


async def revisions(session: AsyncSession, offer_id: str, numbers: Collection[int]) -> dict[int, RevisionRow]:
    """Return those of an offer's revisions `numbers` that there are, by number."""
    query = select(RevisionRow).where(RevisionRow.offer_id == offer_id, RevisionRow.revision.in_(numbers))
    return {row.revision: row for row in await session.scalars(query)}


async def currents(session: AsyncSession, offers: Sequence[OfferRow]) -> dict[str, RevisionRow]:
    """Return the newest revision of each offer, by offer id."""
    if not offers:
        return {}
    wanted = [(offer.id, offer.revision) for offer in offers]
    query = select(RevisionRow).where(tuple_(RevisionRow.offer_id, RevisionRow.revision).in_(wanted))
    return {row.offer_id: row for row in await session.scalars(query)}


async def before(session: AsyncSession, rows: Sequence[RevisionRow]) -> dict[int, RevisionRow]:
    """Return the revision before each of `rows` (one offer's), by the number of the later one."""
    earlier = {row.revision + 1: row for row in rows}
    wanted = {row.revision - 1 for row in rows if row.revision not in earlier}
    if wanted:
        earlier |= {number + 1: row for number, row in (await revisions(session, rows[0].offer_id, wanted)).items()}
    return {row.revision: earlier[row.revision] for row in rows if row.revision in earlier}


async def rules(session: AsyncSession, ids: Collection[str]) -> dict[str, RuleRow]:
    """Return the rules that exist, or ever did, among `ids`, by id."""
    if not ids:
        return {}
    return {row.id: row for row in await session.scalars(select(RuleRow).where(RuleRow.id.in_(ids)))}


async def remember_rules(
    session: AsyncSession, offer_id: str, revision_number: int, names: Mapping[str, str], known: Mapping[str, RuleRow]
) -> None:
    """Note that a revision has the rules `names` (id -> name); `known` are those there were before."""
    for rule_id, name in names.items():
        row = known.get(rule_id)
        if row is None:
            session.add(RuleRow(id=rule_id, offer_id=offer_id, name=name, last_revision=revision_number))
        else:
            row.name, row.last_revision = name, revision_number
