"""Asking saved tests of a smart link: visitors decided by the edge's own code, failures told in English. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from control.errors import FieldError, Problem
from control.insight.test_visitor import RuleOutcome, TestedVisitor, table_of
from control.savedtests.schemas import Expected, SavedTestOutcome, SavedTestReport
from shared.decision import decide, trace
from shared.rules import Offer, OfferStatus
from shared.table import FALLBACK, OFF
from shared.visitor import Visitor

NO_SUCH_RULE = "a rule that is not in the list"


@dataclass(frozen=True, slots=True)
class Case:
    """A saved test ready to be asked: its visitor as an edge would see them, its destination as it is sent."""

    id: str
    name: str
    visitor: Visitor
    expected: Expected
    destination_final: str | None


def report(cases: Sequence[Case], offer: Offer, *, why: bool = True) -> SavedTestReport:
    """Return what becomes of `cases`, and `why` they fail.

    A paused offer is asked as if it were active: tests are about its rules.

    Raises Problem 422 where the rules are too much for an edge.
    """
    if not cases:
        return SavedTestReport(passed=0, failed=0, tests=[])
    asked = _Asked(replace(offer, status=OfferStatus.ACTIVE))
    tests = [asked.outcome(case, why=why) for case in cases]
    passed = sum(test.passed for test in tests)
    return SavedTestReport(passed=passed, failed=len(tests) - passed, tests=tests)


def failing(found: SavedTestReport) -> list[SavedTestOutcome]:
    """Return the tests that fail."""
    return [test for test in found.tests if not test.passed]


def refusal(found: SavedTestReport, of: str = "") -> Problem:
    """Return the answer to a save that fails saved tests: each of them with what was expected, what came, and why.

    `of` goes before the summary, where it is not plain whose tests they are.
    """
    failed = failing(found)
    errors = [FieldError(f"tests.{test.id}", "test_failed", test.message) for test in failed]
    return Problem(
        409,
        "tests_failed",
        of + summary(found),
        errors,
        extra={"tests": [test.model_dump(mode="json") for test in failed]},
    )


def summary(found: SavedTestReport) -> str:
    """Return how a report with failures reads: `1 of 3 saved tests fails: ...`."""
    failed = failing(found)
    of = f"{found.failed} of {len(found.tests)} saved test{'s' if len(found.tests) > 1 else ''}"
    more = f" And {len(failed) - 1} more." if len(failed) > 1 else ""
    return f"{of} {'fails' if found.failed == 1 else 'fail'}: {failed[0].message}{more}"


class _Asked:
    """One smart link, and what its decisions are called."""

    def __init__(self, offer: Offer) -> None:
        self.link = offer.smart_link
        self.table = table_of(offer)
        everyone_else = self.link.fallback_url or offer.destination_url
        self.destinations = {rule.id: rule.destination_url for rule in self.link.rules}
        self.destinations |= {FALLBACK: everyone_else, OFF: offer.destination_url}
        self.words = {FALLBACK: "everyone else", OFF: "the main destination, with the smart link off"}
        for place, rule in enumerate(self.link.rules, 1):
            self.words[rule.id] = f"rule {place}" + (f" (“{rule.name}”)" if rule.name else "")

    def outcome(self, case: Case, *, why: bool) -> SavedTestOutcome:
        decision = decide(self.table, case.visitor)
        assert decision is not None  # an active offer sends everybody somewhere
        got = decision.rule
        wanted = case.expected.rule_id
        passed = got == wanted if wanted is not None else self.destinations[got] == case.destination_final
        return SavedTestOutcome(
            id=case.id,
            name=case.name,
            passed=passed,
            expected=case.expected,
            visitor=TestedVisitor(**case.visitor._asdict()),
            rule_id=got,
            destination_url=self.destinations[got],
            message=self._message(case, got, passed),
            trace=self._why(case) if why and not passed else [],
        )

    def _message(self, case: Case, got: str, passed: bool) -> str:
        wanted = case.expected.rule_id
        if wanted is not None:
            expected, found = self.words.get(wanted, NO_SUCH_RULE), self.words[got]
        else:
            expected, found = str(case.expected.destination_url), f"{self.destinations[got]}, by {self.words[got]}"
        if passed:
            return f"“{case.name}” goes to {expected}."
        return f"“{case.name}” should go to {expected} and would go to {found}."

    def _why(self, case: Case) -> list[RuleOutcome]:
        """Return the rules that were asked, and the expected one where it was not."""
        steps = trace(self.link, case.visitor) if self.link.enabled else []
        return [
            RuleOutcome.model_validate(step, from_attributes=True)
            for step in steps
            if step.outcome != "not_reached" or step.rule_id == case.expected.rule_id
        ]
