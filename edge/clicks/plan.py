"""A link made ready for clicks: what of its events and Locations does not depend on who clicks, put together once."""

from typing import Final

from edge.clicks.query import NOTHING_SENT, Sent, preset
from edge.rules.cache import Entry
from shared.decision import place_of
from shared.destination import MACROS, Destination
from shared.table import Table
from shared.visitor import Visitor

NEVER: Final = 1 << 63
"""A time in ms that does not come."""

MAX_TAKEN_OVER: Final = 4096
"""Decisions that one table takes over from the one before it, in some 0.3 ms; of more all are made anew."""

_MARK: Final = b"\0"  # no Location can hold it
_VISITORS_MACROS: Final = tuple(f"{{{name}}}" for name in MACROS if name != "click_id")


class Choice:
    """The decision at a `place` of a table, ready to send. `rule` are the event's fields revision and rule.

    Where `fixed`, the Location depends on nothing but the query and one click id, and without a query it is `before`,
    the id, `after`.
    """

    __slots__ = ("after", "before", "destination", "fixed", "place", "rule", "rule_id")

    def __init__(self, table: Table, place: int) -> None:
        decision = table.decisions[place]
        self.place = place
        self.rule_id = decision.rule
        self.rule = f"{table.revision}\t{decision.rule}\t".encode()
        self.destination: Destination = decision.destination
        self.fixed = not any(macro in self.destination.url for macro in _VISITORS_MACROS)
        self.before = self.after = b""
        if self.fixed:
            parts = self.around_click_id(b"")
            self.fixed = parts is not None
            self.before, self.after = parts or (b"", b"")

    def around_click_id(self, query: bytes) -> tuple[bytes, bytes] | None:
        """Return what goes before and after the click id in a fixed Location; None where it holds not exactly one."""
        parts = self.destination.location(_MARK, query, {}).split(_MARK)
        return (parts[0], parts[1]) if len(parts) == 2 else None


class Plan:
    """A table and its decisions so far: `choices` is a caller's group -> its choice. All links of an offer share it.

    `before` is the offer's plan until now: where the conditions are still the same, as after most edits, who got the
    third rule gets the third rule. Whoever makes plans, or calls `choose`, bounds what all together remember.
    """

    __slots__ = ("_made", "choices", "table")

    def __init__(self, table: Table, before: "Plan | None" = None) -> None:
        self.table = table
        self.choices: dict[str, Choice] = {}
        self._made: dict[int, Choice] = {}
        if before is not None and len(before.choices) <= MAX_TAKEN_OVER and _decide_alike(table, before.table):
            made = self._made = {place: Choice(table, place) for place in before._made}
            self.choices = {group: made[choice.place] for group, choice in before.choices.items()}

    def choose(self, group: str, visitor: Visitor) -> Choice:
        """Decide, and remember it for the group. The table must have a decision."""
        place = place_of(self.table, visitor)
        choice = self._made.get(place)
        if choice is None:
            choice = self._made[place] = Choice(self.table, place)
        self.choices[group] = choice
        return choice


def _decide_alike(table: Table, other: Table) -> bool:
    """Tell whether everybody gets the decision at the same place of both tables."""
    return table.masks == other.masks and len(table.decisions) == len(other.decisions)


class Link:
    """An entry made ready.

    `until` is when it stops to redirect, in ms; before any time where it does not redirect at all. `event` are the
    event's fields from domain to link, `presets` those that it sets, whatever the query says. Both are taken from
    `before`, what was made of the link under its offer's last table.
    """

    __slots__ = ("event", "key", "plan", "pointer", "presets", "revision", "status", "until")

    def __init__(self, entry: Entry, plan: Plan, before: "Link | None") -> None:
        pointer, table = entry.pointer, plan.table
        self.key = entry.key
        self.pointer = pointer
        self.plan = plan
        self.status = table.redirect_status
        self.revision = table.revision
        self.until = -1 if not pointer.enabled or not table.decisions else _until(pointer.expires_at)
        self.event: bytes
        self.presets: Sent
        if before is None:
            self.event = f"{entry.key.domain}\t{entry.key.slug}\t{table.offer}\t{pointer.link}\t".encode()
            values = preset(pointer)
            self.presets = Sent(values) if values else NOTHING_SENT
        else:
            self.event, self.presets = before.event, before.presets


def _until(expires_at: int | None) -> int:
    return NEVER if expires_at is None else expires_at
