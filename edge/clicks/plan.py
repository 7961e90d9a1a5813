"""A link made ready for clicks: what of its events and Locations does not depend on who clicks, put together once."""

from typing import Final

from edge.clicks.query import NOTHING_SENT, Sent, preset
from edge.rules.cache import Entry
from shared.decision import decide
from shared.destination import MACROS, Destination
from shared.table import Decision, Table
from shared.visitor import Visitor

NEVER: Final = 1 << 63
"""A time in ms that does not come."""

_MARK: Final = b"\0"  # no Location can hold it
_VISITORS_MACROS: Final = tuple(f"{{{name}}}" for name in MACROS if name != "click_id")


class Choice:
    """One decision of a table, ready to send. `rule` is its field of the event, with its tab.

    Where `fixed`, the Location depends on nothing but the query and one click id, and without a query it is `before`,
    the id, `after`.
    """

    __slots__ = ("after", "before", "destination", "fixed", "rule", "rule_id")

    def __init__(self, decision: Decision) -> None:
        self.rule_id = decision.rule
        self.rule = decision.rule.encode() + b"\t"
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

    Whoever calls `choose` bounds what all plans together remember.
    """

    __slots__ = ("_made", "choices", "table")

    def __init__(self, table: Table) -> None:
        self.table = table
        self.choices: dict[str, Choice] = {}
        self._made: dict[Decision, Choice] = {}

    def choose(self, group: str, visitor: Visitor) -> Choice:
        """Decide, and remember it for the group. The table must have a decision."""
        decision = decide(self.table, visitor)
        assert decision is not None
        choice = self._made.get(decision)
        if choice is None:
            choice = self._made[decision] = Choice(decision)
        self.choices[group] = choice
        return choice


class Link:
    """An entry made ready.

    `until` is when it stops to redirect, in ms; before any time where it does not redirect at all. `event` are the
    event's fields from domain to revision, `presets` those that it sets, whatever the query says.
    """

    __slots__ = ("choices", "entry", "event", "plan", "presets", "revision", "status", "until")

    def __init__(self, entry: Entry, plan: Plan) -> None:
        key, pointer, table = entry.key, entry.pointer, entry.table
        self.entry = entry
        self.plan = plan
        self.choices = plan.choices
        self.status = table.redirect_status
        self.revision = table.revision
        self.until = -1 if not pointer.enabled or not table.decisions else _until(pointer.expires_at)
        event = f"{key.domain}\t{key.slug}\t{table.offer}\t{pointer.link}\t{table.revision}\t"
        self.event = event.encode()
        values = preset(pointer)
        self.presets = Sent(values) if values else NOTHING_SENT


def _until(expires_at: int | None) -> int:
    return NEVER if expires_at is None else expires_at
