"""Turnout as a business runs it: PostgreSQL, two controls, two edges behind HAProxy, Redis for rules and for clicks.

Every part is a process of its own that can be killed, stopped, started again or cut off from its Redis.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.cable import Cable
from tests.clicking import History, destination
from tests.installation import HANG_S, KEY, call_api, wait_until
from tests.postgres import Postgres
from tests.sentinel import SentinelGroup
from tests.servers import RedisServer, free_port

DRAIN_S = 1.0
_HAPROXY = """
global
    maxconn 4000
    stats socket ipv4@127.0.0.1:{stats} level user
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 10s
    timeout check 2s
    retries 3
    option redispatch 1
    option httpchk GET /readyz
    default-server inter 200ms fastinter 100ms fall 2 rise 2
frontend visitors
    bind 127.0.0.1:{port}
    default_backend edges
backend edges
    balance roundrobin
{servers}
"""


class Part:
    """One process and what it is told; `port` is where it is asked."""

    def __init__(self, folder: Path, name: str, module: str, port: int, environment: dict[str, str]) -> None:
        self.name, self.port = name, port
        self.environment = environment
        self.cwd: Path | None = None
        self._folder, self._module = folder, module
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; nobody waits."""
        with (self._folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._module],
                env=self.environment,
                cwd=self.cwd,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self) -> None:
        """End it as an operator would."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(HANG_S)

    def kill(self) -> None:
        """End it, and what it started, without giving them a say."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(HANG_S)

    def is_ready(self) -> bool:
        """Whether its `/readyz` says so."""
        return self.answers("/readyz")

    def answers(self, path: str) -> bool:
        """Whether it answers a path with 200."""
        with contextlib.suppress(OSError):
            connection = HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", path)
                return connection.getresponse().status == 200
        return False


class Business:
    """All of it. The offers `saas` and `shop` send everybody where their last edit says (`tests.clicking`)."""

    slugs = ("saas", "shop")

    def __init__(self, folder: Path, *, with_sentinel: bool = False, cables: bool = False, workers: int = 1) -> None:
        self.folder = folder
        self.workers = workers
        self.history = History()
        self._quiet = threading.RLock()
        self.numbers = dict.fromkeys(self.slugs, 0)
        self.offers: dict[str, str] = {}
        self.postgres = Postgres()
        self._one_redis = with_sentinel  # so that a failover loses clicks, too
        self.rules = SentinelGroup(folder / "rules") if with_sentinel else RedisServer(folder / "rules")
        self.clicks = RedisServer(folder / "clicks", appendonly=True)
        self.port, self._stats_port = free_port(), free_port()
        self._front: subprocess.Popen[bytes] | None = None
        self.cable = Cable(self.rules.port) if cables and isinstance(self.rules, RedisServer) else None
        self.controls = [self._control(number) for number in (1, 2)]
        self.edges = [self._edge(number) for number in (1, 2)]

    def start(self) -> "Business":
        """Start everything, make the offers, and wait until both edges serve them through the front."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.postgres.create()
        self.rules.start()
        self.clicks.start()
        for part in (*self.controls, *self.edges):  # at once: the second waits while the first makes the tables
            part.start()
        wait_until(lambda: all(control.is_ready() for control in self.controls), self.output)
        for slug in self.slugs:
            fields = {"name": slug, "slug": slug, "destination_url": destination(slug, 0)}
            self.offers[slug] = str(self.api("POST", "/offers", fields)["id"])
        wait_until(self.are_edges_live, self.output)
        wait_until(self.serve_newest, self.output)  # so that they hold the offers, which the first click asks Redis for
        self._start_front()
        return self

    def close(self) -> None:
        """End everything; the edges first, then who takes their last clicks."""
        for part in (*self.edges, *self.controls):
            part.kill()
        if self._front is not None:
            self._front.kill()
            self._front.wait()
        if self.cable is not None:
            self.cable.close()
        self.rules.kill()
        self.clicks.kill()
        self.postgres.remove()

    def api(
        self,
        method: str,
        path: str,
        body: Any = None,
        control: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Call the API of one control, or of the first that answers; anything but success raises."""
        ports = [part.port for part in self.controls] if control is None else [self.controls[control].port]
        for port in ports[:-1]:
            with contextlib.suppress(OSError):
                return call_api(port, method, path, body, headers)
        return call_api(ports[-1], method, path, body, headers)

    def edit(self, slug: str, wait_s: float = HANG_S, control: int | None = None) -> Any:
        """Save the offer's next edit and note from when on it is on every edge; return what the API answers."""
        with self._quiet:
            return self._edit(slug, wait_s, control)

    def _edit(self, slug: str, wait_s: float, control: int | None) -> Any:
        self.numbers[slug] += 1
        number = self.numbers[slug]
        link = {"enabled": True, "fallback_url": destination(slug, number), "rules": []}
        saved = self.api("PUT", f"/offers/{self.offers[slug]}/smart-link?wait={wait_s}", link, control)
        if saved["propagation"]["live"] == saved["propagation"]["of"] == len(self.edges):
            self.history.live.append((time.monotonic(), slug, number))
        return saved

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Nobody edits during the block."""
        with self._quiet:
            yield

    def are_edges_live(self) -> bool:
        """Whether control sees every worker serve the newest publish."""
        with contextlib.suppress(OSError, RuntimeError):
            found = self.api("GET", "/edges")["items"]
            return [edge["state"] for edge in found] == ["live"] * len(self.edges)
        return False

    def is_in_front(self, edge: Part) -> bool:
        """Whether the front sends visitors to an edge."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._stats_port)) as stats:
            stats.sendall(b"show stat\n")
            lines = stats.makefile().read().splitlines()
            return any(line.startswith(f"edges,{edge.name},") and ",UP," in line for line in lines)
        return False

    def restart(self, part: Part) -> None:
        """Stop a part in order and start it again; return when it does its work, as whoever restarts the next waits."""
        part.stop()
        part.start()
        wait_until(part.is_ready, self.output)
        if part in self.edges:
            wait_until(lambda: self.is_in_front(part), self.output)

    def serve_newest(self) -> bool:
        """Whether every edge, asked directly, redirects to the newest edits."""
        return all(
            self.location(port, slug).startswith(destination(slug, self.numbers[slug]) + "?")
            for port in self.edge_ports
            for slug in self.slugs
        )

    @property
    def edge_ports(self) -> list[int]:
        """Where visitors of each edge come in, the front left aside."""
        return [int(edge.environment["TURNOUT_EDGE_PORT"]) for edge in self.edges]

    def location(self, port: int, slug: str) -> str:
        """Click on a new connection, and note it; return where it leads, "" for nowhere."""
        with contextlib.suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", f"/{slug}", headers={"Host": "go.test", "User-Agent": "Mozilla/5.0"})
                return connection.getresponse().getheader("Location") or ""
        return ""

    def recorded(self) -> list[str]:
        """Every click id in SQL, as often as it is there."""
        return [row[0] for row in self.postgres.query("SELECT click_id FROM clicks")]

    def lost(self) -> set[str]:
        """Clicks that were answered and are not in SQL."""
        return set(self.history.ids) - set(self.recorded())

    def settle(self) -> None:
        """Wait until every click that was answered is in SQL, as long as they come."""
        missing, since = self.lost(), time.monotonic()
        while missing:
            time.sleep(0.2)
            left = self.lost()
            if len(left) < len(missing):
                missing, since = left, time.monotonic()
            assert time.monotonic() < since + HANG_S, f"{len(left)} clicks are lost\n{self.output()}"

    def in_flight(self) -> int:
        """Clicks that were answered and are neither in SQL nor counted as lost."""
        return int(self.api("GET", "/accounting")["total"]["in_flight"])

    def epoch(self) -> int:
        """The lineage of what is published."""
        return int(self.postgres.query("SELECT epoch FROM publishing_lineage")[0][0])

    def output(self) -> str:
        """What the processes said last."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs)

    @contextlib.contextmanager
    def editing(self, period_s: float = 0.1) -> Iterator[None]:
        """Somebody edits all the time, at either control in turn; what fails is tried again under another number."""
        stopping = threading.Event()

        def edit() -> None:
            turn = 0
            while not stopping.wait(period_s):
                turn += 1
                with contextlib.suppress(OSError, RuntimeError):
                    self.edit(self.slugs[turn % 2], wait_s=1, control=(turn // 2) % len(self.controls))

        thread = threading.Thread(target=edit, daemon=True)
        thread.start()
        try:
            yield
        finally:
            stopping.set()
            thread.join()

    def _control(self, number: int) -> Part:
        port = free_port()
        environment = self._environment(f"control-{number}") | {
            "TURNOUT_DATABASE_URL": self.postgres.url,
            "TURNOUT_CONTROL_PORT": str(port),
            "TURNOUT_BOOTSTRAP_API_KEY": KEY,
            "TURNOUT_ADMIN_PASSWORD": "a password for tests",
        }
        return Part(self.folder, f"control-{number}", "control", port, environment)

    def _edge(self, number: int) -> Part:
        port = free_port()
        environment = self._environment(f"edge-{number}") | {
            "TURNOUT_EDGE_PORT": str(free_port()),
            "TURNOUT_EDGE_ADMIN_PORT": str(port),
            "TURNOUT_EDGE_NAME": f"edge-{number}",
            "TURNOUT_EDGE_WORKERS": str(self.workers),
            "TURNOUT_DRAIN_SECONDS": str(DRAIN_S),
        }
        if self.cable is not None and number == 2:
            environment["TURNOUT_REDIS_URL"] = f"redis://127.0.0.1:{self.cable.port}/0"
        return Part(self.folder, f"edge-{number}", "edge", port, environment)

    def _environment(self, name: str) -> dict[str, str]:
        return {variable: value for variable, value in os.environ.items() if not variable.startswith("TURNOUT_")} | {
            "TURNOUT_REDIS_URL": self.rules.url,
            "TURNOUT_CLICKS_REDIS_URL": self.rules.url if self._one_redis else self.clicks.url,
            "TURNOUT_DATA_DIR": str(self.folder / name),
        }

    def _start_front(self) -> None:
        if (binary := shutil.which("haproxy")) is None:
            pytest.skip("needs haproxy on PATH")
        servers = "\n".join(
            f"    server {edge.name} 127.0.0.1:{port} check port {edge.port}"
            for edge, port in zip(self.edges, self.edge_ports, strict=True)
        )
        config = self.folder / "haproxy.cfg"
        config.write_text(_HAPROXY.format(port=self.port, stats=self._stats_port, servers=servers))
        with (self.folder / "haproxy.log").open("wb") as log:
            self._front = subprocess.Popen([binary, "-db", "-f", str(config)], stdout=log, stderr=log)
        wait_until(lambda: all(map(self.is_in_front, self.edges)), self.output)
