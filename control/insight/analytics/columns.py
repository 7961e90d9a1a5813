"""Counting by columns: blocks of a day's clicks, filtered and grouped without looking at a click by itself. Pure.

A filter is a mask, a byte a click, that `translate` makes of a column's codes; masks are combined as integers; what
they leave of the columns asked for is zipped and counted. All three are loops in C.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from itertools import compress, product
from typing import Final, NamedTuple

from control.clicks.shapes import MEASURE, MEASURE_OF_KIND, MEASURES, QUARTER
from control.insight.analytics.periods import Range
from control.insight.analytics.sums import SeriesRow, Values

_UNIQUES: Final = MEASURES.index("uniques")

Pairs = Callable[[str, str], bool]
"""Whether clicks with this `via` and this coupon, folded, are counted."""


class Column(NamedTuple):
    """A column's texts, and its codes in planes of a byte a click: low ones, high ones; none where one text is all."""

    texts: Sequence[str]
    planes: tuple[bytes, ...]

    @classmethod
    def read(cls, texts: Sequence[str], codes: bytes | None, clicks: int) -> "Column":
        """Return a column as it is stored."""
        stored = codes or b""
        return cls(texts, tuple(stored[start : start + clicks] for start in range(0, len(stored), clicks)))

    def code(self, planes: Sequence[int]) -> int:
        """Return the place of the text of a click with these bytes."""
        return planes[0] + (planes[1] << 8 if len(planes) > 1 else 0) if planes else 0


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
        for bucket, first, after in _runs(block, buckets):
            for values, (kind, unique), number in _counted(block, asked.dimensions, mask, first, after):
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
    column = block.columns[QUARTER]
    if code >= len(column.texts):
        return block.clicks
    return bisect_left(column.planes[0], code) if column.planes else 0


def _counted(
    block: Block, dimensions: Sequence[str], mask: bytes | None, first: int, after: int
) -> Iterator[tuple[Values, tuple[int, int], int]]:
    columns = [block.columns[name] for name in (*dimensions, MEASURE)]
    planes: list[Iterable[int]] = [plane[first:after] for column in columns for plane in column.planes]
    if mask is not None:
        chosen = mask[first:after]
        planes = [compress(plane, chosen) for plane in planes]
        clicks = chosen.count(1)
    else:
        clicks = after - first
    counted: Mapping[tuple[int, ...], int] = Counter(zip(*planes, strict=True)) if planes else Counter({(): clicks})
    for codes, number in counted.items():
        *values, measure = _texts(columns, codes)
        yield tuple(values), divmod(int(measure), 2), number


def _texts(columns: Sequence[Column], codes: Sequence[int]) -> Iterator[str]:
    at = 0
    for column in columns:
        yield column.texts[column.code(codes[at : at + len(column.planes)])]
        at += len(column.planes)


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
    if len(column.planes) <= 1:
        return column.planes[0].translate(_table(accepted)) if any(accepted) else bytes(clicks)
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
    for others, ones in vias_of.items():
        masks = (
            _accepting(via, _flags(via, ones), block.clicks),
            _accepting(coupon, _flags(coupon, others), block.clicks),
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
    width = len(via.planes)
    present = set(zip(*via.planes, *coupon.planes, strict=True))
    return [(via.code(codes[:width]), coupon.code(codes[width:])) for codes in present]


def _flags(column: Column, codes: Collection[int]) -> list[bool]:
    return [code in codes for code in range(len(column.texts))]
