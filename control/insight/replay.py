"""Deciding the same clicks twice, by what is live and by a draft, and counting what differs. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from shared.decision import decide
from shared.table import Table
from shared.visitor import Visitor

GONE: Final = "gone"
"""Stands for no redirect at all: the offer is not active and has nowhere else to send."""


class Segment(NamedTuple):
    """Visitors whom no rule can tell apart, and how many of them there were."""

    visitor: Visitor
    clicks: int


class Fate(NamedTuple):
    """What one segment gets now and would get: ids of rules, `fallback`, `off`, ... and the destinations."""

    segment: Segment
    now: str
    then: str
    now_url: str
    then_url: str


@dataclass(frozen=True, slots=True)
class Replay:
    """Every segment's fate, the largest segments first."""

    fates: Sequence[Fate]

    @property
    def clicks(self) -> int:
        """Return how many clicks were replayed."""
        return _sum(self.fates)

    @property
    def elsewhere(self) -> int:
        """Return how many clicks would be sent to another destination."""
        return _sum(fate for fate in self.fates if fate.now_url != fate.then_url)

    def moves(self) -> list[list[Fate]]:
        """Return the segments that another rule would decide, by old and new rule, the largest move first."""
        return _grouped((fate for fate in self.fates if fate.now != fate.then), lambda fate: (fate.now, fate.then))

    def readdressed(self) -> list[list[Fate]]:
        """Return the segments that stay with their rule and would be sent elsewhere by it, by rule."""
        stay = (fate for fate in self.fates if fate.now == fate.then and fate.now_url != fate.then_url)
        return _grouped(stay, lambda fate: (fate.now,))

    def shares(self, kind: str = "") -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Return rule -> value of the attribute `kind` ("": of all) -> how many clicks now and then."""
        before: Counter[tuple[str, str]] = Counter()
        after: Counter[tuple[str, str]] = Counter()
        for fate in self.fates:
            value = getattr(fate.segment.visitor, kind) if kind else ""
            before[fate.now, value] += fate.segment.clicks
            after[fate.then, value] += fate.segment.clicks
        found: dict[str, dict[str, tuple[int, int]]] = {}
        for (rule, value), _ in (before + after).most_common():
            found.setdefault(rule, {})[value] = (before[rule, value], after[rule, value])
        return found


def replay(segments: Iterable[Segment], now: Table, then: Table) -> Replay:
    """Return what two tables of one offer make of the same clicks."""
    fates = (Fate(segment, *_decided(now, then, segment.visitor)) for segment in segments)
    return Replay(sorted(fates, key=lambda fate: -fate.segment.clicks))


def _decided(now: Table, then: Table, visitor: Visitor) -> tuple[str, str, str, str]:
    (rule, url), (new_rule, new_url) = _one(now, visitor), _one(then, visitor)
    return rule, new_rule, url, new_url


def _one(table: Table, visitor: Visitor) -> tuple[str, str]:
    decision = decide(table, visitor)
    return (GONE, "") if decision is None else (decision.rule, decision.destination.url)


def _grouped(fates: Iterable[Fate], key: Callable[[Fate], tuple[str, ...]]) -> list[list[Fate]]:
    groups: dict[tuple[str, ...], list[Fate]] = {}
    for fate in fates:
        groups.setdefault(key(fate), []).append(fate)
    return sorted(groups.values(), key=_sum, reverse=True)


def _sum(fates: Iterable[Fate]) -> int:
    return sum(fate.segment.clicks for fate in fates)
