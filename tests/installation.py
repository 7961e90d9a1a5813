"""Control and an edge as processes of their own over one Redis, each of which can be killed and started again."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.servers import RedisServer, free_port
from tests.waiting import wait

KEY = "tn_0123456789abcdef0123456789abcdef"
HANG_S = 60.0


class Answer(NamedTuple):
    """What a visitor got; `worker` are the boot bits of the click id, which tell workers apart."""

    status: int
    location: str
    worker: str


class Visitor:
    """One connection to the edge, kept alive: the same worker answers all of its clicks."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=HANG_S)

    def click(self, slug: str, user_agent: str = "Mozilla/5.0") -> Answer:
        """Click a link; nobody takes that browser for a person's."""
        self._connection.request("GET", f"/{slug}", headers={"Host": "go.example.com", "User-Agent": user_agent})
        response = self._connection.getresponse()
        response.read()
        location, _, click_id = (response.getheader("Location") or "").partition("click_id=")
        return Answer(response.status, location.rstrip("?&"), click_id[9:19])

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


class Installation:
    """One control process and one edge with `workers`; ports and folders of its own."""

    def __init__(self, folder: Path, redis: RedisServer, workers: int = 2, **environment: str) -> None:
        self.folder = folder
        self.redis = redis
        self.workers = workers
        self.control_port, self.edge_port = free_port(), free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")}
        self.environment |= {
            "TURNOUT_REDIS_URL": redis.url,
            "TURNOUT_DATA_DIR": str(folder / "data"),
            "TURNOUT_CONTROL_PORT": str(self.control_port),
            "TURNOUT_EDGE_PORT": str(self.edge_port),
            "TURNOUT_EDGE_ADMIN_PORT": str(free_port()),
            "TURNOUT_EDGE_NAME": "edge-1",
            "TURNOUT_BOOTSTRAP_API_KEY": KEY,
            **environment,
        }
        self.control: subprocess.Popen[bytes] | None = None
        self.edge: subprocess.Popen[bytes] | None = None

    def start(self) -> "Installation":
        """Start both and wait until every worker serves what is published."""
        self.start_control()
        self.start_edge()
        return self

    def start_control(self) -> None:
        """Start control and wait until its API answers."""
        self.control = self._spawn("control", "-m", "control")
        wait_until(lambda: self.try_api("GET", "/edges") is not None, self.output)

    def start_edge(self) -> None:
        """Start the edge and wait until all of its workers have caught up."""
        self.edge = self._spawn("edge", "-m", "edge", "--workers", str(self.workers))
        wait_until(self.is_live, self.output)

    def is_live(self) -> bool:
        """Whether every worker serves the newest publish."""
        found = self.try_api("GET", "/edges")
        return found is not None and [edge["state"] for edge in found["items"]] == ["live"]

    def stop(self) -> None:
        """End both as an operator would: the edge first, whose last clicks control then still takes."""
        for process in (self.edge, self.control):
            if process is not None and process.poll() is None:
                process.terminate()
                process.wait(HANG_S)

    def kill_control(self) -> None:
        """End control, and what it started, without giving them a say."""
        assert self.control is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.control.pid, signal.SIGKILL)
        self.control.wait(HANG_S)

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API as an admin and return its JSON; anything but success raises."""
        return call_api(self.control_port, method, path, body)

    def try_api(self, method: str, path: str) -> Any:
        """Like `api`, None where it fails."""
        with contextlib.suppress(OSError, RuntimeError, ValueError):
            return self.api(method, path)
        return None

    def metric(self, name: str) -> float:
        """Return what control's metrics say of `name`, which has no labels."""
        (value,) = metric_values(self.control_port, name)
        return value

    def add_offer(self, slug: str, destination_url: str) -> str:
        """Create an offer; return its id."""
        fields = {"name": slug, "slug": slug, "destination_url": destination_url}
        return str(self.api("POST", "/offers", fields)["id"])

    def save(self, offer_id: str, destination_url: str, wait_s: float = HANG_S) -> Any:
        """Send everybody who clicks an offer to `destination_url`; return what the API answers."""
        link = {"enabled": True, "fallback_url": destination_url, "rules": []}
        return self.api("PUT", f"/offers/{offer_id}/smart-link?wait={wait_s}", link)

    @contextlib.contextmanager
    def visitors(self) -> Iterator[list[Visitor]]:
        """One visitor at every worker."""
        found: dict[str, Visitor] = {}
        others: list[Visitor] = []
        deadline = time.monotonic() + HANG_S
        while len(found) < self.workers:
            assert time.monotonic() < deadline, "some worker never takes a connection"
            visitor = Visitor(self.edge_port)
            answer = visitor.click("saas")
            if not answer.worker or answer.worker in found:
                others.append(visitor)
            else:
                found[answer.worker] = visitor
        for visitor in others:
            visitor.close()
        yield list(found.values())
        for visitor in found.values():
            visitor.close()

    def output(self) -> str:
        """What the processes said last."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in logs)

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, *arguments],
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def wait_until(condition: Callable[[], bool], explain: Callable[[], str] = str) -> None:
    """Return when `condition` holds; fail with what `explain` says when it never does."""
    wait(condition, HANG_S, explain)


def metric_values(port: int, name: str) -> list[float]:
    """Return what the metrics at `port` say of `name`: a value for each set of labels."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=HANG_S) as answer:
        text = answer.read().decode()
    return [float(value) for value in re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)]


def call_api(port: int, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
    """Call the API of the control at `port` as an admin and return its JSON. Raises RuntimeError for a refusal."""
    connection = HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    sent = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", **(headers or {})}
    with contextlib.closing(connection):
        connection.request(method, f"/api/v1{path}", None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        content = response.read()
    if response.status not in (200, 201):
        raise RuntimeError(f"{method} {path}: {response.status} {content.decode(errors='replace')[:1000]}")
    return json.loads(content)
