"""What a worker tells its supervisor, four times a second: that it lives, how it is, and its numbers.

One JSON line on a socket pair is heartbeat, status and metrics at once, so that a scrape asks nobody and a worker that
is stuck cannot hold up the answer about the others.
"""

import asyncio
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

BEAT_EVERY_S: Final = 0.25
MAX_LINE_BYTES: Final = 256 * 1024

Samples = dict[str, dict[str, float]]
"""Metric name -> value of its label ("" for one without) -> number."""

STARTING: Final = "starting"
SERVING: Final = "serving"
STOPPING: Final = "stopping"


@dataclass(frozen=True, slots=True)
class Report:
    """One line. `sync`, `clicks` and `geo` are for /readyz to read out; `samples` are what metrics.py declares."""

    phase: str
    sync: dict[str, Any] = field(default_factory=dict)
    clicks: dict[str, Any] = field(default_factory=dict)
    geo: dict[str, Any] = field(default_factory=dict)
    samples: Samples = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    """What a worker knows of its own process. `lag_s` is how late the loop ran the last beat."""

    lag_s: float
    cpu_s: float
    memory_bytes: int


class Heart:
    """The worker's end: sends `compose(lag)` every quarter second; never blocks, and skips a beat nobody reads."""

    def __init__(self, line: socket.socket, compose: Callable[[float], Report]) -> None:
        line.setblocking(False)
        self._line = line
        self._compose = compose
        self._unsent = b""

    async def beat(self) -> None:
        """Beat until cancelled, or until the supervisor is gone: then return."""
        loop = asyncio.get_running_loop()
        lag_s = 0.0
        while self.send(self._compose(lag_s)):
            due = loop.time() + BEAT_EVERY_S
            await asyncio.sleep(BEAT_EVERY_S)
            lag_s = max(0.0, loop.time() - due)

    def send(self, report: Report) -> bool:
        """Send a report unless the one before is still on its way; tell whether there is someone to send it to."""
        data = self._unsent or orjson.dumps(report) + b"\n"
        try:
            self._unsent = data[self._line.send(data) :]
        except BlockingIOError:
            self._unsent = data if data is self._unsent else b""
        except OSError:
            return False
        return True


class Ear:
    """The supervisor's end: the last whole report of one worker. `is_open` until the worker's end is closed."""

    def __init__(self, line: socket.socket) -> None:
        line.setblocking(False)
        self.line = line
        self.is_open = True
        self._partial = b""

    def listen(self) -> Report | None:
        """Return the newest report that has arrived whole, None where none has."""
        *lines, self._partial = (self._partial + self._receive()).split(b"\n")
        return Report(**orjson.loads(lines[-1])) if lines else None

    def _receive(self) -> bytes:
        try:
            received = self.line.recv(MAX_LINE_BYTES)
        except BlockingIOError:
            return b""
        except OSError:
            received = b""
        self.is_open = bool(received)
        return received


def process_status(lag_s: float) -> ProcessStatus:
    """Return what this process is using now; memory is 0 where there is no /proc."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return ProcessStatus(lag_s, usage.ru_utime + usage.ru_stime, resident_bytes())


def resident_bytes() -> int:
    """Return this process' resident memory, shared pages included; 0 where there is no /proc."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return 0
