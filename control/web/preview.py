"""What a draft would change for recent clicks, as a part of the Smart link tab: words, streams, bars."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import APIRouter, Request

from control.access.guard import Viewer
from control.fields import PathId
from control.insight.preview import Move, Preview, PreviewIn, RuleShare, ValueShare, checked, preview
from control.insight.replay import GONE
from control.offers import service as offers
from control.parts import PartsDep
from control.smartlinks.drafts import CheckedRule
from control.smartlinks.schemas import Rule
from control.web.figures import look_of, percent
from control.web.flows import NARROW, WIDE, Station, draw
from control.web.render import page
from control.web.sentence import pretty_url
from shared.conditions import KINDS, parse_when, say_when
from shared.table import FALLBACK, INACTIVE, OFF

router = APIRouter(include_in_schema=False)

_FIXED: Final = {
    OFF: ("Smart link off", "Off"),
    INACTIVE: ("Offer paused", "Paused"),
    GONE: ("Nowhere, 410", "Nowhere"),
    FALLBACK: ("Everyone else", "Else"),
}
_SEGMENTS: Final = 4
_CARDS: Final = 2
_VALUES: Final = 6
_STRIPS: Final = 3


@dataclass(frozen=True, slots=True)
class Way:
    """One way a click can go: its station, its place among the draft's rules (None: none of them), where it leads."""

    station: Station
    place: int | None
    url: str
    asks_system: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """One rule's clicks by one attribute, before and after; `longest` is what fills the whole width."""

    title: str
    column: str
    rows: Sequence[tuple[str, ValueShare]]
    longest: int


@router.post("/ui/offers/{offer_id}/preview")
async def show_preview(request: Request, parts: PartsDep, caller: Viewer, offer_id: PathId, body: PreviewIn) -> Any:
    """Answer the part of a page that shows what `body.draft` would change."""
    draft = checked(parts, body)
    found = await preview(parts, offer_id, draft, body.clicks)
    offer = await offers.get(parts, caller, offer_id)
    ends = {FALLBACK: draft.fallback_url or offer.destination_url, OFF: offer.destination_url}
    ways = ways_of(draft.rules, offer.smart_link.rules, ends)
    flows = flows_of(found)
    return page(
        request,
        "preview.html",
        caller=caller,
        offer=offer,
        found=found,
        ways=ways,
        drawings=[draw([way.station for way in ways.values()], flows, frame) for frame in (WIDE, NARROW)],
        heading=heading(found),
        share=percent(found.elsewhere, found.clicks),
        finding=finding(found, ways),
        moves=[(move, segments(move, ways)) for move in found.moves],
        losses=losses(found.moves, ways)[:_STRIPS],
        cards=cards(found, ways),
        pretty_url=pretty_url,
    )


def ways_of(draft: Sequence[CheckedRule], live: Sequence[Rule], ends: Mapping[str, str]) -> dict[str, Way]:
    """Return every way a click can go, by its key: the draft's rules in order, deleted ones where they were, the rest.

    `ends` says where the smart link sends those whom no rule takes.
    """
    was = {rule.id: place for place, rule in enumerate(live, 1)}
    rules = [(place, _rule(place, rule, was.get(rule.id))) for place, rule in enumerate(draft, 1)]
    known = {way.station.key for _, way in rules}
    gone = [(was[rule.id] - 0.5, _deleted(was[rule.id], rule)) for rule in live if rule.id not in known]
    found = {way.station.key: way for _, way in sorted([*rules, *gone], key=lambda pair: pair[0])}
    for key, (title, short) in _FIXED.items():
        look = "cf" if key == FALLBACK else "cn"
        found[key] = Way(Station(key, title, short, "", look), None, ends.get(key, ""))
    return found


def flows_of(found: Preview) -> dict[tuple[str, str], int]:
    """Return (old, new) -> clicks, those that stay too."""
    flows = {(move.from_rule_id, move.to_rule_id): move.clicks for move in found.moves}
    for share in found.rules:
        left = sum(move.clicks for move in found.moves if move.from_rule_id == share.rule_id)
        if share.before > left:
            flows[share.rule_id, share.rule_id] = share.before - left
    return flows


def heading(found: Preview) -> str:
    """Return the whole in one line: `600 of 10,000 clicks would go somewhere else`."""
    of = f"of {found.clicks:,} click{'s' if found.clicks > 1 else ''}"
    if not found.elsewhere and not found.moved:
        return f"None {of} would go anywhere else"
    if not found.elsewhere:
        return f"{found.moved:,} {of} would be decided by another rule and land where they do now"
    return f"{found.elsewhere:,} {of} would go somewhere else"


def finding(found: Preview, ways: Mapping[str, Way]) -> str:
    """Return what the drawing shows, for those who hear it."""
    told = [
        f"{move.clicks:,} clicks move from {ways[move.from_rule_id].station.title}"
        f" to {ways[move.to_rule_id].station.title}"
        for move in found.moves[:_SEGMENTS]
    ]
    return f"Now and with your draft. {', '.join(told) or 'Nothing moves'}. The list below has the same numbers."


def segments(move: Move, ways: Mapping[str, Way]) -> str:
    """Return who moves, the largest groups first; by system too where a rule asks for it."""
    by_system = ways[move.from_rule_id].asks_system or ways[move.to_rule_id].asks_system
    groups: Counter[str] = Counter()
    for segment in move.segments:
        country, device = KINDS["country"].label(segment.country), KINDS["device"].label(segment.device)
        system = f" with {KINDS['os'].label(segment.os)}" if by_system else ""
        groups[f"{_capital(country)} {device}{system}"] += segment.clicks
    shown = groups.most_common(_SEGMENTS)
    left = move.clicks - sum(clicks for _, clicks in shown)
    return " · ".join(f"{who} {clicks:,}" for who, clicks in [*shown, *([("others", left)] if left else [])])


def losses(moves: Sequence[Move], ways: Mapping[str, Way]) -> list[tuple[Move, Way, Way]]:
    """Return the moves from a rule to where no rule decides: likely not meant."""
    found = [(move, ways[move.from_rule_id], ways[move.to_rule_id]) for move in moves]
    return [(move, old, new) for move, old, new in found if old.url and new.station.key in (FALLBACK, OFF)]


def cards(found: Preview, ways: Mapping[str, Way]) -> list[Bars]:
    """Return the bars of the rules that change the most, by country and by device."""
    changed = [share for share in found.rules if share.countries]
    changed.sort(key=lambda share: abs(share.after - share.before), reverse=True)
    return [bars for share in changed[:_CARDS] for bars in _bars(share, ways[share.rule_id].station.title)]


def _bars(share: RuleShare, title: str) -> list[Bars]:
    kinds = (("country", "Country", share.countries), ("device", "Device", share.devices))
    return [
        Bars(
            f"{title} by {kind}",
            column,
            [(_capital(KINDS[kind].label(value.value)), value) for value in values[:_VALUES]],
            max(max(value.before, value.after) for value in values),
        )
        for kind, column, values in kinds
    ]


def _rule(place: int, rule: CheckedRule, was: int | None) -> Way:
    title = f"Rule {place}"
    words = rule.name or _capital(say_when(rule.when).removeprefix("from "))
    note = f"new · {words}" if was is None else f"was {was} · {words}" if was != place else words
    station = Station(rule.id, title, title, note, look_of(place))
    return Way(station, place, rule.destination_url, "os" in rule.when)


def _deleted(place: int, rule: Rule) -> Way:
    words = rule.name or _capital(say_when(parse_when(rule.when)).removeprefix("from "))
    station = Station(rule.id, f"Old rule {place}", f"Old {place}", f"deleted · {words}", "cx")
    return Way(station, None, rule.destination_url, "os" in rule.when)


def _capital(words: str) -> str:
    return words if words.startswith(("iOS", "macOS")) else words[:1].upper() + words[1:]
