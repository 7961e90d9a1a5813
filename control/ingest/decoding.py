"""Lines to clicks, at the rate that ingestion needs: `shared.events.decode_event` for a hundred thousand lines.

Texts stay bytes as they were sent until somebody needs them; equal bytes are decoded once.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from control.clicks.shapes import DAY_MS, KINDS, QUARTER_MS
from control.coupons.models import fold
from shared.destination import param_value
from shared.events import ClickEvent

MAX_LINE_BYTES: Final = 32 * 1024
MAX_TEXT_BYTES: Final = 256
_FIELDS: Final = len(ClickEvent._fields)
_EARLIEST_MS, _LATEST_MS = 10**12, 10**13 - 1
_CLICK_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_REMEMBERED: Final = 100_000

(
    CLICK_ID,
    TIME,
    DOMAIN,
    SLUG,
    OFFER,
    LINK,
    REVISION,
    RULE,
    COUNTRY,
    DEVICE,
    OS,
    BROWSER,
    KIND,
    VIA,
    COUPON,
    SUB1,
    SUB2,
    SUB3,
    SUB4,
    SUB5,
    REFERRER,
    IP,
    VISITOR,
) = range(_FIELDS)


class Click(NamedTuple):
    """One click of a batch: the fields of its line as sent, and what is computed from them."""

    fields: list[bytes]
    time_ms: int
    quarter: int
    day: int
    kind: int
    revision: int
    visitor: int | None


class Refused(NamedTuple):
    """A line that is no click, and why."""

    line: bytes
    reason: str


def read_lines(lines: Iterable[bytes]) -> tuple[list[Click], list[Refused]]:
    """Return the clicks on `lines`, and the lines that are none."""
    clicks: list[Click] = []
    refused: list[Refused] = []
    for line in lines:
        try:
            clicks.append(_click(line))
        except KeyError:
            refused.append(Refused(line, "a kind of click that is not known here"))
        except ValueError as exc:
            refused.append(Refused(line, str(exc)[:200]))
    return clicks, refused


def _click(line: bytes) -> Click:
    fields = line.split(b"\t")
    if len(fields) != _FIELDS:
        raise ValueError(f"{len(fields)} fields, not {_FIELDS}")
    time_ms, revision = int(fields[TIME]), int(fields[REVISION])
    if not (_EARLIEST_MS <= time_ms <= _LATEST_MS and 0 <= revision < 2**31 and _CLICK_ID.fullmatch(fields[CLICK_ID])):
        raise ValueError("a time, revision or click id that cannot be")
    if len(line) > MAX_TEXT_BYTES and (
        len(line) > MAX_LINE_BYTES or max(map(len, fields[:VIA])) > MAX_TEXT_BYTES or len(fields[REFERRER]) > 300
    ):
        raise ValueError("a field is longer than any that an edge writes")
    visitor = fields[VISITOR]
    return Click(
        fields,
        time_ms,
        time_ms // QUARTER_MS,
        time_ms // DAY_MS,
        KINDS[fields[KIND]],
        revision,
        _signed(int(visitor, 16)) if visitor else None,
    )


def _signed(number: int) -> int:
    """Return 64 bits as the signed integer that databases keep."""
    if number >> 64:
        raise ValueError("a visitor's hash has 64 bits")
    return number - (1 << 64) if number >> 63 else number


class Texts:
    """Decodes fields, and remembers the frequent ones."""

    def __init__(self) -> None:
        self._plain: dict[bytes, str] = {}
        self._sent: dict[bytes, str] = {}

    def plain(self, raw: bytes) -> str:
        """Return a field that an edge wrote itself."""
        text = self._plain.get(raw)
        return text if text is not None else self._remember(self._plain, raw, raw.decode("utf-8", "replace"))

    def sent(self, raw: bytes) -> str:
        """Return a field as a visitor sent it: percent-decoded and cut."""
        text = self._sent.get(raw)
        return text if text is not None else self._remember(self._sent, raw, param_value(raw))

    def folded(self, raw: bytes) -> str:
        """Return a `via` or a coupon as it is compared: decoded, case and blanks at the ends aside."""
        return fold(self.sent(raw))

    def _remember(self, texts: dict[bytes, str], raw: bytes, text: str) -> str:
        if len(texts) >= _REMEMBERED:
            texts.clear()
        text = texts[raw] = text.replace("\0", "\ufffd")  # PostgreSQL keeps no NUL
        return text
