"""Clicks to measures, by cell and quarter hour. Pure: which clicks are unique is told, cells are not numbered yet."""

from collections import defaultdict
from collections.abc import Iterable
from operator import add, sub
from typing import Any, Final, NamedTuple, TypeVar

from control.clicks import shapes
from control.clicks.shapes import MEASURE_OF_KIND, MEASURES
from control.ingest.decoding import Click, Texts

Key = TypeVar("Key")

Sums = list[int]
"""The measures, in the order of MEASURES."""

CellKey = tuple[bytes, int, int, tuple[str, ...]]
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


_Raw = dict[tuple[Any, ...], Sums]
"""(offer, quarter, ...the fields of a shape as sent) -> sums."""


class _Counted(NamedTuple):
    audience: _Raw
    source: _Raw
    market: _Raw
    rare: _Raw


def _zero() -> Sums:
    return [0] * len(MEASURES)


def roll_up(clicks: Iterable[Click], firsts: Iterable[bool], texts: Texts) -> dict[CellKey, Sums]:
    """Return the measures of `clicks` for every shape; `firsts` says of each whether it is a unique."""
    counted = _count(clicks, firsts)
    rollup: dict[CellKey, Sums] = {}
    rules: dict[tuple[bytes, int, str], Sums] = {}
    for (offer, quarter, *fields), sums in counted.audience.items():
        values = tuple(map(texts.plain, fields))
        _add(rules, (offer, quarter, values[0]), sums)
        for shape, cell in _of_audience(values):
            _add(rollup, (offer, shape, quarter, cell), sums)
    for (offer, quarter, link, via, coupon, rule), sums in counted.source.items():
        cell = (texts.plain(link), texts.folded(via), texts.folded(coupon), texts.plain(rule))
        _add(rollup, (offer, _SOURCE, quarter, cell), sums)
    for (offer, quarter, via, coupon, country, device), sums in counted.market.items():
        cell = (texts.folded(via), texts.folded(coupon), texts.plain(country), texts.plain(device))
        _add(rollup, (offer, _MARKET, quarter, cell), sums)
    _add_rare(rollup, counted.rare, rules, texts)
    return rollup


def _count(clicks: Iterable[Click], firsts: Iterable[bool]) -> _Counted:
    audience, source, market, rare = counted = _Counted(*(defaultdict(_zero) for _ in _Counted._fields))
    for (fields, _, quarter, _, kind, _, _), first in zip(clicks, firsts, strict=True):
        measure = MEASURE_OF_KIND[kind]
        _, _, _, _, offer, link, _, rule, country, device, os, browser, _, via, coupon, *seldom, _, _ = fields
        touched = [
            audience[offer, quarter, rule, country, device, os, browser],
            source[offer, quarter, link, via, coupon, rule],
            market[offer, quarter, via, coupon, country, device],
        ]
        if any(seldom):
            touched += [rare[offer, quarter, place, text, rule] for place, text in enumerate(seldom) if text]
        for sums in touched:
            sums[measure] += 1
            if first:
                sums[_UNIQUES] += 1
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


def _add_rare(
    rollup: dict[CellKey, Sums],
    rare: _Raw,
    rules: dict[tuple[bytes, int, str], Sums],
    texts: Texts,
) -> None:
    """Add the cells of subs and referrers, those of clicks without any included: each shape sums to the same total."""
    without = {(place, *key): sums for key, sums in rules.items() for place in range(len(_RARE))}
    for (offer, quarter, place, value, raw_rule), sums in rare.items():
        rule = texts.plain(raw_rule)
        text = texts.plain(value) if _RARE[place] is shapes.REFERRER else texts.sent(value)
        _add_to(rollup, (offer, quarter), place, (text, rule), sums)
        key = (place, offer, quarter, rule)
        without[key] = list(map(sub, without[key], sums))
    for (place, offer, quarter, rule), sums in without.items():
        if any(sums):
            _add_to(rollup, (offer, quarter), place, ("", rule), sums)


def _add_to(
    rollup: dict[CellKey, Sums], at_: tuple[bytes, int], place: int, values: tuple[str, str], sums: Sums
) -> None:
    """Add to the cell of a rare dimension with its rule, and to that of a sub alone."""
    offer, quarter = at_
    _add(rollup, (offer, _RARE[place].number, quarter, values), sums)
    if place < len(shapes.SUBS_ALONE):
        _add(rollup, (offer, shapes.SUBS_ALONE[place].number, quarter, values[:1]), sums)


def _add(summed: dict[Key, Sums], key: Key, sums: Sums) -> None:
    """Add to the sums of a key; lists are shared and never changed once they are here."""
    known = summed.get(key)
    summed[key] = sums if known is None else list(map(add, known, sums))
