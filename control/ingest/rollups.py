"""Clicks to measures, by cell and quarter hour. Pure: which clicks are unique is told, cells are not numbered yet."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from control.clicks import shapes
from control.clicks.shapes import MEASURE_OF_KIND, MEASURES, Shape
from control.ingest import decoding as at
from control.ingest.decoding import Click, Texts

Sums = list[int]
"""The measures, in the order of MEASURES."""

CellKey = tuple[bytes, int, int, tuple[str, ...]]
"""(offer, number of the shape, quarter, values)."""

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
    rollup: dict[CellKey, Sums] = defaultdict(_zero)
    rules: dict[tuple[bytes, int, str], Sums] = defaultdict(_zero)
    for (offer, quarter, *fields), sums in counted.audience.items():
        values = tuple(map(texts.plain, fields))
        _add(rules[offer, quarter, values[0]], sums)
        for shape, cell in _of_audience(values):
            _add(rollup[offer, shape.number, quarter, cell], sums)
    for (offer, quarter, link, via, coupon, rule), sums in counted.source.items():
        cell = (texts.plain(link), texts.folded(via), texts.folded(coupon), texts.plain(rule))
        _add(rollup[offer, shapes.SOURCE.number, quarter, cell], sums)
    for (offer, quarter, via, coupon, country, device), sums in counted.market.items():
        cell = (texts.folded(via), texts.folded(coupon), texts.plain(country), texts.plain(device))
        _add(rollup[offer, shapes.MARKET.number, quarter, cell], sums)
    _add_rare(rollup, counted.rare, rules, texts)
    return rollup


def _count(clicks: Iterable[Click], firsts: Iterable[bool]) -> _Counted:
    audience, source, market, rare = counted = _Counted(*(defaultdict(_zero) for _ in _Counted._fields))
    for click, first in zip(clicks, firsts, strict=True):
        fields, quarter, measure = click.fields, click.quarter, MEASURE_OF_KIND[click.kind]
        offer, rule, via, coupon = fields[at.OFFER], fields[at.RULE], fields[at.VIA], fields[at.COUPON]
        touched = [
            audience[offer, quarter, rule, *fields[at.COUNTRY : at.KIND]],
            source[offer, quarter, fields[at.LINK], via, coupon, rule],
            market[offer, quarter, via, coupon, fields[at.COUNTRY], fields[at.DEVICE]],
        ]
        for place, value in enumerate(fields[at.SUB1 : at.IP]):
            if value:
                touched.append(rare[offer, quarter, place, value, rule])
        for sums in touched:
            sums[measure] += 1
            if first:
                sums[_UNIQUES] += 1
    return counted


def _of_audience(values: tuple[str, ...]) -> tuple[tuple[Shape, tuple[str, ...]], ...]:
    """Return the cells of all shapes that one cell of the audience is part of."""
    rule, country, device, os, browser = values
    return (
        (shapes.TOTAL, ()),
        (shapes.DECISION, (rule, device, os)),
        (shapes.COUNTRY, (country,)),
        (shapes.BROWSER, (browser,)),
        (shapes.AUDIENCE, values),
    )


def _add_rare(
    rollup: dict[CellKey, Sums],
    rare: _Raw,
    rules: dict[tuple[bytes, int, str], Sums],
    texts: Texts,
) -> None:
    """Add the cells of subs and referrers, those of clicks without any included: each shape sums to the same total."""
    without = {(place, *key): list(sums) for key, sums in rules.items() for place in range(len(_RARE))}
    for (offer, quarter, place, value, raw_rule), sums in rare.items():
        rule = texts.plain(raw_rule)
        text = texts.plain(value) if _RARE[place] is shapes.REFERRER else texts.sent(value)
        _add_to(rollup, (offer, quarter), place, (text, rule), sums)
        rest = without[place, offer, quarter, rule]
        for measure, count in enumerate(sums):
            rest[measure] -= count
    for (place, offer, quarter, rule), sums in without.items():
        if any(sums):
            _add_to(rollup, (offer, quarter), place, ("", rule), sums)


def _add_to(
    rollup: dict[CellKey, Sums], at_: tuple[bytes, int], place: int, values: tuple[str, str], sums: Sums
) -> None:
    """Add to the cell of a rare dimension with its rule, and to that of a sub alone."""
    offer, quarter = at_
    _add(rollup[offer, _RARE[place].number, quarter, values], sums)
    if place < len(shapes.SUBS_ALONE):
        _add(rollup[offer, shapes.SUBS_ALONE[place].number, quarter, values[:1]], sums)


def _add(sums: Sums, more: Sums) -> None:
    for measure, count in enumerate(more):
        sums[measure] += count
