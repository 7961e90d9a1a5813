"""Limits said in a line, and figures held against them."""

from dataclasses import dataclass

import pytest

from loadtests.scenarios.limits import DEFAULT, findings, parse
from loadtests.scenarios.people import WRONG


@dataclass
class Entry:
    """Locust's figures of a scenario: answers that all took as long."""

    name: str = "hot"
    num_requests: int = 1_000
    num_failures: int = 0
    took_ms: float = 10.0

    def get_response_time_percentile(self, percent: float) -> float:
        return self.took_ms * percent


@dataclass
class Failure:
    """Locust's count of one failure."""

    name: str
    error: object
    occurrences: int = 1


def broken(limits: str, *entries: Entry, failures: tuple[Failure, ...] = ()) -> list[str]:
    """Return the limits that are not kept, as `scenario.measure`."""
    return [f"{each.scenario}.{each.measure}" for each in findings(limits, entries, failures) if not each.is_kept]


def test_every_measure_with_a_limit_is_told_of_every_scenario() -> None:
    found = [(each.scenario, each.measure) for each in findings("", [Entry("tail"), Entry("hot")], [])]

    assert found == [(name, measure) for name in ("hot", "tail") for measure in ("wrong", "errors", "p95", "p99")]


def test_what_is_said_of_one_scenario_beats_what_is_said_of_all() -> None:
    assert broken("p99=5 tail.p99=20", Entry("hot"), Entry("tail")) == ["hot.p99"]


def test_what_is_not_said_is_as_by_default() -> None:
    assert broken("p50=1000", Entry(took_ms=1_000_000)) == ["hot.p50", "hot.p95", "hot.p99"]


def test_one_wrong_destination_is_too_much() -> None:
    entry = Entry(num_requests=1_000_000, num_failures=1)

    assert broken("", entry, failures=(Failure("hot", f"{WRONG}US: there, not here"),)) == ["hot.wrong"]


def test_a_wrong_destination_is_known_on_a_master_too_where_errors_are_text() -> None:
    told = f"CatchResponseError('{WRONG}US: there, not here')"

    assert broken("wrong=2 errors=100", Entry(num_failures=3), failures=(Failure("hot", told, 3),)) == ["hot.wrong"]


def test_errors_are_a_share_of_answers_without_the_wrong_destinations() -> None:
    failures = (Failure("hot", f"{WRONG}x", 9), Failure("hot", "503, not 302", 1))

    (errors,) = [
        each
        for each in findings("", [Entry(num_failures=10)], failures)
        if (each.scenario, each.measure) == ("hot", "errors")
    ]
    assert errors.found == pytest.approx(0.1)
    assert errors.is_kept


def test_the_line_can_be_read() -> None:
    (line,) = [str(each) for each in findings("p99=5", [Entry()], []) if each.measure == "p99"]

    assert line.split() == ["hot", "p99", "9.9", "ms", "at", "most", "5", "TOO", "MUCH"]


@pytest.mark.parametrize("text", ["p99", "p99=", "p98=1", "p99=-1", "HOT.p99=1", "p99=1ms", "=1", "p99=1,p95=2"])
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no limit"):
        parse(text)


def test_a_limit_is_of_one_scenario_or_of_all() -> None:
    assert parse("tail.p99=1.5  wrong=0") == {("tail", "p99"): 1.5, ("", "wrong"): 0}
    assert parse(DEFAULT)["", "wrong"] == 0
