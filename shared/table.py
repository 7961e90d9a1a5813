"""The compiled table: one revision of an offer, resolved for the edge, so that a decision is one look at bitmasks.

Schema history and the compatibility promise are in README.md. Encoding is control's half, decoding the edge's; a body
that an edge does not fully understand is refused whole, never read in part.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import orjson

from shared import conditions
from shared.conditions import KINDS, Condition
from shared.destination import Destination, InvalidDestination
from shared.rules import Offer, OfferStatus, Rule

_T = TypeVar("_T")

SCHEMA: Final = 2
OLDEST_SCHEMA: Final = 1
"""Schemas that a reader of this version understands; 2 is a canary, two tables in one (`shared.canary`)."""
PLAIN_SCHEMA: Final = 1
"""The newest schema of one table by itself, as it is written."""
MAX_TABLE_BYTES: Final = 256 * 1024
REDIRECT_STATUSES: Final = frozenset({302, 307})

FALLBACK: Final = "fallback"
OFF: Final = "off"
INACTIVE: Final = "inactive"
"""What an event names where no rule decided: everyone else, smart link off, the offer paused."""


class RefusedTable(ValueError):
    """A body that this reader must not serve; the text says why and goes into the nack."""


class Decision(NamedTuple):
    """What was decided for one click: a rule's id, `fallback`, `off` or `inactive`, and the destination."""

    rule: str
    destination: Destination


class Mask(NamedTuple):
    """Which rules one attribute leaves standing: a bit per rule, by value; `otherwise` for values no rule names."""

    by_value: Mapping[str, int]
    otherwise: int


class Table:
    """A decoded table, immutable once built; `decide` in `shared.decision` reads it.

    `masks` holds a Mask per kind that any rule tests. `decisions` has one entry a rule, in order, then everyone else's.
    A table that decides nothing by rules (off, paused) has no masks and one decision; a gone offer has none.
    """

    __slots__ = ("append_click_id", "decisions", "masks", "offer", "redirect_status", "revision", "slug", "status")

    def __init__(self, body: Mapping[str, Any]) -> None:
        """Build from a decoded body. Raises RefusedTable."""
        _require_schema(body)
        self.offer = text_field(body, "offer")
        self.slug = text_field(body, "slug")
        self.revision = typed_field(body, "revision", int)
        self.status = _status(body)
        self.redirect_status = typed_field(body, "redirect_status", int)
        self.append_click_id = typed_field(body, "append_click_id", bool)
        if self.redirect_status not in REDIRECT_STATUSES:
            raise RefusedTable(f"redirect status {self.redirect_status} would be cached by browsers")
        rules = _rules(body) if self.status is OfferStatus.ACTIVE else []
        self.masks = _masks(rules)
        self.decisions = tuple(_decisions(body, self.status, rules))


def compile_offer(offer: Offer) -> bytes:
    """Return the body of `offer`'s table: groups expanded, disabled rules left out, destinations as they are sent.

    Destinations of `offer` must be in their final ASCII form. Raises ValueError where the body exceeds 256 KiB.
    """
    link = offer.smart_link
    body = {
        "schema": PLAIN_SCHEMA,
        "offer": offer.id,
        "slug": offer.slug,
        "revision": offer.revision,
        "status": offer.status,
        "redirect_status": offer.redirect_status,
        "append_click_id": offer.append_click_id,
        "pass_query": offer.pass_query,
        "destination_url": offer.destination_url,
        "inactive_url": offer.inactive_url,
        "smart_link": {
            "fallback_url": link.fallback_url or offer.destination_url,
            "rules": [_compile_rule(rule) for rule in link.rules if rule.enabled],
        }
        if link.enabled
        else None,
    }
    encoded = orjson.dumps(body)
    if len(encoded) > MAX_TABLE_BYTES:
        raise ValueError(f"the compiled smart link has {len(encoded)} bytes, more than {MAX_TABLE_BYTES}")
    return encoded


def _compile_rule(rule: Rule) -> dict[str, Any]:
    when = {kind: _compile_condition(kind, condition) for kind, condition in rule.when.items()}
    return {"id": rule.id, "when": when, "to": rule.destination_url}


def _compile_condition(kind_name: str, condition: Condition) -> dict[str, list[str]]:
    """Spell the accepted set, or what is outside it where that is shorter."""
    kind = KINDS[kind_name]
    everything = {*kind.values, *([kind.unknown] if kind.unknown else [])}
    accepted = conditions.accepted(kind_name, condition)
    outside = everything - accepted
    return {"not": sorted(outside)} if len(outside) < len(accepted) else {"in": sorted(accepted)}


def decode_table(body: object) -> Table:
    """Return the table in a body as JSON gave it. Raises RefusedTable for anything not fully understood."""
    if not isinstance(body, Mapping):
        raise RefusedTable("a table is an object")
    return Table(body)


def _require_schema(body: Mapping[str, Any]) -> None:
    schema = body.get("schema")
    if not isinstance(schema, int) or not OLDEST_SCHEMA <= schema <= PLAIN_SCHEMA:
        raise RefusedTable(f"schema {str(schema)[:20]} is no table by itself ({OLDEST_SCHEMA} to {PLAIN_SCHEMA} are)")


def typed_field(body: Mapping[str, Any], name: str, kind: type[_T]) -> _T:
    """Return a field that must be of `kind` exactly. Raises RefusedTable."""
    value = body.get(name)
    if type(value) is not kind:
        raise RefusedTable(f"{name} is not {kind.__name__}")
    return value


def text_field(body: Mapping[str, Any], name: str) -> str:
    """Return a short printable ASCII field: it goes into events and headers as it is. Raises RefusedTable."""
    value = typed_field(body, name, str)
    if not value or len(value) > 128 or not value.isascii() or not value.isprintable():
        raise RefusedTable(f"{name} is not short printable ASCII")
    return value


def _status(body: Mapping[str, Any]) -> OfferStatus:
    try:
        return OfferStatus(typed_field(body, "status", str))
    except ValueError as exc:
        raise RefusedTable(f"status {str(body.get('status'))[:20]} is unknown") from exc


def _rules(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    link = body.get("smart_link")
    if link is None:
        return []
    rules = link.get("rules") if isinstance(link, Mapping) else None
    if not isinstance(rules, list) or not all(isinstance(rule, Mapping) for rule in rules):
        raise RefusedTable("rules are not a list of objects")
    return rules


def _masks(rules: list[Mapping[str, Any]]) -> dict[str, Mask]:
    tests = [_tests(rule) for rule in rules]
    kinds = [kind for kind in KINDS if any(kind in test for test in tests)]
    return {kind: _mask([test.get(kind) for test in tests]) for kind in kinds}


def _tests(rule: Mapping[str, Any]) -> dict[str, tuple[bool, frozenset[str]]]:
    """Return kind -> (negated, values) of one rule."""
    when = rule.get("when")
    if not isinstance(when, Mapping):
        raise RefusedTable("a rule's conditions are not an object")
    unknown = [kind for kind in when if kind not in KINDS]
    if unknown:
        raise RefusedTable(f"condition kind {str(unknown[0])[:40]!r} is not known here")
    return {kind: _test(kind, value) for kind, value in when.items()}


def _test(kind: str, condition: object) -> tuple[bool, frozenset[str]]:
    if isinstance(condition, Mapping) and len(condition) == 1:
        ((word, values),) = condition.items()
        if word in ("in", "not") and isinstance(values, list) and all(isinstance(value, str) for value in values):
            return word == "not", frozenset(values)
    raise RefusedTable(f"the condition on {kind} is neither a list in nor a list not")


def _mask(tests: list[tuple[bool, frozenset[str]] | None]) -> Mask:
    """Return the rules left standing for each value that a rule names, and for the others; everyone else always is."""
    named: set[str] = set().union(*(test[1] for test in tests if test))
    bits = [(1 << place, *(test or (True, frozenset[str]()))) for place, test in enumerate(tests)]
    everyone_else = 1 << len(tests)
    by_value = {
        value: everyone_else | sum(bit for bit, negated, values in bits if (value in values) != negated)
        for value in named
    }
    return Mask(by_value, everyone_else | sum(bit for bit, negated, _ in bits if negated))


def _decisions(body: Mapping[str, Any], status: OfferStatus, rules: Iterable[Mapping[str, Any]]) -> list[Decision]:
    if status is OfferStatus.ARCHIVED:
        return []
    if status is OfferStatus.PAUSED:
        return (
            [] if body.get("inactive_url") is None else [Decision(INACTIVE, _destination(body, body, "inactive_url"))]
        )
    link = body.get("smart_link")
    if link is None:
        return [Decision(OFF, _destination(body, body, "destination_url"))]
    by_rule = [Decision(text_field(rule, "id"), _destination(body, rule, "to")) for rule in rules]
    return [*by_rule, Decision(FALLBACK, _destination(body, link, "fallback_url"))]


def _destination(body: Mapping[str, Any], holder: Mapping[str, Any], name: str) -> Destination:
    try:
        return Destination(
            typed_field(holder, name, str),
            pass_query=typed_field(body, "pass_query", bool),
            append_click_id=typed_field(body, "append_click_id", bool),
        )
    except InvalidDestination as exc:
        raise RefusedTable(f"{name}: {exc}") from exc
