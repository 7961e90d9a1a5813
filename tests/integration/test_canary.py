"""A canary over real processes: some workers serve it, and what does harm is back to what was within seconds."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from control.clicks.decisions import MIN_CLICKS
from shared import wire
from shared.canary import Split
from tests.builders import CHROME
from tests.installation import Installation, Visitor, wait_until
from tests.servers import RedisServer

OLD, NEW, NOWHERE = "https://old.test/", "https://new.test/", "https://nowhere.test/"


@pytest.fixture
def turnout(tmp_path: Path, redis_server: RedisServer) -> Iterator[Installation]:
    """Control and an edge with two workers."""
    installation = Installation(tmp_path, redis_server)
    try:
        yield installation.start()
    finally:
        installation.stop()


@pytest.fixture
def offer(turnout: Installation) -> str:
    """The id of `saas`, whose only rule sends everybody to `OLD`."""
    offer_id = turnout.add_offer("saas", NOWHERE)
    save(turnout, offer_id, OLD)
    return offer_id


def save(turnout: Installation, offer_id: str, to: str, query: str = "", **when: Any) -> Any:
    link = {"enabled": True, "fallback_url": NOWHERE, "rules": [{"destination_url": to, "when": when}]}
    return turnout.api("PUT", f"/offers/{offer_id}/smart-link?wait=60{query}", link)


def begin(turnout: Installation, offer_id: str, to: str = NEW, **when: Any) -> Any:
    saved = save(turnout, offer_id, to, "&canary=50", **when)
    assert (saved["canary"]["workers"], saved["canary"]["of"]) == (1, 2)
    assert saved["propagation"]["complete"], saved["propagation"]
    return saved


def state(turnout: Installation, offer_id: str) -> Any:
    return turnout.api("GET", f"/offers/{offer_id}/smart-link/canary")


def served(visitors: list[Visitor]) -> list[str]:
    """Where each worker sends a click."""
    return [visitor.click("saas").location for visitor in visitors]


def test_one_of_two_workers_serves_it_until_it_is_everyones(turnout: Installation, offer: str) -> None:
    with turnout.visitors() as visitors:
        assert served(visitors) == [OLD, OLD]
        begin(turnout, offer)
        assert sorted(served(visitors)) == [NEW, OLD]

        turnout.api("POST", f"/offers/{offer}/smart-link/canary/promote?wait=60")
        assert served(visitors) == [NEW, NEW]


def test_a_worker_that_is_started_anew_serves_the_side_that_it_served(turnout: Installation, offer: str) -> None:
    begin(turnout, offer)
    assert turnout.edge is not None
    turnout.edge.terminate()
    turnout.edge.wait()
    turnout.start_edge()

    with turnout.visitors() as visitors:
        assert sorted(served(visitors)) == [NEW, OLD]
    assert state(turnout, offer)["canary"] is not None


def test_it_outlives_a_flush_of_redis_and_is_rebuilt_as_it_was(turnout: Installation, offer: str) -> None:
    begin(turnout, offer)
    with turnout.redis.client() as redis:
        redis.flushall()
    wait_until(turnout.is_live, turnout.output)

    with turnout.visitors() as visitors:
        assert sorted(served(visitors)) == [NEW, OLD]


def test_a_crash_of_its_worker_takes_it_back(turnout: Installation, offer: str) -> None:
    begin(turnout, offer)
    os.kill(picked_process(turnout, offer), signal.SIGKILL)
    wait_until(lambda: state(turnout, offer)["canary"] is None, turnout.output)

    last = state(turnout, offer)["last"]
    assert (last["outcome"], last["cause"]) == ("withdrawn", "crashed")
    wait_until(turnout.is_live, turnout.output)
    with turnout.visitors() as visitors:
        assert served(visitors) == [OLD, OLD]


def test_clicks_that_fall_through_take_it_back(turnout: Installation, offer: str) -> None:
    begin(turnout, offer, country=["DE"])
    with turnout.visitors() as visitors:
        for visitor in visitors:
            for _ in range(MIN_CLICKS):
                visitor.click("saas", CHROME)
        wait_until(lambda: state(turnout, offer)["canary"] is None, turnout.output)

        last = state(turnout, offer)["last"]
        assert (last["outcome"], last["cause"], last["ended_by"]["kind"]) == ("withdrawn", "fallback", "system")
        wait_until(lambda: served(visitors) == [OLD, OLD], turnout.output)


def picked_process(turnout: Installation, offer_id: str) -> int:
    """The process of the worker that serves the canary."""
    key = wire.table_key(offer_id)
    with turnout.redis.client() as redis:
        body = wire.decode_value(redis.get(wire.redis_key(key)), key).body
    split = Split(body["share"], body["salt"])
    with urlopen(f"http://127.0.0.1:{turnout.environment['TURNOUT_EDGE_ADMIN_PORT']}/readyz") as response:
        workers = json.load(response)["workers"]
    return next(each["pid"] for each in workers if split.picks(wire.worker_name("edge-1", each["slot"])))
