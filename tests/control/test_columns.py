"""Counting by columns gives what counting click by click gives, whatever is asked."""

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pytest

from control.clicks.shapes import MEASURE, MEASURE_OF_KIND, MEASURES, QUARTER
from control.ingest import columns as writing
from control.insight.analytics.columns import Asked, Block, Column, count
from control.insight.analytics.periods import Range

FIRST = 96 * 20_000
MANY = [f"campaign {number}" for number in range(700)]


class Made(NamedTuple):
    """A click as the test knows it."""

    quarter: int
    kind: int
    first: int
    country: str
    via: str
    coupon: str
    sub1: str
    sub2: str


def clicks(rng: random.Random, number: int, spread: int = 96) -> list[Made]:
    quarters = sorted(FIRST + rng.randrange(spread) for _ in range(number))
    return [
        Made(
            quarter,
            kind := rng.choice([0, 0, 0, 1, 2, 3]),
            int(kind == 0 and rng.random() < 0.5),
            rng.choice(["US", "DE", "BR"]),
            rng.choice(["", "anna", "ben"]),
            rng.choice(["", "", "save"]),
            rng.choice(MANY),
            "",
        )
        for quarter in quarters
    ]


def block(made: Sequence[Made]) -> Block:
    """The clicks as they are written and read."""
    columns = {
        MEASURE: [2 * click.kind + click.first for click in made],
        QUARTER: [click.quarter for click in made],
        **{name: [getattr(click, name) for click in made] for name in ("country", "via", "coupon", "sub1", "sub2")},
    }
    written = {name: writing.column_of(name, values) for name, values in columns.items()}
    return Block(len(made), {name: Column.read(row["texts"], row["codes"], len(made)) for name, row in written.items()})


def counted(made: Sequence[Made], asked: Asked, buckets: Sequence[Range]) -> dict[object, list[int]]:
    """The same, click by click."""
    found: dict[object, list[int]] = defaultdict(lambda: [0] * len(MEASURES))
    for click in made:
        if any(getattr(click, name) not in wanted for name, wanted in asked.filters.items()):
            continue
        if asked.pairs and not asked.pairs(click.via, click.coupon):
            continue
        for place, bucket in enumerate(buckets):
            if bucket.first <= click.quarter < bucket.after:
                sums = found[place, tuple(getattr(click, name) for name in asked.dimensions)]
                sums[MEASURE_OF_KIND[click.kind]] += 1
                sums[1] += click.first
    return dict(found)


QUESTIONS = [
    pytest.param(Asked({}, None, ()), id="everything"),
    pytest.param(Asked({}, None, ("country",)), id="by one key"),
    pytest.param(
        Asked({"country": frozenset(["US"])}, None, ("sub1", "via")), id="filtered, by two keys, one of many values"
    ),
    pytest.param(
        Asked({"sub1": frozenset(MANY[3:600:7]), "country": frozenset(["US", "BR"])}, None, ("via",)), id="two filters"
    ),
    pytest.param(Asked({"sub1": frozenset(["nothing"])}, None, ("via",)), id="nothing"),
    pytest.param(Asked({"sub2": frozenset([""])}, None, ("sub2",)), id="a column of one value"),
    pytest.param(Asked({"sub2": frozenset(["x"])}, None, ()), id="another value than its only one"),
    pytest.param(Asked({}, lambda via, coupon: (via or coupon) in ("anna", "save"), ("country",)), id="pairs"),
    pytest.param(Asked({"country": frozenset(["DE"])}, lambda via, _: not via, ()), id="pairs and a filter"),
    pytest.param(Asked({}, lambda _via, _coupon: False, ()), id="no pair"),
]


@pytest.mark.parametrize("asked", QUESTIONS)
@pytest.mark.parametrize("number", [1, 7, 3_000])
def test_columns_count_what_clicks_count(asked: Asked, number: int) -> None:
    made = clicks(random.Random(number), number)
    buckets = [Range(FIRST + 10, FIRST + 11), Range(FIRST + 11, FIRST + 50), Range(FIRST + 50, FIRST + 200)]

    rows = count(
        [block(made[: number // 2 + 1]), *([block(made[number // 2 + 1 :])] if number > 1 else [])], asked, buckets
    )

    found: dict[object, list[int]] = {}
    for place, values, sums in rows:
        assert (place, values) not in found
        found[place, values] = sums
    assert found == counted(made, asked, buckets)


def test_pairs_of_more_values_than_clicks_are_looked_up_where_they_are() -> None:
    made = [Made(FIRST, 0, 0, "US", f"via{number}", f"code{number % 400}", "", "") for number in range(900)]
    asked = Asked({}, lambda via, coupon: via.endswith("7") and coupon != "code7", ("via",))

    rows = count([block(made)], asked, [Range(FIRST, FIRST + 96)])

    assert Counter({values[0]: sums[0] for _, values, sums in rows}) == Counter(
        click.via for click in made if asked.pairs and asked.pairs(click.via, click.coupon)
    )
