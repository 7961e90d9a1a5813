"""What rows are put together to: sums of every group, over a whole range or by bucket."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from control.clicks.shapes import KINDS, MEASURE_OF_KIND, MEASURES
from control.insight.analytics.question import Question
from control.insight.analytics.raw import RawReader
from control.insight.analytics.reading import Reading, Sessions, open_reading
from control.insight.analytics.sums import Values, add

Sums = list[int]

UNIQUES: Final = MEASURES.index("uniques")


class Split:
    """Sums by key over a range; what they were read from, and which values of rows belong to each key."""

    def __init__(self, reading: Reading | None = None) -> None:
        """Begin with no groups; `reading` is None for an offer without clicks."""
        self.reading = reading
        self.groups: dict[str, Sums] = {}
        self.values: dict[str, set[Values]] = defaultdict(set)

    @property
    def source(self) -> str:
        """Where sums were read, as answers name it."""
        return self.reading.reader.source if self.reading else "rollups"

    @property
    def total(self) -> Sums:
        """The sums of all groups together."""
        return _sum(self.groups.values())

    def add(self, key: str, values: Values, sums: Sums) -> None:
        """Count a row for a group."""
        if any(sums):
            _count(self.groups, key, sums)
            self.values[key].add(values)


async def split(sessions: Sessions, question: Question) -> Split:
    """Return the sums of every group over the whole range; without a key there is one, named ""."""
    found = Split(await open_reading(sessions, question))
    if found.reading is not None:
        for values, sums in await found.reading.totals():
            for key, part in _parts(question, found.reading.key_of(values), sums):
                found.add(key, values, part)
    return found


async def series(sessions: Sessions, question: Question, keys: Collection[str]) -> list[dict[str, Sums]]:
    """Return the sums of these groups by bucket; without a key the only group is "" ."""
    if question.group_by == "partner":  # which values are a partner's is known only from what there is
        return await series_of(await split(sessions, question), question, keys)
    found = Split(await open_reading(sessions, question))
    for key in keys:
        found.values[key].add((key,) if question.is_grouped else ())
    return await series_of(found, question, keys)


async def series_of(found: Split, question: Question, keys: Collection[str]) -> list[dict[str, Sums]]:
    """Return the sums by bucket of groups that `found` has the values of."""
    buckets: list[dict[str, Sums]] = [{} for _ in question.period.starts]
    values = {value for key in keys for value in found.values[key]}
    if found.reading is None or not values:
        return buckets
    for bucket, row, sums in await found.reading.series(values if question.is_grouped else None):
        for key, part in _parts(question, found.reading.key_of(row), sums):
            _count(buckets[bucket], key, part)
    return buckets


async def whole_series(
    sessions: Sessions, question: Question, found: Split, groups: Sequence[Mapping[str, Sums]]
) -> list[Sums]:
    """Return the sums of all groups together by bucket; `found` answered the question, `groups` is a series of it."""
    if not found.groups.keys() - {key for bucket in groups for key in bucket}:
        return [_sum(bucket.values()) for bucket in groups]
    if found.reading is not None and isinstance(found.reading.reader, RawReader):  # its rows are in memory
        totals = [_sum([]) for _ in groups]
        for bucket, _, sums in await found.reading.series(None):
            for _, part in _parts(question, "", sums):
                add(totals[bucket], part)
        return totals
    asked = question.ungrouped()
    whole = Split(await open_reading(sessions, asked))
    whole.values[""].add(())
    return [_sum(bucket.values()) for bucket in await series_of(whole, asked, [""])]


def _count(groups: dict[str, Sums], key: str, sums: Sums) -> None:
    """Count sums for a group; most are the first of theirs, and taken as they are."""
    if key in groups:
        add(groups[key], sums)
    else:
        groups[key] = [*sums]


def _sum(parts: Iterable[Sums]) -> Sums:
    total = [0] * len(MEASURES)
    for sums in parts:
        add(total, sums)
    return total


def _parts(question: Question, key: str, sums: Sums) -> Iterable[tuple[str, Sums]]:
    """Yield what of a row belongs to which group; kinds are not in rows but in measures."""
    kinds = question.filters.get("kind")
    if question.group_by == "kind":
        for kind in KINDS:
            if kinds is None or kind.decode() in kinds:
                yield kind.decode(), _only(sums, {kind.decode()})
    else:
        yield key, sums if kinds is None else _only(sums, kinds)


def _only(sums: Sums, kinds: Collection[str]) -> Sums:
    kept = {MEASURE_OF_KIND[number] for kind, number in KINDS.items() if kind.decode() in kinds}
    if "person" in kinds:
        kept.add(UNIQUES)
    return [count if place in kept else 0 for place, count in enumerate(sums)]
