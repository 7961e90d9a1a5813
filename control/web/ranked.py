"""The ranked cards of the Analytics tab: the largest countries, devices, partners ..., every bar a filter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from control.clicks.shapes import OVERFLOW
from control.insight.analytics.labels import labels
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions
from control.web.counting import by_key, by_source
from control.web.figures import percent
from control.web.smart_link import WORDS
from control.web.view import MEASURES, View

TITLES: Final = {
    "country": "Country",
    "device": "Device",
    "os": "System",
    "partner": "Partner",
    "link": "Link",
    "coupon": "Coupon",
    "referrer": "Referrer",
    "browser": "Browser",
}
SUB: Final = "Sub-ID"

_NOTHING: Final = {
    "coupon": "no coupon",
    "referrer": "none sent",
    "browser": "not known",
    "link": "the offer’s own URL",  # noqa: RUF001  # the apostrophe of print
    "partner": "no partner",
}
_KINDS: Final = {"person": "People", "duplicate": "Repeats", "bot": "Bots", "prefetch": "Preloads"}
_ROWS: Final = 5
_ALL_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Row:
    """One bar of a card; `width` is against the longest."""

    label: str
    value: int
    share: float
    width: float
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Card:
    """One card; `more` counts what is not shown."""

    key: str
    title: str
    rows: Sequence[Row]
    more: int


async def cards(sessions: Sessions, asked: Question, view: View) -> list[Card]:
    """Return the cards that have something to rank."""
    measure = MEASURES[view.measure]
    sources = await by_source(sessions, asked, measure)
    found = []
    for key, title in {**TITLES, f"sub{view.sub}": SUB}.items():
        counts = sources[key] if key in sources else await by_key(sessions, asked, key, measure)
        if any(value and counts[value] for value in counts):
            found.append(await _card(sessions, view, key, title, counts))
    return found


def said(key: str, value: str, names: Mapping[str, str]) -> str:
    """Return what a value of a key is called; `names` holds those of rules, partners and links."""
    if value == OVERFLOW:
        return "Everything else"
    if not value:
        return _NOTHING.get(key, "none")
    word = _KINDS.get(value) if key == "kind" else WORDS.get(key, {}).get(value)
    if word:
        return word if key == "os" else word[:1].upper() + word[1:]
    return f"/{names.get(value, value)}" if key == "link" else names.get(value, value)


async def _card(sessions: Sessions, view: View, key: str, title: str, counts: Counter[str]) -> Card:
    ranked = sorted(((value, number) for value, number in counts.items() if number), key=lambda one: (-one[1], one[0]))
    shown = ranked[: _ALL_ROWS if view.full == key else _ROWS]
    names = await labels(sessions.config, key, [value for value, _ in shown])
    rows = [
        Row(
            label=said(key, value, names),
            value=number,
            share=percent(number, counts.total()),
            width=percent(number, ranked[0][1]),
            href=view.toggled(key, value).href,
            chosen=view.has(key, value),
        )
        for value, number in shown
    ]
    return Card(key, title, rows, len(ranked) - len(shown))
