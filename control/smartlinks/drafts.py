"""From what was written to what can be stored: every destination and condition checked, all faults told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from control import destinations
from control.destinations import FinalUrl, UrlRules
from control.errors import Faults, FieldError, join
from control.ids import new_id
from control.smartlinks.schemas import RuleIn, SmartLinkIn
from shared.conditions import Condition, InvalidCondition, parse_when
from shared.rules import Rule, SmartLink
from shared.table import FALLBACK, INACTIVE, OFF

_RESERVED_IDS = frozenset({FALLBACK, OFF, INACTIVE, "offer"})


@dataclass(frozen=True, slots=True)
class CheckedRule:
    """A rule that means something; `id` is "" until one is given."""

    id: str
    name: str
    enabled: bool
    when: Mapping[str, Condition]
    destination_url: str
    final_url: str


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """A smart link that means something: destinations as typed and as sent."""

    enabled: bool
    fallback_url: str | None
    fallback_final: str | None
    rules: tuple[CheckedRule, ...]

    def as_smart_link(self) -> SmartLink:
        """Return what is compiled, decided and reasoned about."""
        return SmartLink(self.enabled, self.fallback_final, tuple(map(_compiled, self.rules)))

    def rules_json(self) -> list[dict[str, Any]]:
        """Return the rules as a revision stores them."""
        return [_stored(rule) for rule in self.rules]

    def with_ids(self) -> "CheckedDraft":
        """Return the same draft with an id for every rule that has none."""
        rules = tuple(rule if rule.id else replace(rule, id=new_id("r")) for rule in self.rules)
        return replace(self, rules=rules)

    def numbered(self) -> "CheckedDraft":
        """Return the same draft with its new rules called by their places, `new-3`: they are not stored yet."""
        rules = (rule if rule.id else replace(rule, id=f"new-{place}") for place, rule in enumerate(self.rules, 1))
        return replace(self, rules=tuple(rules))

    def with_new_ids(self) -> "CheckedDraft":
        """Return the same draft with a fresh id for every rule: they are other rules."""
        return replace(self, rules=tuple(replace(rule, id=new_id("r")) for rule in self.rules))


def check_draft(draft: SmartLinkIn, urls: UrlRules) -> CheckedDraft:
    """Return the checked form of `draft`. Raises Problem 422 with every fault and its path."""
    faults = Faults()
    fallback = _check_url(draft.fallback_url, "fallback_url", urls, faults.errors)
    rules = [_check_rule(rule, place, urls, faults.errors) for place, rule in enumerate(draft.rules)]
    _check_ids(draft.rules, faults)
    faults.raise_if_any()
    return CheckedDraft(
        enabled=draft.enabled,
        fallback_url=draft.fallback_url,
        fallback_final=fallback.url if fallback else None,
        rules=tuple(rule for rule in rules if rule is not None),
    )


def stored_draft(
    enabled: bool, fallback_url: str | None, fallback_final: str | None, rules: Sequence[Mapping[str, Any]]
) -> CheckedDraft:
    """Return the checked form of what a revision stores: it was checked when it was written."""
    return CheckedDraft(enabled, fallback_url, fallback_final, tuple(map(_from_stored, rules)))


def _check_rule(rule: RuleIn, place: int, urls: UrlRules, faults: list[FieldError]) -> CheckedRule | None:
    when = _check_when(rule.when, place, faults)
    final = _check_url(rule.destination_url, f"rules.{place}.destination_url", urls, faults)
    if when is None or final is None:
        return None
    return CheckedRule(rule.id or "", rule.name or "", rule.enabled, when, rule.destination_url, final.url)


def _check_when(when: object, place: int, faults: list[FieldError]) -> dict[str, Condition] | None:
    try:
        return parse_when(when)
    except InvalidCondition as exc:
        faults.append(FieldError(join("rules", place, "when", *exc.path), exc.code, str(exc)))
        return None


def _check_url(typed: str | None, path: str, urls: UrlRules, faults: list[FieldError]) -> FinalUrl | None:
    return None if typed is None else destinations.check(typed, path, urls, faults)


def _check_ids(rules: Sequence[RuleIn], faults: Faults) -> None:
    seen: set[str] = set()
    for place, rule in enumerate(rules):
        if rule.id in _RESERVED_IDS:
            faults.add(f"rules.{place}.id", "reserved_id", f"{rule.id} is a word of Turnout's own.")
        if rule.id is not None and rule.id in seen:
            faults.add(f"rules.{place}.id", "duplicate_id", f"Another rule of this list has the id {rule.id}.")
        seen.add(rule.id or "")


def _compiled(rule: CheckedRule) -> Rule:
    return Rule(rule.id, rule.final_url, rule.when, rule.name, rule.enabled)


def _stored(rule: CheckedRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "name": rule.name,
        "enabled": rule.enabled,
        "when": {kind: condition.as_json() for kind, condition in rule.when.items()},
        "destination_url": rule.destination_url,
        "final_url": rule.final_url,
    }


def _from_stored(rule: Mapping[str, Any]) -> CheckedRule:
    return CheckedRule(
        rule["id"], rule["name"], rule["enabled"], parse_when(rule["when"]), rule["destination_url"], rule["final_url"]
    )
