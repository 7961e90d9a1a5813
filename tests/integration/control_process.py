"""`python -m control` as a process of the test's own, and its API."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests.servers import free_port

KEY = "tn_for_integration_tests"
_HANG_S = 60.0


class ControlProcess:
    """Control on a free port, with a data folder and whatever Redis it is given; keeps both over a restart."""

    def __init__(self, folder: Path, redis_url: str, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")},
            "TURNOUT_DATA_DIR": str(folder / "data"),
            "TURNOUT_REDIS_URL": redis_url,
            "TURNOUT_CONTROL_PORT": str(self.port),
            "TURNOUT_PUBLIC_URL": "https://go.test",
            "TURNOUT_BOOTSTRAP_API_KEY": KEY,
            "TURNOUT_ADMIN_PASSWORD": "a password for tests",
            **environment,
        }
        self._process: subprocess.Popen[str] | None = None
        self._client = httpx.Client(
            base_url=f"{self.url}/api/v1", headers={"Authorization": f"Bearer {KEY}"}, timeout=_HANG_S
        )

    def start(self) -> "ControlProcess":
        """Start it and wait until it is ready."""
        folder = self.folder
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "log").open("a") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "control"], env=self._environment, stdout=log, stderr=log, text=True
            )
        deadline = time.monotonic() + _HANG_S
        while not self._is_ready():
            assert self._process.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            time.sleep(0.05)
        return self

    def run_to_end(self) -> subprocess.CompletedProcess[str]:
        """Start it where it cannot, and return how it ended."""
        return subprocess.run(
            [sys.executable, "-m", "control"],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=_HANG_S,
            check=False,
        )

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """End it and return its exit status."""
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(signal_number)
        return process.wait(_HANG_S)

    def close(self) -> None:
        """End it for good."""
        self.stop(signal.SIGKILL)
        self._client.close()

    def log(self) -> str:
        """Everything it has printed."""
        return (self.folder / "log").read_text()

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One call under /api/v1 with the first key."""
        return self._client.request(method, path, **options)

    def got(self, method: str, path: str, **options: Any) -> Any:
        """The JSON of a call that must succeed."""
        response = self.call(method, path, **options)
        assert response.is_success, response.text
        return response.json()

    def _is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False
