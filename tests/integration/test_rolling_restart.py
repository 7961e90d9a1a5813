"""Edges restarted one after the other behind a real Caddy, while people click: nobody notices.

The second edge has the ports of the first at another address of this machine, for Caddy asks both at one admin port.
"""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path

import pytest

from tests.caddy import LOOPBACK, PUBLIC, Caddy
from tests.installation import HANG_S, Installation, wait_until
from tests.servers import RedisServer

SECOND = "127.0.0.2"
CLICKERS = 4
DRAIN_S = "6"
"""As in the compose file: three times Caddy's interval."""


class Fleet:
    """Two edges of one installation behind Caddy."""

    def __init__(self, folder: Path, redis: RedisServer) -> None:
        settings = {"TURNOUT_TRUSTED_PROXIES": "127.0.0.0/8", "TURNOUT_DRAIN_SECONDS": DRAIN_S}
        self.folder = folder
        self.installation = Installation(folder / "turnout", redis, workers=1, **settings)
        self.caddy = Caddy(folder / "caddy", self.installation, (LOOPBACK, SECOND))
        self.edges: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> "Fleet":
        self.installation.start_control()
        for host in (LOOPBACK, SECOND):
            self.start_edge(host)
        self.installation.add_offer("saas", "https://yourbrand.com")
        self.caddy.start()
        return self

    def start_edge(self, host: str) -> None:
        """Start an edge and wait until control knows it to be live."""
        name = f"edge-{host[-1]}"
        own = {"TURNOUT_HOST": host, "TURNOUT_EDGE_NAME": name, "TURNOUT_DATA_DIR": str(self.folder / name)}
        with (self.folder / f"{name}.log").open("ab") as log:
            self.edges[host] = subprocess.Popen(
                [sys.executable, "-m", "edge"],
                env=os.environ | self.installation.environment | own,
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: name in self.live(), self.installation.output)

    def live(self) -> list[str]:
        """Return the edges that serve what is published."""
        found = self.installation.try_api("GET", "/edges") or {"items": []}
        return [edge["host"] for edge in found["items"] if edge["state"] == "live"]

    def restart(self, host: str) -> None:
        """Stop an edge as its unit, its container or its pod does, and start it again."""
        edge = self.edges[host]
        edge.send_signal(signal.SIGTERM)
        assert edge.wait(HANG_S) == 0
        self.start_edge(host)

    def recorded(self) -> int:
        """Return how many clicks are in the database."""
        accounts = self.installation.api("GET", "/accounting")
        return int(accounts["total"]["recorded"])

    def stop(self) -> None:
        for edge in self.edges.values():
            edge.terminate()
        for edge in self.edges.values():
            edge.wait(HANG_S)
        self.caddy.stop()
        self.installation.stop()


@pytest.fixture
def fleet(tmp_path: Path, redis_server: RedisServer) -> Iterator[Fleet]:
    found = Fleet(tmp_path, redis_server)
    yield found.start()
    found.stop()


def test_every_click_is_answered_and_recorded_while_edges_are_restarted(fleet: Fleet) -> None:
    answers: Counter[object] = Counter()
    enough = threading.Event()

    def click_on() -> None:
        while not enough.is_set():
            try:
                answers[fleet.caddy.get(PUBLIC, "/saas").status] += 1
            except (OSError, HTTPException) as exc:
                answers[repr(exc)] += 1

    clickers = [threading.Thread(target=click_on) for _ in range(CLICKERS)]
    for clicker in clickers:
        clicker.start()
    try:
        for host in (LOOPBACK, SECOND):
            fleet.restart(host)
    finally:
        enough.set()
        for clicker in clickers:
            clicker.join(HANG_S)

    assert set(answers) == {302}
    wait_until(lambda: fleet.recorded() == answers[302], lambda: f"{fleet.recorded()} of {answers} recorded")
