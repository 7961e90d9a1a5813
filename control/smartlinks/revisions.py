"""Writing one revision, inside the caller's transaction: ids given, rules remembered, the table ready to publish."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.db import now_ms
from control.errors import FieldError, Problem
from control.offers.models import OfferRow
from control.smartlinks import store
from control.smartlinks.drafts import CheckedDraft
from control.smartlinks.models import RevisionRow
from control.smartlinks.schemas import OverriddenTest, Rule, SmartLink


@dataclass(frozen=True, slots=True)
class Written:
    """A revision that is stored but for its `sequence`, and the same as a draft whose rules have ids."""

    row: RevisionRow
    draft: CheckedDraft


async def write(
    session: AsyncSession,
    caller: Caller,
    offer: OfferRow,
    draft: CheckedDraft,
    *,
    restored_from: int | None = None,
    overridden: Sequence[OverriddenTest] = (),
) -> Written:
    """Store `draft` as the next revision of `offer`; the caller sets `row.sequence` once it is known.

    Raises Problem 422 where a rule's id belongs to another offer.
    """
    known = await store.rules(session, [rule.id for rule in draft.rules if rule.id])
    _require_own(offer, draft, {rule_id for rule_id, row in known.items() if row.offer_id != offer.id})
    draft = draft.with_ids()
    offer.revision += 1
    offer.updated_at = now_ms()
    names = {rule.id: rule.name for rule in draft.rules}
    await store.remember_rules(session, offer.id, offer.revision, names, known)
    row = RevisionRow(
        offer_id=offer.id,
        revision=offer.revision,
        enabled=draft.enabled,
        fallback_url=draft.fallback_url,
        fallback_final=draft.fallback_final,
        rules=draft.rules_json(),
        author_kind=caller.kind,
        author_id=caller.id,
        author_name=caller.name,
        created_at=offer.updated_at,
        restored_from=restored_from,
        sequence=0,
        overridden_tests=[test.model_dump() for test in overridden],
    )
    session.add(row)
    return Written(row, draft)


def plain(row: RevisionRow) -> dict[str, Any]:
    """Return a revision's smart link as JSON, for the audit log: as `show`, without objects."""
    rules = [{name: rule[name] for name in Rule.model_fields} for rule in row.rules]
    return {"enabled": row.enabled, "fallback_url": row.fallback_url, "rules": rules, "revision": row.revision}


def show(row: RevisionRow) -> SmartLink:
    """Return a revision's smart link as the API gives it."""
    return SmartLink(**plain(row))


def _require_own(offer: OfferRow, draft: CheckedDraft, foreign: set[str]) -> None:
    errors = [
        FieldError(f"rules.{place}.id", "rule_id_taken", f"The rule {rule.id} is another offer's, not {offer.slug}'s.")
        for place, rule in enumerate(draft.rules)
        if rule.id in foreign
    ]
    if errors:
        raise Problem.invalid(errors)
