"""What the figures of each scenario must be, said in one line: `wrong=0 errors=0.1 p95=100 tail.p99=400`."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from loadtests.scenarios.people import WRONG

DEFAULT: Final = "wrong=0 errors=0.1 p95=100 p99=250"
"""Generous: Locust, the edge and all behind it may share one machine."""

UNITS: Final = {"wrong": "answers", "errors": "%", "p50": "ms", "p95": "ms", "p99": "ms"}
"""Measure -> unit. `errors` are all failures but wrong destinations."""

_WORD: Final = re.compile(r"(?:(?P<scenario>[a-z]+)\.)?(?P<measure>[a-z0-9]+)=(?P<most>\d+(?:\.\d+)?)")
Limits = Mapping[tuple[str, str], float]
"""(scenario, or "" for all of them; measure) -> the most it may be."""


class Entry(Protocol):
    """Locust's figures of one scenario."""

    name: str
    num_requests: int
    num_failures: int

    def get_response_time_percentile(self, percent: float) -> float:
        """Return a percentile in ms, of a share between 0 and 1."""
        ...


class Failure(Protocol):
    """Locust's count of one failure; on a master `error` has become text."""

    name: str
    error: object
    occurrences: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One measure of a scenario beside the most it may be."""

    scenario: str
    measure: str
    found: float
    most: float

    @property
    def is_kept(self) -> bool:
        """Whether the limit is kept."""
        return self.found <= self.most

    def __str__(self) -> str:
        unit = UNITS[self.measure]
        verdict = "ok" if self.is_kept else "TOO MUCH"
        return f"{self.scenario:<10} {self.measure:<8} {self.found:>10.4g} {unit:<8} at most {self.most:<8g} {verdict}"


def parse(text: str) -> Limits:
    """Return what `text` says. Raises ValueError, in a sentence."""
    limits = {}
    for word in text.split():
        found = _WORD.fullmatch(word)
        if found is None or found["measure"] not in UNITS:
            raise ValueError(f"{word!r} is no limit such as p99=250 or tail.errors=0.1; measures: {', '.join(UNITS)}")
        limits[found["scenario"] or "", found["measure"]] = float(found["most"])
    return limits


def findings(text: str, entries: Iterable[Entry], failures: Iterable[Failure]) -> Iterator[Finding]:
    """Yield every measure of every scenario that has a limit; what `text` does not say is as in DEFAULT."""
    limits = {**parse(DEFAULT), **parse(text)}
    wrong: dict[str, int] = {}
    for failure in failures:
        if WRONG in str(failure.error):
            wrong[failure.name] = wrong.get(failure.name, 0) + failure.occurrences
    for entry in sorted(entries, key=lambda entry: entry.name):
        for measure in UNITS:
            most = limits.get((entry.name, measure), limits.get(("", measure)))
            if most is not None:
                yield Finding(entry.name, measure, _measured(entry, measure, wrong.get(entry.name, 0)), most)


def _measured(entry: Entry, measure: str, wrong: int) -> float:
    if measure == "wrong":
        return wrong
    if measure == "errors":
        return 100 * (entry.num_failures - wrong) / max(1, entry.num_requests)
    return entry.get_response_time_percentile(int(measure[1:]) / 100)
