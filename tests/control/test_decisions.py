"""What decided recent clicks is read from rollups, a minute old at most, and jumps are told of by offer."""

import logging

import pytest

from control.clicks.decisions import FRESH_S, DecisionWatch
from control.clicks.shapes import QUARTER_MS
from tests.control.clicks import NOON_MS, Clicks, Ingester, batch, ingesting

HOUR_MS = 4 * QUARTER_MS


class Watch:
    """A watch over the database of an ingester, with a clock of the test's."""

    def __init__(self, ingester: Ingester) -> None:
        self.now_s = 0.0
        self.watch = DecisionWatch(ingester.db, clock=lambda: self.now_s, wall_ms=lambda: NOON_MS + HOUR_MS)


def test_a_jump_is_found_in_the_clicks_of_the_last_half_hour(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    clicks = Clicks()
    before = [clicks.event(rule=rule) for rule in ["r_us"] * 180 + ["fallback"] * 20]
    recent = [clicks.event(rule=rule, time_ms=NOON_MS + HOUR_MS) for rule in ["r_us"] * 60 + ["fallback"] * 60]
    other = [clicks.event(rule=rule, offer="o_other", time_ms=NOON_MS + HOUR_MS) for rule in ["off", "inactive"]]

    async def claim(ingester: Ingester) -> None:
        await ingester.record(batch(1, before), batch(2, recent), batch(3, other))
        with caplog.at_level(logging.WARNING):
            found = await Watch(ingester).watch.look()

        assert found.recent == {"rule": 60, "fallback": 60, "off": 1, "inactive": 1}
        assert found.jumped == {"o_saas"}
        assert caplog.records[-1].__dict__["offers"] == ["o_saas"]

    ingesting(database_url, claim)


def test_older_clicks_are_no_part_of_it(database_url: str) -> None:
    clicks = Clicks()
    old = [clicks.event(rule="fallback", time_ms=NOON_MS - 12 * HOUR_MS) for _ in range(200)]

    async def claim(ingester: Ingester) -> None:
        await ingester.record(batch(1, old))

        assert (await Watch(ingester).watch.look()).recent.total() == 0

    ingesting(database_url, claim)


def test_it_is_read_once_a_minute(database_url: str) -> None:
    clicks = Clicks()

    async def claim(ingester: Ingester) -> None:
        watch = Watch(ingester)
        first = await watch.watch.look()
        await ingester.record(batch(1, [clicks.event(time_ms=NOON_MS + HOUR_MS)]))
        watch.now_s = FRESH_S - 1
        assert await watch.watch.look() is first

        watch.now_s = FRESH_S
        assert (await watch.watch.look()).recent["rule"] == 1

    ingesting(database_url, claim)
