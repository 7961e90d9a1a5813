"""The latest publishes: what each changed, and how long it took until every edge served it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.fields import utc
from control.offers import store as offers
from control.parts import Parts
from control.publishing.models import OutboxRow, PublishedTransaction
from control.smartlinks.models import RevisionRow
from shared.wire import DOMAINS, SALTS

_REVISIONS_READ: Final = 100
_WORDS: Final = {DOMAINS: "the list of domains", SALTS: "salts of visitor hashes"}


@dataclass(frozen=True, slots=True)
class Publish:
    """One transaction that went out.

    `ms` is the time until every edge served it, None where this process did not see that; `offer_id` is "" where it
    changed none, or has been replaced since.
    """

    sequence: int
    committed_at: datetime
    what: str
    offer_id: str
    ms: int | None


async def latest(parts: Parts, count: int) -> list[Publish]:
    """Return the last `count` publishes, newest first."""
    took = dict(parts.live.recent())
    async with parts.db.read() as session:
        newest = select(PublishedTransaction).where(PublishedTransaction.sequence > 0)
        rows = (await session.scalars(newest.order_by(PublishedTransaction.sequence.desc()).limit(count))).all()
        firsts = await _first_keys(session, [row.sequence for row in rows])
        revisions = await _revisions(session)
        named = await offers.by_ids(session, {key[2:] for key in firsts.values() if key.startswith("o:")})
    found = []
    for row in rows:
        key = firsts.get(row.sequence, "")
        offer = named.get(key[2:]) if key.startswith("o:") else None
        what = _offer_words(offer.name, revisions.get(row.sequence)) if offer else _words(key, row.keys)
        at = utc(row.committed_at)
        found.append(Publish(row.sequence, at, what, offer.id if offer else "", took.get(row.sequence)))
    return found


async def _first_keys(session: AsyncSession, sequences: Sequence[int]) -> Mapping[int, str]:
    query = select(OutboxRow.sequence, OutboxRow.key).where(OutboxRow.sequence.in_(sequences), OutboxRow.place == 0)
    return dict((await session.execute(query)).all())


async def _revisions(session: AsyncSession) -> Mapping[int, int]:
    """Return sequence -> revision of the last edits of smart links."""
    query = select(RevisionRow.sequence, RevisionRow.revision).order_by(RevisionRow.number.desc())
    return dict((await session.execute(query.limit(_REVISIONS_READ))).all())


def _offer_words(name: str, revision: int | None) -> str:
    return f"offer “{name}”, revision {revision}" if revision else f"offer “{name}”"


def _words(key: str, keys: int) -> str:
    if key.startswith("k:"):
        return f"{keys:,} links" if keys > 1 else f"link /{key.partition('/')[2]}"
    return _WORDS.get(key, "replaced by later ones since")
