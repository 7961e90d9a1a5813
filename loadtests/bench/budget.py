"""The budget, measured in one run: the edge beside nginx and a plain Starlette route, doing the same job on one core.

    python -m loadtests.bench.budget [--rounds 5] [--seconds 4] [--rows hot,wide,...]

Servers run on CPU 0, wrk on CPU 1; targets take turns round by round, so that a noisy machine slows all of them. What
counts is the median of the ratios within rounds. Those of rates are printed too, but wrk itself is their limit at some
90,000/s; what must be kept are those of CPU time a request. After every row the clicks that the edge recorded are held
against the responses that wrk counted, and Locations are sampled. Exits with 1 where a budget is not kept. Needs nginx
with geoip2 and Lua, wrk, redis-server.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from loadtests.bench import rivals, visits
from loadtests.bench.checks import cold_misses, wrong_locations
from loadtests.bench.stage import Edge, Rules, example
from loadtests.bench.visits import HOT, WIDE, WITH_COOKIES, Mix
from loadtests.bench.wrk import Run, Wrk

CONNECTIONS: Final = 32
_LINK_AT_COLD: Final = 500_000
_COLD_MISSES: Final = 1000
_EDITS_PER_S: Final = 20


class Row(NamedTuple):
    """One line of the report. `kept` is None where there is no budget."""

    what: str
    measured: str
    must: str
    kept: bool | None


class Bench:
    """Everything that runs during the benchmark, and the wrk scripts."""

    def __init__(self, folder: Path, stack: ExitStack, rounds: int, seconds: int) -> None:
        self.rounds = rounds
        self.seconds = seconds
        self.folder = folder
        folder.mkdir(exist_ok=True)
        self.rules = Rules(folder)
        stack.callback(self.rules.close)
        self.rules.put_example(HOT.links)
        self.edge = Edge(self.rules, folder)
        stack.callback(self.edge.close)
        self._revision = 1

    def script(self, mix: Mix) -> Path:
        """Return a wrk script for a mix."""
        path = self.folder / f"{abs(hash(mix))}.lua"
        if not path.exists():
            visits.write_script(path, mix)
        return path

    def wrk(self, port: int, script: Path, *, seconds: int | None = None, rate: float = 0.0) -> Run:
        """Run wrk once, as fast as it gets or at a rate."""
        return Wrk(port, script, seconds=seconds or self.seconds, connections=CONNECTIONS, rate=rate).wait()

    @contextmanager
    def accounted(self, what: str, failures: list[str]) -> Iterator[list[Run]]:
        """Hold the clicks recorded during the block against the answers of the runs that are put into its list."""
        before, runs = self.edge.settled("events_total"), list[Run]()
        yield runs
        recorded = self.edge.settled("events_total") - before
        answers = sum(run.answers for run in runs)
        unfinished = len(runs) * CONNECTIONS * 8  # answered as wrk stopped listening
        if not answers <= recorded <= answers + unfinished:
            failures.append(f"{what}: {answers} answers, but {recorded:.0f} clicks recorded")
        if self.edge.metric("events_dropped_total"):
            failures.append(f"{what}: clicks were dropped")
        if errors := sum(run.errors for run in runs):
            failures.append(f"{what}: {errors} errors")
        failures.extend(f"{what}: {wrong}" for wrong in wrong_locations(self.edge.port))

    @contextmanager
    def edited(self) -> Iterator[None]:
        """Publish another revision of the offer 20 times a second meanwhile."""
        stop = threading.Event()

        def keep_editing() -> None:
            while not stop.wait(1 / _EDITS_PER_S):
                self._revision += 1
                self.rules.put_offer(example(self._revision))

        editor = threading.Thread(target=keep_editing)
        editor.start()
        try:
            yield
        finally:
            stop.set()
            editor.join()


def hot(bench: Bench, failures: list[str]) -> list[Row]:
    """1,000 links: against all rivals."""
    with ExitStack() as stack:
        targets = rivals.start(bench.folder, HOT.links)
        for rival in targets:
            stack.callback(rival.close)
        ports = {"edge": bench.edge.port, **{rival.name: rival.port for rival in targets}}
        script = bench.script(HOT)
        for port in ports.values():
            bench.wrk(port, script, seconds=2)  # warms caches
        with bench.accounted("hot", failures) as counted:
            runs: dict[str, list[Run]] = {name: [] for name in ports}
            for _ in range(bench.rounds):
                for name, port in ports.items():
                    runs[name].append(bench.wrk(port, script))
            counted += runs["edge"]
    rows = [Row(f"hot: {name}", _told(its), "", None) for name, its in runs.items()]
    for name, must in (("nginx+LuaJIT", 1.1), ("nginx map", 0.9), ("Starlette route", 4.0)):
        rows.append(_ratio(f"hot: edge / {name}", runs["edge"], runs[name], must))
    return rows


def wide(bench: Bench, failures: list[str]) -> list[Row]:
    """200,000 addresses, 5,000 agents, 100,000 links, against the hot mix."""
    bench.rules.put_links(HOT.links, WIDE.links)
    return [_against_hot(bench, "wide: edge / hot", WIDE, 0.6, failures)]


def cookies(bench: Bench, failures: list[str]) -> list[Row]:
    """The hot mix with a cookie of its own in every head."""
    return [_against_hot(bench, "cookies: edge / hot", WITH_COOKIES, None, failures)]


def edits(bench: Bench, failures: list[str]) -> list[Row]:
    """The hot mix while the offer is edited 20 times a second, beside an edge whose offer is not, both at once.

    They share the core: each answers half of its maximum, and whatever slows one slows the other. Edits take as long
    whatever the rate, so that they cost half as much of the maximum as of its half. The two are edited in turn, for of
    equal processes one may be slower by a hundredth.
    """
    with ExitStack() as stack:
        other = Bench(bench.folder / "other", stack, bench.rounds, bench.seconds)
        pair, script = (bench, other), bench.script(HOT)
        _together(pair, script)  # warms caches
        edited, calm = [], []
        with bench.accounted("edits", failures) as here, other.accounted("edits of the other", failures) as there:
            for number in range(2 * bench.rounds):
                at = number % 2
                with pair[at].edited():
                    runs = _together(pair, script)
                edited.append(runs[at])
                calm.append(runs[1 - at])
                here.append(runs[0])
                there.append(runs[1])
    rate, cpu = _ratios(edited, calm)
    cost = (1 - cpu) / 2
    told = f"{cost:.1%} of the maximum: at half of it {rate:.2f} by rate, {cpu:.2f} by CPU time of an edge without"
    return [Row(f"{_EDITS_PER_S} edits/s cost", told, "< 5 %", cost < 0.05)]


def _together(benches: tuple[Bench, Bench], script: Path) -> list[Run]:
    running = [Wrk(each.edge.port, script, seconds=each.seconds, connections=CONNECTIONS) for each in benches]
    return [wrk.wait() for wrk in running]


def half(bench: Bench, failures: list[str]) -> list[Row]:
    """Latency at half of the maximum rate.

    wrk sends what is due within a ms together, on as many connections as it has, and waits for cores itself: the static
    map's latency says how much of the edge's is that.
    """
    script = bench.script(HOT)
    bench.wrk(bench.edge.port, script, seconds=2)  # warms caches
    rate = bench.wrk(bench.edge.port, script).rate / 2
    with bench.accounted("half", failures) as counted, rivals.static_map(bench.folder, HOT.links) as rival:
        runs, theirs = [], []
        for _ in range(bench.rounds):
            runs.append(bench.wrk(bench.edge.port, script, rate=rate))
            theirs.append(bench.wrk(rival.port, script, rate=rate))
        counted += runs
    p99, at_map = (statistics.median(run.p99_ms for run in each) for each in (runs, theirs))
    told = f"p99 {p99:.2f} ms at {statistics.median(run.rate for run in runs):,.0f}/s; nginx map so {at_map:.2f} ms"
    return [Row("latency at half of the maximum rate", told, "<= 2 ms", p99 <= 2)]


def cold(bench: Bench, failures: list[str]) -> list[Row]:
    """Links that no worker has in memory, one after another."""
    bench.rules.put_links(_LINK_AT_COLD, _LINK_AT_COLD + _COLD_MISSES)
    before = bench.edge.settled("fetches_total")
    took_ms = cold_misses(bench.edge.port, [visits.slug_of(_LINK_AT_COLD + n) for n in range(_COLD_MISSES)])
    fetches = bench.edge.settled("fetches_total") - before
    if fetches != _COLD_MISSES:
        failures.append(f"cold: {fetches:.0f} fetches for {_COLD_MISSES} keys")
    p99 = statistics.quantiles(took_ms, n=100)[98]
    return [Row("cold miss", f"p99 {p99:.2f} ms, median {statistics.median(took_ms):.2f}", "<= 5 ms", p99 <= 5)]


def memory(bench: Bench, failures: list[str]) -> list[Row]:
    """A worker that has answered a few clicks."""
    with ExitStack() as stack:
        idle = Edge(bench.rules, bench.folder)
        stack.callback(idle.close)
        failures.extend(wrong_locations(idle.port))
        taken = idle.memory_bytes() / 1e6
    return [Row("memory of an idle worker (PSS)", f"{taken:.0f} MB", "<= 80 MB", taken <= 80)]


def two(bench: Bench, failures: list[str]) -> list[Row]:
    """Two workers on both cores, which wrk shares: told as it is, without a budget."""
    with ExitStack() as stack:
        pair = Edge(bench.rules, bench.folder, workers=2, cpus="0,1")
        stack.callback(pair.close)
        bench.wrk(pair.port, bench.script(HOT), seconds=2)
        runs = [bench.wrk(pair.port, bench.script(HOT)) for _ in range(bench.rounds)]
    failures.extend(f"two workers: {run.errors} errors" for run in runs if run.errors)
    return [Row("two workers on two cores, wrk on one of them", _told(runs), "", None)]


ROWS: Final[dict[str, Callable[[Bench, list[str]], list[Row]]]] = {
    "hot": hot,
    "cookies": cookies,
    "edits": edits,
    "half": half,
    "cold": cold,
    "wide": wide,
    "memory": memory,
    "two": two,
}


def _against_hot(bench: Bench, what: str, mix: Mix, must: float | None, failures: list[str]) -> Row:
    usual, other = bench.script(HOT), bench.script(mix)
    for script in (usual, other):
        bench.wrk(bench.edge.port, script, seconds=3)  # warms caches
    with bench.accounted(what, failures) as counted:
        runs = [(bench.wrk(bench.edge.port, usual), bench.wrk(bench.edge.port, other)) for _ in range(bench.rounds)]
        counted += [run for pair in runs for run in pair]
    return _ratio(what, [here for _, here in runs], [there for there, _ in runs], must)


def _ratio(what: str, ours: list[Run], theirs: list[Run], must: float | None) -> Row:
    rate, cpu = _ratios(ours, theirs)
    kept = None if must is None else cpu >= must
    return Row(what, f"{rate:.2f} by rate, {cpu:.2f} by CPU time", "" if must is None else f">= {must}", kept)


def _ratios(ours: list[Run], theirs: list[Run]) -> tuple[float, float]:
    """Return the medians of how many times as fast we are within a round: by rate, by processor time an answer."""
    rounds = list(zip(ours, theirs, strict=True))
    rate = statistics.median(our.rate / their.rate for our, their in rounds)
    return rate, statistics.median(their.cpu_us / our.cpu_us for our, their in rounds)


def _told(runs: list[Run]) -> str:
    rate, cpu_us = (statistics.median(getattr(run, name) for run in runs) for name in ("rate", "cpu_us"))
    return f"{rate:,.0f}/s, {cpu_us:.2f} us of CPU a request, p99 {statistics.median(r.p99_ms for r in runs):.2f} ms"


def main() -> int:
    """Measure, print, and tell whether every budget is kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rows", default=",".join(ROWS))
    args = parser.parse_args()
    if absent := rivals.missing():
        sys.exit(f"not installed: {', '.join(absent)}")
    failures: list[str] = []
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="turnout-budget-") as folder, ExitStack() as stack:
        bench = Bench(Path(folder), stack, args.rounds, args.seconds)
        print("| what | measured | must | |\n| --- | --- | --- | --- |")
        rows = []
        for name in args.rows.split(","):
            for row in ROWS[name](bench, failures):
                rows.append(row)
                mark = "" if row.kept is None else "kept" if row.kept else "**not kept**"
                print(f"| {row.what} | {row.measured} | {row.must} | {mark} |", flush=True)
    print(f"\n{time.monotonic() - started:.0f} s")
    for failure in failures or ["every click is accounted for, every sampled Location right"]:
        print(failure)
    return int(bool(failures) or any(row.kept is False for row in rows))


if __name__ == "__main__":
    sys.exit(main())
