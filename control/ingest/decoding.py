"""Lines to clicks, at the rate that ingestion needs: `shared.events.decode_event` for a hundred thousand lines.

Most of a line says what many others say: which link was clicked, and by what kind of visit. Either is decoded once,
and clicks share it.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from control.clicks.shapes import KINDS
from control.coupons.models import fold
from shared.destination import param_value
from shared.events import ClickEvent

MAX_LINE_BYTES: Final = 32 * 1024
MAX_TEXT_BYTES: Final = 256
_MAX_REFERRER_BYTES: Final = 300
_FIELDS: Final = len(ClickEvent._fields)
_FIELDS_OF_VISIT: Final = ClickEvent._fields.index("ip") - ClickEvent._fields.index("rule")
_EARLIEST_MS, _LATEST_MS = 10**12, 10**13 - 1
_CLICK_ID: Final = re.compile(rb"[A-Za-z0-9_-]{1,64}")
_REMEMBERED: Final = 20_000
_REMEMBERED_BYTES: Final = 512
"""Visitors can send subs of any length, each of them once."""

Key = TypeVar("Key", bound="bytes | str | tuple[bytes, ...]")
Value = TypeVar("Value")


@dataclass(slots=True, eq=False)
class Link:
    """What was clicked: the ids are "" where there is none. Equal ones may be several objects."""

    domain: str
    slug: str
    offer: str
    link: str


@dataclass(slots=True, eq=False)
class Visit:
    """Who clicked and how it was decided. Equal ones may be several objects.

    `kind` is a number of KINDS. `via`, `coupon` and `subs` are as sent, decoded; the first two also folded, as they are
    compared.
    """

    rule: str
    country: str
    device: str
    os: str
    browser: str
    kind: int
    via: str
    coupon: str
    subs: tuple[str, ...]
    referrer: str
    folded_via: str
    folded_coupon: str


class Click(NamedTuple):
    """One click. `visitor` is its hash as the signed integer that databases keep."""

    click_id: str
    time_ms: int
    link: Link
    revision: int
    visit: Visit
    ip: str
    visitor: int | None


class Refused(NamedTuple):
    """A line that is no click, and why."""

    line: bytes
    reason: str


class Reader:
    """Reads lines, and remembers what they shared with others."""

    def __init__(self) -> None:
        self._links = _Memory(_link)
        self._visits = _Memory(self._visit)
        self._plain = _Memory(_plain)
        self._sent = _Memory(_sent)
        self._folded = _Memory(fold)

    def read(self, lines: Iterable[bytes]) -> tuple[list[Click], list[Refused]]:
        """Return the clicks on `lines`, and the lines that are none."""
        clicks: list[Click] = []
        refused: list[Refused] = []
        for line in lines:
            try:
                clicks.append(self._click(line))
            except ValueError as exc:
                refused.append(Refused(line, str(exc)[:200]))
        return clicks, refused

    def _click(self, line: bytes) -> Click:
        if len(line) > MAX_LINE_BYTES:
            raise ValueError("longer than any line that an edge writes")
        try:
            click_id, time, domain, slug, offer, link, revision, rest = line.split(b"\t", 7)
            of_visit, ip, visitor = rest.rsplit(b"\t", 2)
        except ValueError:
            raise _not_all_fields(line.count(b"\t") + 1) from None
        time_ms, number = int(time), int(revision)
        if not (_EARLIEST_MS <= time_ms <= _LATEST_MS and 0 <= number < 2**31 and _CLICK_ID.fullmatch(click_id)):
            raise ValueError("a time, revision or click id that cannot be")
        return Click(
            click_id.decode(),
            time_ms,
            self._links[domain, slug, offer, link],
            number,
            self._visits[of_visit],
            self._plain[ip],
            _signed(int(visitor, 16)) if visitor else None,
        )

    def _visit(self, of_visit: bytes) -> Visit:
        fields = of_visit.split(b"\t")
        if len(fields) != _FIELDS_OF_VISIT:
            raise _not_all_fields(_FIELDS - _FIELDS_OF_VISIT + len(fields))
        *written, kind, raw_via, raw_coupon, sub1, sub2, sub3, sub4, sub5, referrer = fields
        _refuse_long(written)
        _refuse_long([referrer], _MAX_REFERRER_BYTES)
        if kind not in KINDS:
            raise ValueError("a kind of click that is not known here")
        rule, country, device, os, browser = map(self._plain.__getitem__, written)
        via, coupon = self._sent[raw_via], self._sent[raw_coupon]
        subs = tuple(map(self._sent.__getitem__, (sub1, sub2, sub3, sub4, sub5)))
        folded = self._folded[via], self._folded[coupon]
        return Visit(rule, country, device, os, browser, KINDS[kind], via, coupon, subs, self._plain[referrer], *folded)


class _Memory(dict[Key, Value]):
    """What came of things, worked out when it is first asked for, and remembered unless they are long."""

    def __init__(self, work_out: Callable[[Key], Value]) -> None:
        super().__init__()
        self._work_out = work_out

    def __missing__(self, key: Key) -> Value:
        if len(self) >= _REMEMBERED:
            self.clear()
        value = self._work_out(key)
        if len(key) <= _REMEMBERED_BYTES:
            self[key] = value
        return value


def _link(fields: tuple[bytes, bytes, bytes, bytes]) -> Link:
    _refuse_long(fields)
    return Link(*map(_plain, fields))


def _refuse_long(fields: Iterable[bytes], most: int = MAX_TEXT_BYTES) -> None:
    if max(map(len, fields)) > most:
        raise ValueError("a field is longer than any that an edge writes")


def _not_all_fields(fields: int) -> ValueError:
    return ValueError(f"{fields} fields, not {_FIELDS}")


def _plain(raw: bytes) -> str:
    """Return a field that an edge wrote itself; PostgreSQL keeps no NUL."""
    return raw.decode("utf-8", "replace").replace("\0", "\ufffd")


def _sent(raw: bytes) -> str:
    """Return a field as a visitor sent it: percent-decoded and cut."""
    return param_value(raw).replace("\0", "\ufffd") if raw else ""


def _signed(number: int) -> int:
    """Return 64 bits as the signed integer that databases keep."""
    if number >> 64:
        raise ValueError("a visitor's hash has 64 bits")
    return number - (1 << 64) if number >> 63 else number
