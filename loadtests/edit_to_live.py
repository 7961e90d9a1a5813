"""From a marketer's save to the visitor: how long until every worker answers the new destination, measured by HTTP.

    python -m loadtests.edit_to_live [--workers 8] [--edits 200] [--load 0.25] [--require-p99-ms 50]
    python -m loadtests.edit_to_live --steady [--workers 8] [--load 0.5] [--edits-per-s 20] [--seconds 60]

Starts a Redis, control and an edge of its own, with a thousand links on the offer that is edited. The maximum rate is
measured first, until it grows no more; once its clicks are counted, people click at a share of it (`--load`), however
long an answer takes: a visitor at each worker, on a connection kept alive, every 4 ms, and wrk the rest. Printed are
times from the moment the PUT is sent: `live` until the last worker's first new answer, `saved` until a PUT without wait
answers, `told` until a PUT with `?wait=` answers that all edges have it. Every other edit waits; the next begins when
the one before is live.

`--steady` saves so many times a second for so long, after as long without an edit, and tells what that costs: clicks
answered a second, and the edge's processor time a click, beside the same load without edits.

Exits with 1 where the p99 of `live` is above what is required; where an answer under load was no redirect; where a
visitor was sent to no edit, or to one before an edit that the same worker had answered with; where clicks or steady
edits came too slowly, or edits cost 5 % of the clicks.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Final, NamedTuple

import orjson

from deploy.api import Api
from loadtests.bench.visits import HOT, slug_of, write_script
from loadtests.bench.wrk import Run, Wrk, all_cpus
from loadtests.sightings import Watch, destination
from tests.installation import KEY, Installation, wait_until
from tests.servers import RedisServer

_ASK_EVERY_S: Final = 0.004
_PAUSE_S: Final = 0.15
"""Between edits: longer than the moment for which workers gather their acks."""
_CONNECTIONS: Final = 128
"""Of wrk, which walks through the timers of all that wait in every turn, and looks at the clock for each: with 500 that
took a fifth of a core, which visitors would not take."""
_WARM_S: Final = 5
_GROWTH: Final = 1.05
_LONGEST_S: Final = 3600
_MAX_COST: Final = 0.05
_LEAST_PACE: Final = 0.95

Times = dict[str, list[float]]


class Load:
    """People on an edge, with a `share` of the most that it can answer: a visitor at each worker, and wrk."""

    def __init__(self, installation: Installation, folder: Path, share: float) -> None:
        self._port, self._workers = installation.edge_port, installation.workers
        script = folder / "clicks.lua"
        write_script(script, HOT)
        self._wrk = partial(Wrk, self._port, script, connections=_CONNECTIONS, cpus=all_cpus())
        self.maximum = self._flat_out() if share else 0.0
        wait_until(lambda: not installation.metric("turnout_control_clicks_waiting"), installation.output)
        self.wanted = share * self.maximum
        self._ask_every_s = max(_ASK_EVERY_S, 2 * self._workers / self.wanted) if share else _ASK_EVERY_S
        self.runs: list[Run] = []
        self.rate = 0.0

    @contextmanager
    def on(self) -> Iterator[Watch]:
        """Give the visitors; afterwards `rate` is what all were answered, and the last of `runs` what wrk was."""
        began = time.perf_counter()
        with Watch(self._port, self._workers, self._ask_every_s) as watch, self._wrk_beside():
            yield watch
        self.rate = watch.clicks / (time.perf_counter() - began) + sum(run.rate for run in self.runs[-1:])

    def _flat_out(self) -> float:
        """Return the rate once it grows no more: each worker has to see the visitors' heads before it knows them."""
        best = 0.0
        while (rate := self._wrk(seconds=_WARM_S, threads=2).wait().rate) > _GROWTH * best:
            best = rate
        return max(best, rate)

    @contextmanager
    def _wrk_beside(self) -> Iterator[None]:
        if not self.maximum:
            yield
            return
        wrk = self._wrk(seconds=_LONGEST_S, rate=self.wanted - self._workers / self._ask_every_s)
        try:
            yield
        finally:
            self.runs.append(wrk.end())


class Marketer:
    """Saves edit after edit, and says how long each took."""

    def __init__(self, installation: Installation, offer: str) -> None:
        self._installation, self._offer = installation, offer
        self._started: list[float] = []
        self.times: Times = defaultdict(list)

    @property
    def edits(self) -> int:
        """Saves so far."""
        return len(self._started)

    def save(self, wait_s: int = 0) -> int:
        """Save the next edit; return its number. Exits where what is waited for does not happen."""
        edit = len(self._started)
        self._started.append(time.perf_counter())
        answer = self._installation.save(self._offer, destination(edit), wait_s)
        self.times["told" if wait_s else "saved"].append(time.perf_counter() - self._started[edit])
        if wait_s and not answer["propagation"]["complete"]:
            raise SystemExit(f"an edit did not go live within {wait_s} s: {answer['propagation']}")
        return edit

    def note_live(self, edit: int, at_s: float) -> None:
        """Take when an edit was live everywhere."""
        self.times["live"].append(at_s - self._started[edit])


def one_by_one(marketer: Marketer, watch: Watch, edits: int) -> None:
    """Save `edits` times, each after the one before is live."""
    for number in range(edits):
        time.sleep(_PAUSE_S)
        edit = marketer.save(wait_s=30 * (number % 2))
        marketer.note_live(edit, watch.wait_live(edit))


def steadily(marketer: Marketer, watch: Watch, a_second: float, seconds: float) -> float:
    """Save so often for so long; return how often it was, a second."""
    began, first = time.perf_counter(), marketer.edits
    while (due := began + (marketer.edits - first) / a_second) < began + seconds:
        time.sleep(max(0.0, due - time.perf_counter()))
        marketer.save()
    took_s = max(seconds, time.perf_counter() - began)
    for edit in range(first, marketer.edits):
        marketer.note_live(edit, watch.wait_live(edit))
    return (marketer.edits - first) / took_s


def prepare(installation: Installation) -> str:
    """Make an offer with a thousand links; return its id."""
    offer = installation.add_offer("saas", "https://yourbrand.com/")
    lines = [orjson.dumps({"slug": slug_of(number), "offer": "saas"}) for number in range(HOT.links)]
    api = Api(f"http://127.0.0.1:{installation.control_port}", KEY)
    api.send("POST", "/links/bulk", b"\n".join(lines), "application/x-ndjson")
    return offer


class Cost(NamedTuple):
    """What edits cost: the share of clicks that were not answered for them, and of processor time a click more."""

    clicks: float
    cpu: float

    @classmethod
    def between(cls, without: Run, beside: Run) -> "Cost":
        """Return the cost by two runs of the same load."""
        return cls(1 - beside.rate / without.rate, beside.cpu_us / without.cpu_us - 1)


def run(given: argparse.Namespace, installation: Installation, folder: Path) -> list[str]:
    """Measure and print; return what is not as required."""
    marketer = Marketer(installation, prepare(installation.start()))
    marketer.save(30)
    load = Load(installation, folder, given.load)
    failures: list[str] = []
    if given.steady:
        with load.on():
            time.sleep(given.seconds)
    with load.on() as watch:
        watch.wait_live(0)
        marketer.times.clear()
        if given.steady:
            pace = steadily(marketer, watch, given.edits_per_s, given.seconds)
        else:
            one_by_one(marketer, watch, given.edits)
    clicked = f"{load.rate:,.0f} of {load.maximum:,.0f} clicks/s" if given.load else "no load"
    print(f"{marketer.edits - 1} edits, {given.workers} workers, {clicked}, {os.cpu_count()} cores")
    _print_times(marketer.times)
    if given.steady:
        failures += _judge_cost(pace, given.edits_per_s, Cost.between(*load.runs))
    if load.rate < _LEAST_PACE * load.wanted:
        failures.append(f"{load.rate:,.0f} clicks/s instead of {load.wanted:,.0f}")
    p99_ms = 1000 * percentile(marketer.times["live"], 99)
    failures += [f"p99 of live is {p99_ms:.1f} ms"] if p99_ms > given.require_p99_ms else []
    failures += [f"{each.errors} answers under load were no redirects" for each in load.runs if each.errors]
    return failures + watch.sightings.wrong[:10]


def _judge_cost(pace: float, wanted: float, cost: Cost) -> list[str]:
    print(f"{pace:.1f} edits/s cost {cost.clicks:.1%} of the clicks; the edge took {cost.cpu:+.1%} CPU time a click")
    slow = [f"{pace:.1f} edits/s instead of {wanted:g}"] if pace < _LEAST_PACE * wanted else []
    return slow + ([f"edits cost {cost.clicks:.1%} of the clicks"] if cost.clicks >= _MAX_COST else [])


def _print_times(times: Times) -> None:
    for kind, values in sorted(times.items()):
        p50, p99, most = (1000 * value for value in (percentile(values, 50), percentile(values, 99), max(values)))
        print(f"{kind:>6}  p50 {p50:6.1f} ms   p99 {p99:6.1f} ms   max {most:6.1f} ms")


def main() -> int:
    """Measure and tell; 1 where something is not as required."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=8)
    parser.add_argument("--edits", type=int, default=200)
    parser.add_argument("--load", type=float, help="share of the maximum rate, all workers together (0.25, steady 0.5)")
    parser.add_argument("--require-p99-ms", type=float, default=50, help="exit with 1 where `live` takes longer")
    parser.add_argument("--steady", action="store_true", help="edits at a pace, and what they cost")
    parser.add_argument("--edits-per-s", type=float, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    given = parser.parse_args()
    if given.load is None:
        given.load = 0.5 if given.steady else 0.25
    if given.steady and not given.load:
        parser.error("--steady tells what edits cost people: it needs a --load")
    with tempfile.TemporaryDirectory(prefix="turnout-live-") as name, ExitStack() as stack:
        folder = Path(name)
        redis = RedisServer(folder / "redis").start()
        stack.callback(redis.kill)
        installation = Installation(folder, redis, given.workers)
        stack.callback(installation.stop)
        failures = run(given, installation, folder)
    print("\n".join(f"FAILED: {failure}" for failure in failures) or "all as required")
    return 1 if failures else 0


def percentile(values: Sequence[float], percent: int) -> float:
    """Return a percentile of at least two values."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


if __name__ == "__main__":
    sys.exit(main())
