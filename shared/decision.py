"""Deciding: a table and a visitor in, a decision out; and the same for people, told condition by condition."""

from dataclasses import dataclass

from shared import conditions
from shared.conditions import KINDS
from shared.rules import SmartLink
from shared.table import Decision, Table
from shared.visitor import Visitor


def decide(table: Table, visitor: Visitor) -> Decision | None:
    """Return what `visitor` gets: the first rule whose conditions all hold, else everyone else's; None is 410."""
    return table.decisions[place_of(table, visitor)] if table.decisions else None


def place_of(table: Table, visitor: Visitor) -> int:
    """Return the place of what `visitor` gets among the decisions of a table that has any."""
    standing = (1 << len(table.decisions)) - 1
    for kind, mask in table.masks.items():
        standing &= mask.by_value.get(getattr(visitor, kind), mask.otherwise)
    return (standing & -standing).bit_length() - 1


@dataclass(frozen=True, slots=True)
class ConditionTrace:
    """One condition asked of one visitor: `needs` is the condition in English, `value` what the visitor has."""

    kind: str
    value: str
    holds: bool
    needs: str


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """How one rule came out: `matched`, `failed`, `disabled`, or `not_reached` below the first match."""

    rule_id: str
    name: str
    outcome: str
    conditions: tuple[ConditionTrace, ...]


def trace(smart_link: SmartLink, visitor: Visitor) -> list[RuleTrace]:
    """Return rule by rule why `visitor` gets what `decide` says, for a smart link that is on."""
    traces: list[RuleTrace] = []
    decided = False
    for rule in smart_link.rules:
        asked = tuple(
            ConditionTrace(kind, value, conditions.matches(kind, condition, value), KINDS[kind].say(condition))
            for kind, condition in rule.when.items()
            for value in (getattr(visitor, kind),)
        )
        holds = all(condition.holds for condition in asked)
        outcome = "disabled" if not rule.enabled else "not_reached" if decided else "matched" if holds else "failed"
        decided = decided or outcome == "matched"
        traces.append(RuleTrace(rule.id, rule.name, outcome, asked))
    return traces
