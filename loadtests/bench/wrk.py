"""wrk, the load generator: run against a port, with what it counted and what its target's processor time was."""

import os
import re
import signal
import subprocess
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.bench.stage import CLIENT_CPU

_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}


class Run(NamedTuple):
    """One run of wrk against one target. `cpu_us` is the target's processor time an answer."""

    rate: float
    cpu_us: float
    p99_ms: float
    answers: int
    errors: int


class Wrk:
    """wrk on `cpus`, replaying `script` until its time is over, as fast as answers come or at a `rate` a second."""

    def __init__(
        self,
        port: int,
        script: Path,
        *,
        seconds: int,
        connections: int,
        rate: float = 0.0,
        cpus: str = CLIENT_CPU,
        threads: int = 1,
    ) -> None:
        self._port = port
        self._cpu_s = cpu_seconds(port)
        command = ["taskset", "-c", cpus, "wrk", f"-t{threads}", f"-c{connections}", f"-d{seconds}s", "--latency"]
        command += ["-s", str(script), f"http://127.0.0.1:{port}"]
        command += ["--", str(1000 * threads / rate)] if rate else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def wait(self) -> Run:
        """Return what it counted, once its time is over."""
        out, _ = self._process.communicate()
        assert self._process.returncode == 0, out
        return _run(out, cpu_seconds(self._port) - self._cpu_s)

    def end(self) -> Run:
        """End it before its time and return what it counted until then."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def stop(self) -> None:
        """End it before its time."""
        self._process.kill()
        self._process.communicate()


def all_cpus() -> str:
    """Return the CPUs that this process may use, as `cpus` takes them."""
    return ",".join(map(str, sorted(os.sched_getaffinity(0))))


def cpu_seconds(port: int) -> float:
    """Return user and system time so far of all who listen at a port."""
    found = subprocess.run(["ss", "-ltnpH", f"sport = :{port}"], capture_output=True, text=True, check=True).stdout
    ticks = 0
    for pid in set(re.findall(r"pid=(\d+)", found)):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _run(out: str, cpu_s: float) -> Run:
    def number(pattern: str) -> float:
        found = re.search(pattern, out, re.MULTILINE)
        return float(found[1]) if found else 0.0

    p99 = re.search(r"^\s+99%\s+([\d.]+)(us|ms|s)\s*$", out, re.MULTILINE)
    assert p99 is not None, out
    lost = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", out)
    errors = int(number(r"Non-2xx or 3xx responses: (\d+)")) + (sum(map(int, lost.groups())) if lost else 0)
    answers = int(number(r"(\d+) requests in"))
    p99_ms = float(p99[1]) * _MS[p99[2]]
    return Run(number(r"Requests/sec:\s+([\d.]+)"), 1e6 * cpu_s / max(answers, 1), p99_ms, answers, errors)
