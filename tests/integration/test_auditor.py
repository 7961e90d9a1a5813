"""The auditor finds the edge that serves something else than SQL says, and none where all is well; real processes."""

import json
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.installation import HANG_S, Installation, wait_until
from tests.relay import Relay
from tests.servers import RedisServer

HOME = "https://yourbrand.com/"
TRUSTING = {"TURNOUT_TRUSTED_PROXIES": "127.0.0.0/8"}


@pytest.fixture
def relay(redis_server: RedisServer) -> Iterator[Relay]:
    """The way of the edge to Redis, which can be cut."""
    with Relay(redis_server.port) as relay:
        yield relay


@pytest.fixture
def turnout(tmp_path: Path, redis_server: RedisServer, relay: Relay) -> Iterator[Installation]:
    """Control, and an edge of two workers that reaches Redis through the relay, with the offer `saas`."""
    installation = Installation(tmp_path / "turnout", redis_server, **TRUSTING)
    try:
        installation.start_control()
        installation.environment["TURNOUT_REDIS_URL"] = f"redis://127.0.0.1:{relay.port}/0"
        installation.start_edge()
        installation.add_offer("saas", HOME)
        yield installation
    finally:
        installation.stop()


def audit(turnout: Installation) -> Any:
    return turnout.api("GET", "/edges")["items"][0]["audit"]


def answers(turnout: Installation) -> dict[str, float]:
    """Return how many answers this control has judged, by outcome."""
    connection = HTTPConnection("127.0.0.1", turnout.control_port, timeout=30)
    connection.request("GET", "/metrics")
    lines = connection.getresponse().read().decode().splitlines()
    connection.close()
    name = "turnout_control_audit_answers_total{answer="
    return {line.split('"')[1]: float(line.split()[-1]) for line in lines if line.startswith(name)}


def test_a_healthy_fleet_agrees_while_edits_go_on(turnout: Installation) -> None:
    offer = turnout.api("GET", "/offers?slug=saas")["items"][0]["id"]
    wait_until(lambda: answers(turnout)["right"] >= 4, turnout.output)
    editing = threading.Event()

    def edit() -> None:
        number = 0
        while not editing.is_set():
            turnout.save(offer, f"{HOME}{number}", wait_s=0)
            number += 1

    thread = threading.Thread(target=edit)
    thread.start()
    before = answers(turnout)["right"]
    wait_until(lambda: answers(turnout)["right"] >= before + 24, turnout.output)
    editing.set()
    thread.join()

    assert audit(turnout)["state"] == "agrees"
    assert audit(turnout)["differences"] == []
    assert answers(turnout)["none"] == 0


def test_an_edge_cut_off_from_redis_is_found_and_cleared_when_it_is_back(turnout: Installation, relay: Relay) -> None:
    wait_until(lambda: audit(turnout) is not None, turnout.output)
    offer = turnout.api("GET", "/offers?slug=saas")["items"][0]["id"]
    relay.cut()
    turnout.save(offer, f"{HOME}new", wait_s=0)

    wait_until(lambda: len(audit(turnout)["differences"]) == 2, turnout.output)
    found = audit(turnout)
    assert found["state"] == "differs"
    assert {each["slot"] for each in found["differences"]} == {0, 1}
    assert {each["link"] for each in found["differences"]} == {"_/saas"}
    assert "the newest is" in found["differences"][0]["says"]

    relay.mend()
    wait_until(lambda: audit(turnout)["state"] == "agrees", turnout.output)


def test_an_edge_whose_redis_was_tampered_with_is_found(turnout: Installation, redis_server: RedisServer) -> None:
    offer = turnout.api("GET", "/offers?slug=saas")["items"][0]["id"]
    turnout.save(offer, HOME)
    with redis_server.client() as client:
        key = f"{{t0}}o:{offer}"
        client.set(key, client.get(key).replace(HOME.encode(), b"https://elsewhere.example/"))
    assert turnout.edge is not None
    turnout.edge.terminate()
    turnout.edge.wait(HANG_S)
    shutil.rmtree(turnout.folder / "data" / "snapshots")
    turnout.start_edge()

    wait_until(lambda: (found := audit(turnout)) and found["state"] == "differs", turnout.output)
    assert "https://elsewhere.example/" in audit(turnout)["reason"]


def test_an_edge_that_does_not_answer_is_unreachable_not_different(turnout: Installation) -> None:
    wait_until(lambda: audit(turnout) is not None, turnout.output)
    assert turnout.edge is not None
    os.killpg(turnout.edge.pid, signal.SIGKILL)
    turnout.edge.wait(HANG_S)

    wait_until(lambda: audit(turnout)["state"] == "unreachable", turnout.output)
    assert audit(turnout)["differences"] == []
    assert "cannot be connected to" in audit(turnout)["reason"]


def test_of_two_controls_one_audits_and_the_other_takes_over(turnout: Installation, tmp_path: Path) -> None:
    wait_until(lambda: answers(turnout)["right"] >= 2, turnout.output)
    second = Installation(tmp_path / "second", turnout.redis)
    second.environment = turnout.environment | {
        "TURNOUT_CONTROL_PORT": str(second.control_port),
        "TURNOUT_REDIS_URL": turnout.redis.url,
    }
    try:
        second.start_control()
        before = answers(turnout)["right"]
        wait_until(lambda: answers(turnout)["right"] >= before + 6, turnout.output)
        assert answers(second)["right"] == 0
        assert json.dumps(audit(second)) == json.dumps(audit(turnout))

        turnout.kill_control()
        wait_until(lambda: answers(second)["right"] > 0, second.output)
        assert audit(second)["state"] == "agrees"
    finally:
        second.stop()
