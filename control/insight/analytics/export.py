"""Analytics as a file: a row for every group of every bucket, streamed bucket by bucket.

CSV is RFC 4180. Texts that a spreadsheet would take for a formula get an apostrophe before them, for some of them are
what strangers put into a URL.
"""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final

import orjson

from control.clicks.shapes import MEASURES, QUARTER_MS
from control.fields import utc
from control.insight.analytics.earnings import NONE, earned
from control.insight.analytics.labels import labels
from control.insight.analytics.question import Question
from control.insight.analytics.reading import Sessions
from control.insight.analytics.split import split

FORMATS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\0")
_NO_SUMS: Final = [0] * len(MEASURES)


async def rows(sessions: Sessions, question: Question, currency: str) -> AsyncIterator[dict[str, Any]]:
    """Yield a row for every group of every bucket; without a key, one for every bucket."""
    for bucket in question.period.buckets:
        asked = question.over(bucket)
        groups = (await split(sessions, asked)).groups
        sales = await earned(sessions.config, asked, currency)
        keys = sorted({*groups, *sales}, key=lambda key: (-groups.get(key, _NO_SUMS)[0], key))
        names = await labels(sessions.config, question.group_by, keys) if question.group_by else {}
        start = utc(bucket.first * QUARTER_MS).isoformat().replace("+00:00", "Z")
        for key in keys:
            named = {"key": key, "label": names[key]} if question.group_by else {}
            sold = sales.get(key, NONE)
            yield {
                "start": start,
                **named,
                **dict(zip(MEASURES, groups.get(key, _NO_SUMS), strict=True)),
                "conversions": sold.conversions,
                "revenue": sold.revenue,
            }


async def encode(found: AsyncIterator[dict[str, Any]], form: str, columns: Sequence[str]) -> AsyncIterator[bytes]:
    """Yield `found` as CSV with a header, or as JSON lines."""
    if form == "csv":
        yield csv_line(columns)
    async for row in found:
        yield csv_line([row[name] for name in columns]) if form == "csv" else orjson.dumps(row, default=str) + b"\n"


def columns(question: Question) -> list[str]:
    """Return the names of an export's columns."""
    return ["start", *(["key", "label"] if question.group_by else []), *MEASURES, "conversions", "revenue"]


def csv_line(values: Sequence[Any]) -> bytes:
    """Return one line of CSV."""
    line = io.StringIO()
    csv.writer(line).writerow([_harmless(value) if isinstance(value, str) else value for value in values])
    return line.getvalue().encode()


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text
