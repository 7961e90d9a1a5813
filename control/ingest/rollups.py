"""Clicks to measures, by cell and quarter hour. Pure: which clicks are unique is told, cells are not numbered yet."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from operator import add, sub
from typing import Any, Final, NamedTuple, TypeVar

from control.clicks import shapes
from control.clicks.shapes import MEASURE_OF_KIND, MEASURES, QUARTER_MS
from control.ingest.decoding import Click, Link, Visit

Key = TypeVar("Key")

Sums = list[int]
"""The measures, in the order of MEASURES."""

CellKey = tuple[str, int, int, tuple[str, ...]]
"""(offer, number of the shape, quarter, values)."""

_TOTAL, _DECISION, _COUNTRY, _BROWSER, _SOURCE, _AUDIENCE, _MARKET = (
    shape.number
    for shape in (
        *(shapes.TOTAL, shapes.DECISION, shapes.COUNTRY, shapes.BROWSER),
        *(shapes.SOURCE, shapes.AUDIENCE, shapes.MARKET),
    )
)
_UNIQUES: Final = MEASURES.index("uniques")
_RARE: Final = (*shapes.SUBS, shapes.REFERRER)
"""Shapes of dimensions that most clicks have nothing in: counted where there is something, the rest by subtraction."""


_Counts = dict[tuple[Any, ...], Sums]
"""(offer, quarter, ...the values of a shape) -> sums."""


class _Counted(NamedTuple):
    audience: _Counts
    source: _Counts
    market: _Counts
    rare: _Counts


def _zero() -> Sums:
    return [0] * len(MEASURES)


def roll_up(clicks: Iterable[Click], firsts: Iterable[bool]) -> dict[CellKey, Sums]:
    """Return the measures of `clicks` for every shape; `firsts` says of each whether it is a unique."""
    counted = _count(clicks, firsts)
    rollup: dict[CellKey, Sums] = {}
    rules: dict[tuple[str, int, str], Sums] = {}
    for (offer, quarter, *audience), sums in counted.audience.items():
        values = tuple(audience)
        _add(rules, (offer, quarter, values[0]), sums)
        for shape, part in _of_audience(values):
            _add(rollup, (offer, shape, quarter, part), sums)
    for shape, counts in ((_SOURCE, counted.source), (_MARKET, counted.market)):
        for (offer, quarter, *cell), sums in counts.items():
            rollup[offer, shape, quarter, tuple(cell)] = sums
    _add_rare(rollup, counted.rare, rules)
    return rollup


def _count(clicks: Iterable[Click], firsts: Iterable[bool]) -> _Counted:
    """Count what clicks shared once for all that share it."""
    alike: Counter[tuple[Link, Visit, int, bool]] = Counter(
        (link, visit, time_ms // QUARTER_MS, first)
        for (_, time_ms, link, _, visit, _, _), first in zip(clicks, firsts, strict=True)
    )
    audience, source, market, rare = counted = _Counted(*(defaultdict(_zero) for _ in _Counted._fields))
    for (link, visit, quarter, first), count in alike.items():
        offer, rule, country, device = link.offer, visit.rule, visit.country, visit.device
        via, coupon = visit.folded_via, visit.folded_coupon
        touched = [
            audience[offer, quarter, rule, country, device, visit.os, visit.browser],
            source[offer, quarter, link.link, via, coupon, rule],
            market[offer, quarter, via, coupon, country, device],
        ]
        seldom = (*visit.subs, visit.referrer)
        if any(seldom):
            touched += [rare[offer, quarter, place, text, rule] for place, text in enumerate(seldom) if text]
        for sums in touched:
            sums[MEASURE_OF_KIND[visit.kind]] += count
            if first:
                sums[_UNIQUES] += count
    return counted


def _of_audience(values: tuple[str, ...]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Return the cells of all shapes, by their numbers, that one cell of the audience is part of."""
    rule, country, device, os, browser = values
    return (
        (_TOTAL, ()),
        (_DECISION, (rule, device, os)),
        (_COUNTRY, (country,)),
        (_BROWSER, (browser,)),
        (_AUDIENCE, values),
    )


def _add_rare(rollup: dict[CellKey, Sums], rare: _Counts, rules: dict[tuple[str, int, str], Sums]) -> None:
    """Add the cells of subs and referrers, those of clicks without any included: each shape sums to the same total."""
    without = {(place, *key): sums for key, sums in rules.items() for place in range(len(_RARE))}
    for (offer, quarter, place, text, rule), sums in rare.items():
        _add_to(rollup, (offer, quarter), place, (text, rule), sums)
        key = (place, offer, quarter, rule)
        without[key] = list(map(sub, without[key], sums))
    for (place, offer, quarter, rule), sums in without.items():
        if any(sums):
            _add_to(rollup, (offer, quarter), place, ("", rule), sums)


def _add_to(rollup: dict[CellKey, Sums], at_: tuple[str, int], place: int, values: tuple[str, str], sums: Sums) -> None:
    """Add to the cell of a rare dimension with its rule, and to that of a sub alone."""
    offer, quarter = at_
    _add(rollup, (offer, _RARE[place].number, quarter, values), sums)
    if place < len(shapes.SUBS_ALONE):
        _add(rollup, (offer, shapes.SUBS_ALONE[place].number, quarter, values[:1]), sums)


def _add(summed: dict[Key, Sums], key: Key, sums: Sums) -> None:
    """Add to the sums of a key; lists are shared and never changed once they are here."""
    known = summed.get(key)
    summed[key] = sums if known is None else list(map(add, known, sums))
