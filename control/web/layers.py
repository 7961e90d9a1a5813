"""The chart over time: which colours it has from the bottom up, and what stands in each bar."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from control.clicks.shapes import OVERFLOW
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions
from control.insight.analytics.schemas import Event, Group, Summary
from control.smartlinks.schemas import Rule
from control.web.chart import Bucket, Chart, Frame, Mark, Part, draw
from control.web.counting import CONVERSIONS, by_bucket
from control.web.figures import COLOURS, Band, bands, percent

_DELETED_SHOWN: Final = 4
_QUARTER_S: Final = 900
_NOTES: Final = {Event.TRIED: "tried", Event.PROMOTED: "to all", Event.WITHDRAWN: "took it back"}
"""What the flag of an edit says beside the number of its revision."""


@dataclass(frozen=True, slots=True)
class Layer:
    """What the chart draws as one colour: one rule, or the many that share one."""

    label: str
    look: str
    keys: tuple[str, ...]
    place: int | None = None

    @property
    def numbered(self) -> str:
        """Return the label with the rule's place before it: `3 United Kingdom`."""
        return self.label if self.place is None or self.label.startswith("Rule ") else f"{self.place} {self.label}"


@dataclass(frozen=True, slots=True)
class Columns:
    """The chart's numbers: what each bar is called, below it and in full, its values by layer, the running bar."""

    names: Sequence[str]
    titles: Sequence[str]
    values: Sequence[Sequence[int]]
    running: int | None


def layers_of(rules: Sequence[Rule], found: Summary, measure: str) -> list[Layer]:
    """Return the layers of a chart from the bottom: only what somebody was sent by, or bought through."""
    counted = [group for group in found.groups if group.key != OVERFLOW and _counts(group, measure)]
    names = {group.key: group.label for group in counted}
    present = [band for band in bands(rules, names, names) if band.key in names]
    later = [band for band in present if band.place is not None and band.place > COLOURS]
    gone = [band for band in present if band.look == "cx" and band.place is None]
    own = [_layer(band) for band in present if band.look != "cx"]
    return [
        *(layer for layer in own if layer.place is not None),
        *([_shared("Rules 9 and later", later)] if len(later) > 1 else map(_layer, later)),
        *map(_layer, gone[:_DELETED_SHOWN]),
        *([_shared("Other deleted rules", gone[_DELETED_SHOWN:])] if len(gone) > _DELETED_SHOWN else []),
        *(layer for layer in own if layer.place is None),
    ]


async def columns_of(sessions: Sessions, asked: Question, layers: Sequence[Layer], measure: str) -> Columns:
    """Return the numbers of the chart."""
    keys = [key for layer in layers for key in layer.keys]
    buckets = await by_bucket(sessions, asked, keys, measure)
    values = [[sum(bucket.get(key, 0) for key in layer.keys) for layer in layers] for bucket in buckets]
    quarter = int(time.time() // _QUARTER_S)
    spans = enumerate(asked.period.buckets)
    running = next((place for place, span in spans if span.first <= quarter < span.after), None)
    return Columns(_names(asked, running), _titles(asked), values, running)


def chart_of(columns: Columns, layers: Sequence[Layer], found: Summary, frame: Frame) -> Chart:
    """Return the chart as shapes."""
    buckets = [
        Bucket(
            name,
            [Part(layer.look, value) for layer, value in zip(layers, values, strict=True)],
            place == columns.running,
        )
        for place, (name, values) in enumerate(zip(columns.names, columns.values, strict=True))
    ]
    return draw(buckets, _marks(found), frame)


def tips_of(columns: Columns, layers: Sequence[Layer]) -> list[dict[str, Any]]:
    """Return what stands in the tip of every bar, the top of the stack first."""
    tips = []
    for name, values in zip(columns.titles, columns.values, strict=True):
        parts = zip(layers, values, strict=True)
        rows = [{"look": layer.look, "label": layer.numbered, "value": value} for layer, value in parts if value]
        tips.append({"title": name, "total": sum(values), "rows": rows[::-1]})
    return tips


def finding_of(found: Summary, layers: Sequence[Layer]) -> str:
    """Return what the chart shows, in a sentence, for those who hear it."""
    clicks = {group.key: group.clicks for group in found.groups}
    sizes = [(sum(clicks.get(key, 0) for key in layer.keys), layer.numbered) for layer in layers]
    if not sizes or not found.totals.clicks:
        return "Nobody came in this period."
    value, name = max(sizes)
    return f"{name} takes {percent(value, found.totals.clicks)}% of {found.totals.clicks:,} people."


def _counts(group: Group, measure: str) -> bool:
    return bool(group.conversions if measure == CONVERSIONS else group.clicks or group.bots)


def _layer(band: Band) -> Layer:
    return Layer(band.label, band.look, (band.key,), band.place)


def _shared(label: str, these: Sequence[Band]) -> Layer:
    return Layer(label, "cx", tuple(band.key for band in these))


def _names(asked: Question, running: int | None) -> list[str]:
    """Return what stands below the bars: `8 Nov`, `9`, `10` ..., `21 so far`."""
    names: list[str] = []
    month = 0
    for place, start in enumerate(asked.period.starts):
        if asked.interval == "hour":
            name = f"{start:%H:%M}"
        elif asked.interval == "month":
            name = f"{start:%b %Y}"
        else:
            name = f"{start.day} {start:%b}" if start.month != month or asked.interval == "week" else str(start.day)
        month = start.month
        names.append(f"{name} so far" if place == running else name)
    return names


def _titles(asked: Question) -> list[str]:
    """Return what bars are called in full: `Sun 15 Nov`, `Sun 15 Nov 14:00`, `Week of 9 Nov`, `November 2026`."""
    forms = {"hour": "{0:%a} {0.day} {0:%b} {0:%H:%M}", "week": "Week of {0.day} {0:%b}", "month": "{0:%B %Y}"}
    return [forms.get(asked.interval, "{0:%a} {0.day} {0:%b}").format(start) for start in asked.period.starts]


def _marks(found: Summary) -> list[Mark]:
    """Return the edits of the period, the first revision left out: it is the offer's own."""
    length = found.end - found.start
    return [
        Mark((edit.at - found.start) / length, edit.revision, edit.revision, _NOTES.get(edit.event, ""))
        for edit in found.edits
        if edit.revision > 1
    ]
