"""Whether what a worker answered is what SQL says, and if not in what it differs. Pure."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from control.auditor.truth import Truth
from shared.countries import CODES, UNKNOWN
from shared.decision import decide
from shared.destination import SUBS, macros_of
from shared.pointer import Pointer
from shared.table import Table
from shared.visitor import Visitor

QUERY: Final = "utm_source=turnout-audit"
"""Sent with every question, so that a query that is passed on, or is not, shows."""

EXPIRY_SLACK_MS: Final = 5_000
"""Clocks of two machines differ: around its expiry a link may be open or closed."""

UNAVAILABLE: Final = 503
_MARK: Final = b"\0"
_CLICK_ID: Final = rb"[A-Za-z0-9_-]{1,26}"
_COUNTRIES: Final = (*CODES, UNKNOWN)


class Answer(NamedTuple):
    """What one worker said; `slot` is -1 where it does not say which it is.

    The sequences are of the publishes that it serves, None where it does not say.
    """

    status: int
    location: bytes
    slot: int = -1
    table_sequence: int | None = None
    link_sequence: int | None = None


def difference(answer: Answer, truth: Truth, visitor: Visitor, now_ms: int) -> str:
    """Return in what `answer` differs from what SQL says to `visitor`, "" where it does not.

    The country is not held against the edge: its database may know the address otherwise.
    """
    table = truth.table
    expected = _statuses(truth, now_ms)
    if answer.status not in expected:
        return f"answers {answer.status} instead of {min(expected)}"
    if truth.paused and answer.location != (truth.paused[0] or "").encode():
        return f"redirects to {answer.location[:300].decode('ascii', 'replace')}"
    if truth.pointer is None or table is None:
        return ""
    for what, served, newest in (
        ("rules", answer.table_sequence, truth.table_sequence),
        ("link", answer.link_sequence, truth.link_sequence),
    ):
        if served is not None and served != newest:
            return f"serves publish {served} of its {what}, the newest is {newest}"
    if answer.location and not any(_is_of(answer.location, place) for place in _places(table, truth, visitor)):
        return f"redirects to {answer.location[:300].decode('ascii', 'replace')}"
    return ""


def _statuses(truth: Truth, now_ms: int) -> set[int]:
    if truth.paused:
        return {410 if truth.paused[0] is None else 302}
    if truth.pointer is None or truth.table is None:
        return {404}
    if not truth.table.decisions:
        return {410}
    times = (now_ms - EXPIRY_SLACK_MS, now_ms + EXPIRY_SLACK_MS)
    return {truth.table.redirect_status if truth.pointer.is_open(at) else 410 for at in times}


def _places(table: Table, truth: Truth, visitor: Visitor) -> Iterator[bytes]:
    """Yield the Locations for this visitor from anywhere, likeliest first, with a mark in place of the click id."""
    assert truth.pointer is not None
    sent, link = _preset(truth.pointer), truth.key.slug if truth.pointer.link else ""
    for country in (visitor.country, *_COUNTRIES):
        somewhere = visitor._replace(country=country)
        decision = decide(table, somewhere)
        if decision is not None:
            macros = macros_of(somewhere, sent, offer=table.slug, link=link, rule=decision.rule)
            yield decision.destination.location(_MARK, QUERY.encode(), macros)


def _preset(pointer: Pointer) -> dict[str, str]:
    subs = dict(zip(SUBS, pointer.subs, strict=True))
    return {"via": pointer.partner, "coupon": pointer.coupon, **subs}


def _is_of(location: bytes, place: bytes) -> bool:
    return re.fullmatch(_CLICK_ID.join(map(re.escape, place.split(_MARK))), location) is not None
