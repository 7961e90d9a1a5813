"""The History tab: who changed the smart link when, what the change was, and back to any revision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request

from control.access.guard import require_role
from control.access.roles import Role
from control.errors import Problem
from control.fields import PathId
from control.offers import service as offers
from control.offers.schemas import Offer
from control.pagination import CursorDep
from control.parts import Parts, PartsDep
from control.savedtests import holding
from control.savedtests.running import failing
from control.savedtests.schemas import RunIn, SavedTestOutcome
from control.smartlinks import service
from control.smartlinks.schemas import Difference, Revision, RevisionEntry, Rule, SmartLink, SmartLinkIn
from control.smartlinks.writing import Guard
from control.web import forms
from control.web.guard import Form, Person
from control.web.marks import marked
from control.web.notices import notice_of, told
from control.web.render import page
from control.web.sentence import pretty_url, sentence
from control.web.trial import tried

router = APIRouter(include_in_schema=False)

RevisionQuery = Annotated[int | None, Query(ge=1, le=2**31)]

_SHORTLY: Final = {
    "name": "Renamed {}",
    "when": "Changed who fits {}",
    "destination_url": "Changed where {} sends people",
}
_CHANGED: Final = {
    "name": "renamed",
    "when": "conditions changed",
    "destination_url": "destination changed",
    "enabled": "switched",
}
_REFUSED: Final = {"edit_conflict": "moved", "tests_failed": "failing"}
"""Why nothing was restored -> what the page is asked to say."""


@dataclass(frozen=True, slots=True)
class Change:
    """One station of a diff: a rule (`place`, None for everyone else, 0 for the whole) before and after."""

    place: int | None
    title: str
    what: str
    was: Rule | None = None
    now: Rule | None = None
    was_text: str = ""
    now_text: str = ""


@dataclass(slots=True)
class _Touched:
    kinds: set[str] = field(default_factory=set)
    fields: list[str] = field(default_factory=list)
    places: tuple[int, int] = (0, 0)


@router.get("/offers/{offer_id}/history")
async def show_history(
    *,
    request: Request,
    parts: PartsDep,
    caller: Person,
    offer_id: PathId,
    cursor: CursorDep,
    revision: RevisionQuery = None,
) -> Any:
    return await _history_page(request, parts, caller, offer_id=offer_id, cursor=cursor, number=revision)


@router.post("/offers/{offer_id}/history/{number}/restore")
async def restore(parts: PartsDep, caller: Person, offer_id: PathId, number: int, form: Form) -> Any:
    """Make what a revision was the newest one, unless somebody saved since the page was made, or saved tests fail."""
    require_role(caller, Role.EDITOR)
    seen = form.get("seen", "")
    guard = Guard(frozenset({int(seen)})) if seen.isascii() and seen.isdigit() and len(seen) < 10 else None
    if guard is None:
        raise Problem(400, "unknown_revision", "Restore from the history page: it says which revision was live.")
    override = form.get("override_tests") == "yes"
    try:
        saved = await service.restore(parts, caller, offer_id, number, guard=guard, wait_s=0.0, override_tests=override)
    except Problem as problem:
        if problem.code not in _REFUSED:
            raise
        return forms.see_other(f"/offers/{offer_id}/history?revision={number}&{_REFUSED[problem.code]}=1")
    return forms.see_other(told(f"/offers/{offer_id}/history", "restored", sequence=saved.sequence))


async def _history_page(
    request: Request, parts: Parts, caller: Person, *, offer_id: str, cursor: CursorDep, number: int | None
) -> Any:
    offer = await offers.get(parts, caller, offer_id)
    entries = await service.history(parts, offer_id, cursor)
    chosen = await service.revision(parts, offer_id, number or offer.revision)
    before = await service.revision(parts, offer_id, chosen.revision - 1) if chosen.revision > 1 else None
    return page(
        request,
        "history.html",
        caller=caller,
        offer=offer,
        entries=[(entry, summary(entry)) for entry in entries.items],
        next_cursor=entries.next_cursor,
        chosen=chosen,
        changes=changes_of(chosen, before.smart_link if before else None),
        live=await parts.live.propagation(chosen.sequence) if chosen.sequence else None,
        moved="moved" in request.query_params,
        failing=await _failing(parts, chosen, offer_id) if "failing" in request.query_params else (),
        sentence=sentence,
        marked=marked,
        pretty_url=pretty_url,
        main=_main(offer),
        tried=tried,
        serving={offer.canary.revision: "being tried", offer.canary.stable_revision: "live"}
        if offer.canary
        else {offer.revision: "live"},
        notice=notice_of(request),
    )


async def _failing(parts: Parts, chosen: Revision, offer_id: str) -> list[SavedTestOutcome]:
    """Return the saved tests that a restore of a revision would fail now."""
    draft = SmartLinkIn.model_validate(chosen.smart_link.model_dump())
    return failing(await holding.run(parts, offer_id, RunIn(draft=draft)))


def summary(entry: RevisionEntry) -> str:
    """Return what a revision did, in at most two clauses: `Changed who fits rule 4, moved rule 3 up`."""
    if entry.restored_from is not None:
        return f"Restored revision {entry.restored_from}"
    clauses = list(dict.fromkeys(_clause(difference) for difference in entry.diff))
    if not clauses:
        return "First revision" if entry.revision == 1 else "Nothing changed"
    shown = [clauses[0], *(clause[0].lower() + clause[1:] for clause in clauses[1:2])]
    more = f" and {len(clauses) - 2} more" if len(clauses) > 2 else ""
    return ", ".join(shown) + more


def changes_of(revision: Revision, before: SmartLink | None) -> list[Change]:
    """Return what a revision changed, station by station: the whole, the rules in their order, what is gone."""
    old = _places(before.rules if before else [])
    new = _places(revision.smart_link.rules)
    touched: dict[str, _Touched] = {}
    whole: list[Change] = []
    for difference in revision.diff:
        if difference.rule_id is None:
            whole.append(_whole(difference))
            continue
        rule = touched.setdefault(difference.rule_id, _Touched())
        rule.kinds.add(difference.kind)
        if difference.kind == "rule_moved":
            rule.places = (int(difference.before), int(difference.after))
        if difference.field:
            rule.fields.append(difference.field)
    found = [_rule_change(rule_id, rule, old, new) for rule_id, rule in touched.items()]
    return [*whole, *sorted(found, key=lambda change: change.place or 0)]


def _clause(difference: Difference) -> str:
    if difference.kind == "enabled":
        return f"Switched the smart link {'on' if difference.after else 'off'}"
    if difference.kind == "fallback_url":
        return "Changed where everyone else goes"
    return _rule_clause(difference, _name(difference))


def _rule_clause(difference: Difference, name: str) -> str:
    after = difference.after
    match difference.kind:
        case "rule_added":
            return f"Added rule {after}"
        case "rule_removed":
            return f"Deleted {name}"
        case "rule_moved":
            return f"Moved {name} {'up' if after < difference.before else 'down'}"
    if difference.field == "enabled":
        return f"Turned {name} {'on' if after else 'off'}"
    return _SHORTLY.get(difference.field or "", "Changed {}").format(name)


def _name(difference: Difference) -> str:
    """Return what a rule is called in a summary: its name, else its place where the difference tells it."""
    if difference.name:
        return f"“{difference.name}”"
    place = difference.before if difference.kind == "rule_removed" else difference.after
    return f"rule {place}" if difference.kind in ("rule_removed", "rule_moved") else "a rule"


def _whole(difference: Difference) -> Change:
    if difference.kind == "enabled":
        on = bool(difference.after)
        return Change(0, "Smart link", f"switched {'on' if on else 'off'}")
    was, now = difference.before or "", difference.after or ""
    return Change(None, "Everyone else", "destination changed", was_text=was or "main", now_text=now or "main")


def _rule_change(
    rule_id: str, touched: _Touched, old: Mapping[str, tuple[int, Rule]], new: Mapping[str, tuple[int, Rule]]
) -> Change:
    was_place, was = old.get(rule_id, (0, None))
    now_place, now = new.get(rule_id, (0, None))
    if now is None:
        return Change(was_place, _title(was_place, was), "deleted", was=was)
    if was is None:
        return Change(now_place, _title(now_place, now), "added", now=now)
    what = [_CHANGED[name] for name in touched.fields if name != "enabled"]
    if "enabled" in touched.fields:
        what.append("turned on" if now.enabled else "turned off")
    if "rule_moved" in touched.kinds:
        before, after = touched.places
        what.append(f"moved {'up' if after < before else 'down'}, from place {before} to place {after}")
    shows = {"name", "when", "destination_url"} & set(touched.fields)
    return Change(now_place, _title(now_place, now), ", ".join(what), was if shows else None, now)


def _title(place: int, rule: Rule | None) -> str:
    return f"Rule {place}, {rule.name}" if rule is not None and rule.name else f"Rule {place}"


def _places(rules: Sequence[Rule]) -> dict[str, tuple[int, Rule]]:
    return {rule.id: (place, rule) for place, rule in enumerate(rules, 1)}


def _main(offer: Offer) -> str:
    return offer.destination_url
