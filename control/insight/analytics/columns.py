"""Counting by columns: blocks of a day's clicks, filtered and grouped without looking at a click by itself. Pure.

A filter is a mask, a byte a click, that `translate` makes of a column's codes; masks are combined as integers; what
they leave of the columns asked for is zipped and counted. All three are loops in C.
"""

import sys
from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress, product
from operator import getitem
from typing import Final, NamedTuple

from control.clicks.shapes import MEASURE, MEASURE_OF_KIND, MEASURES, QUARTER
from control.insight.analytics.periods import Range
from control.insight.analytics.sums import SeriesRow, Values

_UNIQUES: Final = MEASURES.index("uniques")

Pairs = Callable[[str, str], bool]
"""Whether clicks with this `via` and this coupon, folded, are counted."""


class Column(NamedTuple):
    """A column's texts, and its codes in planes of a byte a click: low ones, and high ones where texts are many."""

    texts: Sequence[str]
    planes: tuple[bytes, ...]

    @classmethod
    def read(cls, texts: Sequence[str], codes: bytes | None, clicks: int) -> "Column":
        """Return a column as it is stored; without codes its first text is all."""
        stored = bytes(clicks) if codes is None else codes
        return cls(texts, tuple(stored[start : start + clicks] for start in range(0, len(stored), clicks)))

    @property
    def codes(self) -> Sequence[int]:
        """The place of the text of every click."""
        if len(self.planes) == 1:
            return self.planes[0]
        paired = bytearray(2 * len(self.planes[0]))
        for place, plane in enumerate(self.planes if sys.byteorder == "little" else self.planes[::-1]):
            paired[place::2] = plane
        return array("H", bytes(paired))


class Block(NamedTuple):
    """A number of clicks in the order of time, and their columns by name."""

    clicks: int
    columns: Mapping[str, Column]


class Asked(NamedTuple):
    """Which clicks, by accepted texts of columns and by pairs of `via` and coupon; by what they are told apart."""

    filters: Mapping[str, frozenset[str]]
    pairs: Pairs | None
    dimensions: Sequence[str]

    @property
    def names(self) -> frozenset[str]:
        """The columns that are needed."""
        return frozenset(
            [MEASURE, QUARTER, *self.filters, *self.dimensions, *(("via", "coupon") if self.pairs else ())]
        )


def count(blocks: Iterable[Block], asked: Asked, buckets: Sequence[Range]) -> list[SeriesRow]:
    """Return the sums of every combination of values by bucket; buckets follow on each other."""
    found: dict[tuple[int, Values], list[int]] = defaultdict(lambda: [0] * len(MEASURES))
    for block in blocks:
        mask = _mask(block, asked)
        if mask is not None and 1 not in mask:
            continue
        columns = [block.columns[name] for name in (*asked.dimensions, MEASURE)]
        codes = [column.codes for column in columns]  # once a block: those of many values are put together anew
        for bucket, first, after in _runs(block, buckets):
            parts = [part[first:after] for part in codes]
            of_run = None if mask is None else mask[first:after]
            for values, (kind, unique), number in _counted(columns, parts, of_run):
                sums = found[bucket, values]
                sums[MEASURE_OF_KIND[kind]] += number
                sums[_UNIQUES] += unique * number
    return [(bucket, values, sums) for (bucket, values), sums in found.items()]


def _runs(block: Block, buckets: Sequence[Range]) -> Iterator[tuple[int, int, int]]:
    """Yield the buckets that a block has clicks of, each with the places of its first click and after its last."""
    quarters = [int(text) for text in block.columns[QUARTER].texts]
    bucket = max(0, bisect_left(buckets, quarters[0], key=lambda span: span.after - 1))
    while bucket < len(buckets) and buckets[bucket].first <= quarters[-1]:
        first, after = (_place(block, bisect_left(quarters, quarter)) for quarter in buckets[bucket])
        if first < after:
            yield bucket, first, after
        bucket += 1


def _place(block: Block, code: int) -> int:
    """Return the place of the first click whose quarter has this code or a higher one: quarters rise."""
    return bisect_left(block.columns[QUARTER].codes, code)


def _counted(
    columns: Sequence[Column], codes: Sequence[Sequence[int]], mask: bytes | None
) -> Iterator[tuple[Values, tuple[int, int], int]]:
    """Yield the combinations of values, with the measure, which is the last column, and how many clicks had them."""
    chosen = codes if mask is None else [compress(part, mask) for part in codes]
    texts = [column.texts for column in columns[:-1]]
    measures = [divmod(int(text), 2) for text in columns[-1].texts]
    for (*of_values, measure), number in Counter(zip(*chosen, strict=True)).items():
        yield tuple(map(getitem, texts, of_values)), measures[measure], number


def _mask(block: Block, asked: Asked) -> bytes | None:
    """Return which clicks are counted, None where all are."""
    masks = [
        _accepting(block.columns[name], [text in wanted for text in block.columns[name].texts], block.clicks)
        for name, wanted in asked.filters.items()
    ]
    if asked.pairs:
        masks.append(_accepting_pairs(block, asked.pairs))
    chosen = [int.from_bytes(mask, "little") for mask in masks if mask is not None]
    if not chosen:
        return None
    both = chosen[0]
    for mask in chosen[1:]:
        both &= mask
    return both.to_bytes(block.clicks, "little")


def _accepting(column: Column, accepted: Sequence[bool], clicks: int) -> bytes | None:
    """Return which clicks have an accepted text, None where all have."""
    if all(accepted):
        return None
    if len(column.planes) == 1:
        return column.planes[0].translate(_table(accepted))
    low, high = column.planes
    found = 0
    for start in range(0, len(accepted), 256):
        page = accepted[start : start + 256]
        if any(page):
            of_page = high.translate(_table([place == start >> 8 for place in range(256)]))
            found |= int.from_bytes(of_page, "little") & int.from_bytes(low.translate(_table(page)), "little")
    return found.to_bytes(clicks, "little")


def _table(accepted: Sequence[bool]) -> bytes:
    return bytes(accepted).ljust(256, b"\0")


def _accepting_pairs(block: Block, accepts: Pairs) -> bytes:
    """Return which clicks have an accepted pair: vias with the same accepted coupons are looked for together."""
    via, coupon = block.columns["via"], block.columns["coupon"]
    coupons_of: dict[int, set[int]] = defaultdict(set)
    for one, other in _pairs(block, via, coupon):
        if accepts(via.texts[one], coupon.texts[other]):
            coupons_of[one].add(other)
    vias_of: dict[frozenset[int], set[int]] = defaultdict(set)
    for one, others in coupons_of.items():
        vias_of[frozenset(others)].add(one)
    found = 0
    for coupons, vias in vias_of.items():
        masks = (
            _accepting(via, _flags(via, vias), block.clicks),
            _accepting(coupon, _flags(coupon, coupons), block.clicks),
        )
        both = int.from_bytes(b"\1" * block.clicks, "little")
        for mask in masks:
            both &= both if mask is None else int.from_bytes(mask, "little")
        found |= both
    return found.to_bytes(block.clicks, "little")


def _pairs(block: Block, via: Column, coupon: Column) -> Iterable[tuple[int, int]]:
    """Return the codes of all pairs that may be there: any two, unless that is more than there are clicks."""
    if len(via.texts) * len(coupon.texts) <= block.clicks:
        return product(range(len(via.texts)), range(len(coupon.texts)))
    return set(zip(via.codes, coupon.codes, strict=True))


def _flags(column: Column, codes: Collection[int]) -> list[bool]:
    return [code in codes for code in range(len(column.texts))]
