"""Disaster drills: lose a part of an installation under load and edits, get it back, and see what it cost.

    python -m loadtests.drills DRILL [--rate 300] [--outage 10]
    python -m loadtests.drills --list

Starts PostgreSQL, two controls, two edges behind HAProxy, a Redis for rules and one for clicks; visitors click all the
time and somebody edits all the time. Exits with 1 when a click failed, went to a destination older than one that its
process had served or that every edge had acknowledged, or is not in SQL once; and when an edge does not serve the
newest edit in the end. Prints how long it took until that was so.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from shared.wire import HEAD, decode_head
from tests.business import Business
from tests.clicking import CONNECTIONS, Clicker
from tests.installation import wait_until
from tests.sentinel import SentinelGroup
from tests.servers import RedisServer

BEFORE_S: Final = 1.5
"""How long all is well before and after the harm."""


@dataclass
class Report:
    """What a drill found: figures to print, and what must not be."""

    figures: dict[str, str] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def require(self, holds: object, fault: str) -> None:
        """Note a fault unless something holds."""
        if not holds:
            self.faults.append(fault)

    @contextmanager
    def timing(self, what: str) -> Iterator[None]:
        """Note how long the block took."""
        begin = time.monotonic()
        yield
        self.figures[what] = f"{time.monotonic() - begin:.1f} s"


@dataclass(frozen=True)
class Drill:
    """What is harmed and mended; `may_fail` is how many clicks that may cost."""

    what: str
    act: Callable[[Business, float, Report], None]
    options: dict[str, Any] = field(default_factory=dict)
    may_fail: int = 0


def fail_over(here: Business, outage_s: float, report: Report) -> None:
    """Lose the primary, of rules and clicks, with writes that only it had, and let the Sentinels promote the other."""
    assert isinstance(here.rules, SentinelGroup)
    here.rules.cut_replication()
    replicated = _head_sequence(here.rules.first)
    time.sleep(min(outage_s, 2.0))  # edits meanwhile are on every edge, and on no other Redis
    lost = _head_sequence(here.rules.first) - replicated
    report.require(lost > 0, "nothing was written meanwhile")
    begin = time.monotonic()
    report.figures["lost by Redis, at least"] = f"{lost} transactions"
    report.figures["the Sentinels took"] = f"{here.rules.lose_the_first():.1f} s"
    wait_until(lambda: _is_live_everywhere(here), here.output)
    report.figures["from the loss to an edit on every edge"] = f"{time.monotonic() - begin:.1f} s"
    here.rules.bring_back_the_first()


def _head_sequence(server: RedisServer) -> int:
    with server.client() as client:
        raw = client.get(HEAD)
    assert isinstance(raw, bytes)
    return decode_head(raw).sequence


def lose_redis(here: Business, outage_s: float, report: Report) -> None:
    """Lose both Redis with all that is in them; they come back empty."""
    assert isinstance(here.rules, RedisServer)
    here.rules.kill()
    here.clicks.kill()
    shutil.rmtree(here.clicks.folder)
    time.sleep(outage_s)
    here.rules.start()
    here.clicks.start()
    with report.timing("from its return to an edit on every edge"):
        wait_until(lambda: _is_live_everywhere(here), here.output)


def lose_sql(here: Business, outage_s: float, report: Report) -> None:
    """Lose PostgreSQL and both controls at once."""
    for control in here.controls:
        control.kill()
    here.postgres.stop()
    time.sleep(outage_s)
    here.postgres.start()
    for control in here.controls:
        control.start()
    with report.timing("from the start of PostgreSQL to an edit on every edge"):
        wait_until(lambda: _is_live_everywhere(here), here.output)


def restart_sql(here: Business, _outage_s: float, report: Report) -> None:
    """Restart PostgreSQL under two controls that run on."""
    here.postgres.stop("fast")
    here.postgres.start()
    with report.timing("from its return to an edit on every edge"):
        wait_until(lambda: _is_live_everywhere(here), here.output)


def step_back(here: Business, outage_s: float, report: Report, *, with_redis: bool) -> None:
    """Put PostgreSQL back to a backup, and the rules Redis to what it held then: nobody but the edges knows better."""
    with here.quiet():
        begin = time.monotonic()
        clicked = set(here.history.ids)  # those before the amnesty are in the backup
        wait_until(lambda: clicked <= set(here.recorded()), here.output)
        backup, rules = here.postgres.back_up(), _dumped(here)
    time.sleep(outage_s)
    wait_until(lambda: _is_live_everywhere(here), here.output)
    with here.quiet():
        here.postgres.step_back(backup)
        if with_redis:  # while nobody can ask SQL: one after the other, they would go back twice
            _restore(here, rules)
        here.postgres.start()
    with report.timing("from the return of SQL to an edit on every edge"):
        for slug in here.slugs:
            wait_until(partial(_is_live_everywhere, here, slug), here.output)
    here.history.amnesty = (begin, time.monotonic())
    report.figures["the new epoch"] = str(here.epoch())
    report.require(here.epoch() == 2, "the rules were not published again under a higher epoch, once")


def _dumped(here: Business) -> dict[bytes, bytes]:
    with here.rules.client() as redis:
        return {name: redis.dump(name) or b"" for name in redis.scan_iter()}


def _restore(here: Business, dumped: dict[bytes, bytes]) -> None:
    with here.rules.client() as redis, redis.pipeline() as pipe:
        pipe.flushall()
        for name, value in dumped.items():
            pipe.restore(name, 0, value)
        pipe.execute()


def lose_control(here: Business, outage_s: float, report: Report) -> None:
    """Lose one control with its publisher and its ingester; the other carries on by itself."""
    here.controls[0].kill()
    with report.timing("until the other published an edit"):
        wait_until(lambda: _is_live_everywhere(here), here.output)
    with report.timing("until the other recorded what had been clicked"):
        clicked = set(here.history.ids)
        wait_until(lambda: not clicked - set(here.recorded()), here.output)
    time.sleep(outage_s)
    here.controls[0].start()
    wait_until(here.controls[0].is_ready, here.output)


def lose_edge(here: Business, outage_s: float, report: Report) -> None:
    """Kill one edge, supervisor and workers; the front sends visitors to the other. It starts again with its disk."""
    here.edges[0].kill()
    time.sleep(outage_s)
    here.edges[0].start()
    with report.timing("from its start to ready"):
        wait_until(here.edges[0].is_ready, here.output)


def cut_off(here: Business, outage_s: float, report: Report) -> None:
    """Cut one group of edges off from the rules; they serve what they knew, and control says that it does not know."""
    assert here.cable is not None
    here.cable.cut()
    time.sleep(outage_s)
    saved = here.edit("saas", wait_s=1)
    report.require(saved["propagation"]["live"] == 1, f"the other edge took no edit: {saved['propagation']}")
    here.cable.mend()
    with report.timing("from the mending to an edit on every edge"):
        wait_until(lambda: _is_live_everywhere(here), here.output)


def restart_all(here: Business, _outage_s: float, report: Report) -> None:
    """Restart every edge and every control, one after the other, each once the one before is ready."""
    with report.timing("for all of them"):
        for part in (*here.edges, *here.controls):
            here.restart(part)


DRILLS: Final = {
    "failover": Drill(
        "the primary of rules and clicks, and writes that only it had", fail_over, {"with_sentinel": True}
    ),
    "lose-redis": Drill("both Redis and all that is in them", lose_redis),
    "lose-sql": Drill("PostgreSQL and every control", lose_sql),
    "restart-sql": Drill("PostgreSQL, for a restart", restart_sql),
    "step-back": Drill("what PostgreSQL knew since a backup", partial(step_back, with_redis=False)),
    "step-back-all": Drill("what PostgreSQL and Redis knew since a backup", partial(step_back, with_redis=True)),
    "lose-control": Drill("one of two controls", lose_control),
    "lose-edge": Drill("one of two edges", lose_edge, may_fail=CONNECTIONS),
    "cut-off": Drill("the way from one group of edges to the rules", cut_off, {"cables": True}),
    "rolling-restart": Drill("every edge and every control, in turn", restart_all),
}


def run(drill: Drill, folder: Path, rate: float, outage_s: float) -> Report:
    """Carry out a drill in `folder`; return what it found."""
    here, report = Business(folder, **drill.options), Report()
    try:
        here.start()
        with Clicker(here.port, here.slugs, rate, here.history):
            with here.editing():
                time.sleep(BEFORE_S)
                drill.act(here, outage_s, report)
                time.sleep(BEFORE_S)
            with report.timing("for the last edits to be on every edge"):
                for slug in here.slugs:
                    here.edit(slug)
                wait_until(here.serve_newest, here.output)
            time.sleep(BEFORE_S)
        judge(here, report, drill.may_fail)
    finally:
        here.close()
    return report


def judge(here: Business, report: Report, may_fail: int) -> None:
    """Note what holds for every click, whatever happened."""
    history = here.history
    with report.timing("for the last clicks to be in SQL"):
        here.settle()
    with report.timing("for every click to be accounted for"):
        wait_until(lambda: here.in_flight() == 0, lambda: str(here.api("GET", "/accounting")))
    recorded = here.recorded()
    failed = history.failed()
    report.figures |= {
        "clicks": f"{len(history.clicks)}, slowest {history.slowest_s() * 1000:.0f} ms",
        "failed": f"{len(failed)} (at most {may_fail})",
        "edits": f"{sum(here.numbers.values())}, of which {len(history.live)} were seen on every edge",
    }
    report.require(len(failed) <= may_fail, f"failed clicks: {[click[2:5] for click in failed[:5]]}")
    report.require(not history.gone_back(), f"went back: {history.gone_back()[:3]}")
    report.require(not history.too_old(), f"too old: {history.too_old()[:3]}")
    report.require(len(recorded) == len(set(recorded)), "clicks are in SQL twice")


def _is_live_everywhere(here: Business, slug: str = "saas") -> bool:
    """Whether an edit, made now, is acknowledged by every edge."""
    try:
        propagation = here.edit(slug, wait_s=1)["propagation"]
    except (OSError, RuntimeError):
        return False
    return bool(propagation["live"] == len(here.edges))


def main() -> int:
    """Carry out one drill and print what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("drill", nargs="?", choices=DRILLS)
    parser.add_argument("--list", action="store_true", help="say what each drill loses")
    parser.add_argument("--rate", type=float, default=300, help="clicks a second")
    parser.add_argument("--outage", type=float, default=10, help="seconds that what is lost stays away")
    given = parser.parse_args()
    if given.list or not given.drill:
        print("\n".join(f"{name:16} {drill.what}" for name, drill in DRILLS.items()))
        return 0
    with tempfile.TemporaryDirectory(prefix="turnout-drill-") as folder:
        report = run(DRILLS[given.drill], Path(folder), given.rate, given.outage)
    for what, figure in report.figures.items():
        print(f"  {what:52} {figure}")
    print("\n".join(["FAILED", *report.faults]) if report.faults else "nobody noticed")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
