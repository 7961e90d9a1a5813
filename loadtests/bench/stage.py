"""A real edge for the benchmark: its own Redis, rules published as control publishes them, its process on CPU 0."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Final

from loadtests.bench.visits import slug_of
from shared import wire
from shared.conditions import Condition
from shared.domains import compile_domains, compile_salts
from shared.key import DEFAULT_DOMAIN, Key
from shared.pointer import Pointer, compile_pointer
from shared.rules import Offer, Rule, SmartLink
from shared.table import compile_offer
from shared.wire import Announcement, Head, Version
from tests.installation import metric_values, wait_until
from tests.servers import RedisServer, free_port

EDGE_CPU, CLIENT_CPU = "0", "1"
EPOCH: Final = 1
_LINKS_AT_ONCE: Final = 500


def example(revision: int = 1) -> Offer:
    """The example offer: US and mobile, US and desktop, GB, everyone else."""
    us, mobile, desktop, gb = (Condition((value,)) for value in ("US", "mobile", "desktop", "GB"))
    rules = (
        Rule("r_us_mobile", "https://apps.apple.com/us/app/your-app", {"country": us, "device": mobile}),
        Rule("r_us_desktop", "https://yourbrand.com/landing", {"country": us, "device": desktop}),
        Rule("r_uk", "https://yourbrand.co.uk/landing", {"country": gb}),
    )
    return Offer("o_saas", "saas", "https://yourbrand.com/", SmartLink(True, None, rules), revision)


class Rules:
    """Redis with rules in it; `put` publishes one transaction."""

    def __init__(self, folder: Path) -> None:
        self._server = RedisServer(folder / "rules").start()
        os.sched_setaffinity(self._server.pid, {int(CLIENT_CPU)})
        self.redis = self._server.client()
        self._sequence = 0
        self._hash = ""

    @property
    def url(self) -> str:
        """Where edges find it."""
        return self._server.url

    def put(self, values: dict[str, bytes | None]) -> None:
        """Publish one transaction."""
        previous, self._sequence = self._sequence, self._sequence + 1
        before, self._hash = self._hash, wire.chain_hash(self._hash, self._sequence, values.items())
        version = Version(EPOCH, self._sequence)
        stored = {key: wire.encode_value(version, key, body) for key, body in values.items()}
        entry = Announcement(EPOCH, previous, self._sequence, tuple(stored), None, before, self._hash)
        announcement = replace(entry, values=tuple(stored.values()))
        with self.redis.pipeline() as pipeline:
            for key, value in stored.items():
                pipeline.set(wire.redis_key(key), value)
            pipeline.xadd(wire.LOG, {"a": wire.encode_announcement(entry)}, id=f"{self._sequence}-0")
            pipeline.set(wire.HEAD, wire.encode_head(Head(EPOCH, self._sequence, self._hash)))
            pipeline.publish(wire.CHANNEL, wire.encode_announcement(announcement))
            pipeline.execute()

    def put_offer(self, offer: Offer) -> None:
        """Publish a table."""
        self.put({wire.table_key(offer.id): compile_offer(offer)})

    def put_links(self, start: int, end: int) -> None:
        """Publish links of the example offer, numbered from `start` up to but not with `end`."""
        for at in range(start, end, _LINKS_AT_ONCE):
            numbers = range(at, min(end, at + _LINKS_AT_ONCE))
            keys = {number: wire.pointer_key(Key(DEFAULT_DOMAIN, slug_of(number))) for number in numbers}
            self.put({key: compile_pointer(Pointer("o_saas", f"l_{number:012d}")) for number, key in keys.items()})

    def put_common(self) -> None:
        """Publish what every worker holds at all times."""
        today = time.strftime("%Y-%m-%d", time.gmtime())
        self.put({wire.DOMAINS: compile_domains({"_": None}), wire.SALTS: compile_salts({today: "0f" * 16})})

    def put_example(self, links: int) -> None:
        """Publish the example offer with so many links, and what every worker holds at all times."""
        self.put_common()
        self.put_offer(example())
        self.put_links(0, links)

    def close(self) -> None:
        """Stop Redis."""
        self.redis.close()
        self._server.stop()


class Edge:
    """`turnout edge` on `cpus`, trusting X-Forwarded-For from this machine."""

    def __init__(self, rules: Rules, folder: Path, *, workers: int = 1, cpus: str = EDGE_CPU) -> None:
        self.port, self._admin_port = free_port(), free_port()
        settings = {
            "TURNOUT_REDIS_URL": rules.url,
            "TURNOUT_DATA_DIR": str(folder / f"edge-{self.port}"),
            "TURNOUT_EDGE_PORT": str(self.port),
            "TURNOUT_EDGE_ADMIN_PORT": str(self._admin_port),
            "TURNOUT_EDGE_WORKERS": str(workers),
            "TURNOUT_TRUSTED_PROXIES": "127.0.0.1",
            "TURNOUT_LOG_LEVEL": "error",
        }
        command = ["taskset", "-c", cpus, sys.executable, "-m", "edge"]
        self._process = subprocess.Popen(command, env={**os.environ, **settings})
        wait_until(self._is_ready, lambda: "the edge does not become ready")

    def workers(self) -> list[int]:
        """Return the workers' process ids."""
        found = subprocess.run(["pgrep", "-P", str(self._process.pid)], capture_output=True, text=True, check=True)
        return [int(pid) for pid in found.stdout.split()]

    def metric(self, name: str) -> float:
        """Return a metric, summed over labels, as of a moment ago."""
        return sum(metric_values(self._admin_port, f"turnout_edge_{name}"))

    def settled(self, name: str) -> float:
        """Return a metric once workers have told of all that is over."""
        before = -1.0
        while (now := self.metric(name)) != before:
            before = now
            time.sleep(0.6)
        return now

    def memory_bytes(self) -> float:
        """Return what a worker takes of the machine's memory: its own, and its share of what all share."""
        totals = [Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in self.workers()]
        return max(int(re.findall(r"^Pss:\s+(\d+) kB", total, re.MULTILINE)[0]) * 1024 for total in totals)

    def close(self) -> None:
        """Stop the edge."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._admin_port}/readyz", timeout=5) as answer:
                return bool(json.load(answer))
        except (urllib.error.URLError, OSError):
            return False
