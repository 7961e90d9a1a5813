"""All of Turnout on this machine, started by its own command as a person does, in a folder and on ports of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from redis import Redis

from deploy.demo import VISITORS, Visitor
from tests.servers import free_port
from tests.waiting import wait

TURNOUT = (sys.executable, "-m", "deploy.cli")
KEY = "tn_0123456789abcdef0123456789abcdef"
HANG_S = 90.0
IPHONE = next(visitor for visitor in VISITORS if visitor.who == "US, iPhone")

Json = dict[str, Any]


class Turnout:
    """One installation in a folder of its own, on ports of its own."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.edge, self.control, self.admin = free_port(), free_port(), free_port()
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")}
        self.environment |= {
            "TURNOUT_DATA_DIR": str(data_dir),
            "TURNOUT_EDGE_PORT": str(self.edge),
            "TURNOUT_CONTROL_PORT": str(self.control),
            "TURNOUT_EDGE_ADMIN_PORT": str(self.admin),
            "TURNOUT_BOOTSTRAP_API_KEY": KEY,
            "COLUMNS": "200",
        }
        self.output = ""
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None

    def start(self, *arguments: str) -> "Turnout":
        """Start `turnout up` and wait until it says that all of it runs."""
        self.output = ""
        self._process = subprocess.Popen(
            [*TURNOUT, "up", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        wait_for(lambda: "Ctrl-C stops everything." in self.output or self.has_ended(), self.__str__)
        assert not self.has_ended(), self.output
        return self

    def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                self.output += line

    def has_ended(self) -> bool:
        return self._process is None or self._process.poll() is not None

    def send_signal(self, number: int) -> None:
        """Send `up` a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def signal(self, number: int) -> int:
        """Send `up` a signal and return the exit status it ends with."""
        assert self._process is not None
        assert self._reader is not None
        self.send_signal(number)
        status = self._process.wait(HANG_S)
        self._reader.join(HANG_S)
        return status

    def stop(self) -> int:
        return 0 if self.has_ended() else self.signal(signal.SIGTERM)

    def command(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run another command of `turnout` beside it."""
        return subprocess.run(
            [*TURNOUT, *arguments],
            env=self.environment | environment,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )

    def click(self, path: str, visitor: Visitor = IPHONE, method: str = "GET") -> tuple[int, str]:
        """Return status and Location, without the click id."""
        connection = HTTPConnection("127.0.0.1", self.edge, timeout=HANG_S)
        headers = {"X-Forwarded-For": visitor.address, "User-Agent": visitor.user_agent}
        connection.request(method, path, headers=headers)
        response: HTTPResponse = connection.getresponse()
        response.read()
        connection.close()
        return response.status, re.sub(r"[?&]click_id=[^&]*", "", response.getheader("Location", ""))

    def call(self, method: str, path: str, body: object = None, key: str = KEY) -> Json:
        """Return what the API answers."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        request = Request(f"http://127.0.0.1:{self.control}/api/v1{path}", data, headers, method=method)
        with urlopen(request, timeout=HANG_S) as response:
            answer: Json = json.loads(response.read())
            return answer

    def offer_id(self) -> str:
        return str(self.call("GET", "/offers?slug=saas")["items"][0]["id"])

    def send_everyone_to(self, destination: str) -> Json:
        """Replace the example's rules and wait until that is live."""
        smart_link = {"enabled": True, "fallback_url": destination, "rules": []}
        return self.call("PUT", f"/offers/{self.offer_id()}/smart-link?wait=30", smart_link)

    def child(self, name: str) -> int:
        return int((self.data_dir / "run" / f"{name}.pid").read_text())

    def noted(self) -> Json:
        noted: Json = json.loads((self.data_dir / "run" / "up.json").read_text())
        return noted

    def redis_version(self) -> str:
        with Redis.from_url(self.noted()["redis"], decode_responses=True) as redis:
            return str(redis.info("server")["redis_version"])

    def __str__(self) -> str:
        logs = "".join(f"\n{log.name}:\n{log.read_text()[-3000:]}" for log in self.data_dir.glob("logs/*.log"))
        return f"{self.output}{logs}"


def wait_for(condition: Callable[[], object], what: Callable[[], str] = str) -> None:
    """Return when `condition` holds."""
    wait(condition, HANG_S, lambda: f"in vain: {what()}")
