"""Postbacks against control as it runs: with its ingester beside it, many at once, and clicks that come late."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from shared.events import SCHEMA, ClickEvent, encode_event
from shared.wire import CLICKS
from tests.integration.control_process import ControlProcess
from tests.servers import RedisServer
from tests.waiting import wait

_HANG_S = 60.0


class Shop:
    """One offer of a running control, and the stream that its clicks come through."""

    def __init__(self, control: ControlProcess, redis: RedisServer) -> None:
        self.control = control
        self.redis = redis
        wanted = {"name": "SaaS", "slug": "saas", "destination_url": "https://yourbrand.com"}
        self.offer = control.got("POST", "/offers", json=wanted)
        self.batches = 0

    def report(self, **params: str) -> httpx.Response:
        """The answer to one postback."""
        secret = {"X-Turnout-Secret": self.offer["postback_secret"]}
        return httpx.post(f"{self.control.url}/postback/saas", params=params, headers=secret, timeout=_HANG_S)

    def click(self, *click_ids: str, kind: str = "person") -> None:
        """Send clicks on their way, as an edge does."""
        self.batches += 1
        lines = [encode_event(self._event(click_id, kind)) for click_id in click_ids]
        fields = {
            "schema": SCHEMA,
            "boot": "boot1",
            "batch": self.batches,
            "host": "edge-1",
            "slot": 0,
            "counts": orjson.dumps({"produced": len(lines), "dropped": {}}),
            "events": b"\n".join(lines),
        }
        with self.redis.client() as client:
            client.xadd(CLICKS, fields)  # type: ignore[arg-type]  # str, int and bytes are what it takes

    def _event(self, click_id: str, kind: str) -> ClickEvent:
        return ClickEvent(
            *(click_id, time.time_ns() // 1_000_000, "_", "saas", self.offer["id"], "", 1, "fallback"),
            *(
                "US",
                "mobile",
                "ios",
                "Safari",
                kind,
                "mara",
                "",
                "",
                "",
                "",
                "",
                "",
                "",
                "203.0.113.0",
                "00000000000000aa",
            ),
        )

    def conversions(self, **params: str) -> list[Any]:
        """The offer's conversions."""
        found = self.control.got("GET", f"/offers/{self.offer['id']}/conversions", params=params)
        return list(found["items"])

    def clicks(self) -> tuple[int, int]:
        """Clicks and prefetches, as analytics counts them."""
        totals = self.control.got("GET", f"/offers/{self.offer['id']}/analytics")["totals"]
        return totals["clicks"], totals["prefetches"]


@pytest.fixture
def shop(tmp_path: Path, redis_server: RedisServer) -> Iterator[Shop]:
    process = ControlProcess(tmp_path / "control", redis_server.url)
    try:
        yield Shop(process.start(), redis_server)
        assert "Traceback" not in process.log(), process.log()[-4000:]
    finally:
        process.close()


def until(holds: Callable[[], object]) -> None:
    """Wait for what is to come about."""
    wait(holds, _HANG_S, str)


def test_sale_that_is_faster_than_its_click_is_credited_once_both_are_there(shop: Shop) -> None:
    mara = shop.control.got("POST", "/partners", json={"name": "Mara", "slug": "mara"})
    made = shop.report(click_id="late", amount="5").json()
    assert made["click_status"] == "waiting"

    shop.click("late")

    until(lambda: shop.conversions(click_status="found"))
    [settled] = shop.conversions(partner_id=mara["id"])
    assert (settled["id"], settled["verdict"]["by"], settled["country"]) == (made["id"], "via", "US")


def test_prefetch_that_converts_counts_as_a_click_beside_the_ingester(shop: Shop) -> None:
    shop.click("p1", "p2", kind="prefetch")
    until(lambda: shop.clicks() == (0, 2))

    shop.report(click_id="p1")
    for batch in range(20):
        shop.click(*(f"c{batch}-{number}" for number in range(50)))

    until(lambda: shop.clicks() == (1001, 1))
    assert shop.control.got("GET", "/clicks/p1")["kind"] == "person"


def test_one_sale_reported_by_many_at_once_is_one_conversion(shop: Shop) -> None:
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: shop.report(coupon="X", txn_id="1", amount="5"), range(32)))

    assert sorted(answer.status_code for answer in answers) == [200] * 31 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(shop.conversions()) == 1
    log = shop.control.got("GET", f"/offers/{shop.offer['id']}/postbacks?limit=100")["items"]
    assert sorted(entry["outcome"] for entry in log) == ["created"] + ["repeated"] * 31


def test_conversions_outlive_a_restart(shop: Shop) -> None:
    made = shop.report(click_id="late", txn_id="1", amount="5").json()

    shop.control.stop()
    shop.click("late")
    shop.control.start()

    assert shop.report(click_id="late", txn_id="1").status_code == 200
    until(lambda: shop.conversions(click_status="found"))
    assert [(found["id"], found["amount"]) for found in shop.conversions()] == [(made["id"], "5.00")]
