"""Why a visitor got what they got, rule by rule, in words; static/trace.js says the same of a test."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from control.insight.test_visitor import ConditionOutcome, RuleOutcome
from control.web.smart_link import WORDS

_PREPOSITIONS: Final = ("from ", "on ", "with ")
_AS_WRITTEN: Final = ("iOS", "macOS")


@dataclass(frozen=True, slots=True)
class Step:
    """One rule on the way to a decision: its place, what to say of it, and how it ended: `yes`, `no` or `off`."""

    place: int
    words: str
    ended: str


def steps(explanation: Sequence[RuleOutcome]) -> Iterator[Step]:
    """Yield the rules that were asked, or are off, in their order."""
    for place, rule in enumerate(explanation, 1):
        if rule.outcome == "disabled":
            yield Step(place, "Switched off", "off")
        elif rule.outcome == "matched":
            fits = ", ".join(_value(one) for one in rule.conditions)
            yield Step(place, f"{_capital(fits)} fits" if fits else "Everybody fits", "yes")
        elif rule.outcome == "failed":
            yield Step(place, "; ".join(_unmet(one) for one in rule.conditions if not one.holds), "no")


def unasked(explanation: Sequence[RuleOutcome]) -> str:
    """Return which rules were not asked, because one above them fitted: `Rules 3 to 7 were`; "" for none."""
    places = [place for place, rule in enumerate(explanation, 1) if rule.outcome == "not_reached"]
    if len(places) < 2:
        return f"Rule {places[0]} was" if places else ""
    if len(places) > 2 and places[-1] - places[0] == len(places) - 1:
        return f"Rules {places[0]} to {places[-1]} were"
    return f"Rules {', '.join(map(str, places[:-1]))} and {places[-1]} were"


def _unmet(condition: ConditionOutcome) -> str:
    needs = condition.needs
    for preposition in _PREPOSITIONS:
        needs = needs.removeprefix(preposition)
    return f"{_capital(_value(condition))}, needs {needs}"


def _value(condition: ConditionOutcome) -> str:
    return WORDS.get(condition.kind, {}).get(condition.value, condition.value)


def _capital(words: str) -> str:
    return words if words.startswith(_AS_WRITTEN) else words[:1].upper() + words[1:]
