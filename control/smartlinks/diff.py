"""What changed between two revisions, rule by rule. Pure."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

Difference = dict[str, Any]
"""One difference as `schemas.Difference` has it; history makes models of thousands of them at once, which is faster."""

_FIELDS: Final = ("name", "enabled", "when", "destination_url")


def difference(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> list[Difference]:
    """Return how `after` differs from `before` (None: there was nothing).

    Both are {enabled, fallback_url, rules: [{id, name, enabled, when, destination_url}]}. A rule counts as moved only
    where its order among the rules that stayed changed: inserting one above moves nobody.
    """
    old: Mapping[str, Any] = before or {"enabled": False, "fallback_url": None, "rules": []}
    found: list[Difference] = [
        {"kind": name, "before": old[name], "after": after[name]}
        for name in ("enabled", "fallback_url")
        if old[name] != after[name]
    ]
    old_rules = {rule["id"]: (place, rule) for place, rule in enumerate(old["rules"], 1)}
    new_rules = {rule["id"]: (place, rule) for place, rule in enumerate(after["rules"], 1)}
    found += [_gone(place, rule) for rule_id, (place, rule) in old_rules.items() if rule_id not in new_rules]
    moved = _moved([old_rules[rule_id][0] for rule_id in new_rules if rule_id in old_rules])
    for rule_id, (place, rule) in new_rules.items():
        if rule_id not in old_rules:
            found.append(_of(rule, kind="rule_added", after=place))
            continue
        old_place, old_rule = old_rules[rule_id]
        if old_place in moved:
            found.append(_of(rule, kind="rule_moved", before=old_place, after=place))
        found += [
            _of(rule, kind="rule_changed", field=field, before=old_rule[field], after=rule[field])
            for field in _FIELDS
            if old_rule[field] != rule[field]
        ]
    return found


def _gone(place: int, rule: Mapping[str, Any]) -> Difference:
    return _of(rule, kind="rule_removed", before=place)


def _of(rule: Mapping[str, Any], **fields: Any) -> Difference:
    return {"rule_id": rule["id"], "name": rule["name"], **fields}


def _moved(places: Sequence[int]) -> set[int]:
    """Return the fewest of `places` that have to leave for the rest to be in ascending order."""
    tails: list[int] = []
    length_at: list[int] = []
    for place in places:
        spot = bisect_left(tails, place)
        tails[spot : spot + 1] = [place]
        length_at.append(spot + 1)
    wanted = len(tails)
    moved: set[int] = set()
    for place, length in zip(reversed(places), reversed(length_at), strict=True):
        if length == wanted and wanted > 0:
            wanted -= 1
        else:
            moved.add(place)
    return moved
