"""Which rules can never match, and which overlap: exact, over the finite space of attribute values.

A rule accepts a box of visitors (a set of values per kind). The space has some 7,000 points, so a set of visitors is
one Python integer with a bit per point, and union, difference and emptiness are single operations.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

from shared import conditions
from shared.conditions import KINDS
from shared.rules import Rule, SmartLink

_AXES: Final = [[*kind.values, *([kind.unknown] if kind.unknown else [])] for kind in KINDS.values()]
_EVERYONE: Final = (1 << len(list(product(*_AXES)))) - 1


@dataclass(frozen=True, slots=True)
class Finding:
    """`rule_id` is `never` reached because of the rules `by` above it, or `overlaps` them with other destinations.

    `never` with no `by` is a rule whose own conditions exclude each other. `fallback` as `rule_id`: nobody is left.
    """

    code: str
    rule_id: str
    by: tuple[str, ...]


def _slabs() -> dict[str, dict[str, int]]:
    """Return kind -> value -> the points of the space that have this value."""
    slabs: dict[str, dict[str, int]] = {}
    stride = 1
    total = _EVERYONE.bit_length()
    for kind, values in reversed(list(zip(KINDS, _AXES, strict=True))):
        block = (1 << stride) - 1
        period = stride * len(values)
        repeat = sum(1 << start for start in range(0, total, period))
        slabs[kind] = {value: (block << (place * stride)) * repeat for place, value in enumerate(values)}
        stride = period
    return slabs


_SLABS: Final = _slabs()


def visitors_of(rule: Rule) -> int:
    """Return the set of visitors that `rule`'s conditions accept, a bit per point of the attribute space."""
    points = _EVERYONE
    for kind, condition in rule.when.items():
        slab = 0
        for value in conditions.accepted(kind, condition):
            slab |= _SLABS[kind].get(value, 0)
        points &= slab
    return points


def findings(smart_link: SmartLink) -> list[Finding]:
    """Return every rule that can never match and every pair whose order decides, in the rules' order."""
    found: list[Finding] = []
    above: list[tuple[Rule, int]] = []
    covered = 0
    for rule in (rule for rule in smart_link.rules if rule.enabled):
        points = visitors_of(rule)
        if not points & ~covered:
            found.append(Finding("never", rule.id, tuple(_cover(points, above))))
        else:
            found.extend(_overlaps(rule, points, above))
        above.append((rule, points & ~covered))
        covered |= points
    if above and covered == _EVERYONE:
        found.append(Finding("never", "fallback", tuple(_cover(_EVERYONE, above))))
    return found


def _cover(points: int, above: list[tuple[Rule, int]]) -> list[str]:
    """Return the rules above that take `points`, each naming the visitors it really decides."""
    return [rule.id for rule, decided in above if decided & points]


def _overlaps(rule: Rule, points: int, above: list[tuple[Rule, int]]) -> list[Finding]:
    return [
        Finding("overlaps", rule.id, (other.id,))
        for other, decided in above
        if decided & points and other.destination_url != rule.destination_url
    ]
