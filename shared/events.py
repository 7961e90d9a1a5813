"""One click as the edge writes it and the ingester reads it: a line of tab-separated fields.

The line is what the hot path can write cheapest: most of it is known per link, per decision and per agent, and what a
visitor sent stays percent-encoded, as sent (no tab or line feed can be in it), to be decoded when it is read.
"""

from typing import Any, Final, NamedTuple
from urllib.parse import quote

from shared.destination import param_value

SCHEMA: Final = 1

KINDS: Final = ("person", "duplicate", "bot", "prefetch")


class ClickEvent(NamedTuple):
    """One click, decoded. Texts are "" where there is nothing; the order of fields is the order on the line.

    time_ms: since 1970 UTC. domain: registered host or `_`. slug: as asked for. offer, link: ids. rule: a rule's id,
    `fallback`, `off` or `inactive`. via, coupon, subs: as given, decoded and cut. referrer: host. ip: truncated
    (/24, /48) address. visitor: hash that is the same for one visitor during one UTC day.
    """

    click_id: str
    time_ms: int
    domain: str
    slug: str
    offer: str
    link: str
    revision: int
    rule: str
    country: str
    device: str
    os: str
    browser: str
    kind: str
    via: str
    coupon: str
    sub1: str
    sub2: str
    sub3: str
    sub4: str
    sub5: str
    referrer: str
    ip: str
    visitor: str


_FIRST_SENT: Final = ClickEvent._fields.index("via")
_AFTER_SENT: Final = ClickEvent._fields.index("referrer")


class MalformedEvent(ValueError):
    """A line that is no click."""


def encode_event(event: ClickEvent) -> bytes:
    """Return the line of `event`, without line feed: the readable twin of what the hot path assembles."""
    fields = [str(field) for field in event]
    as_sent = [quote(field, safe="") for field in fields[_FIRST_SENT:_AFTER_SENT]]
    return "\t".join([*fields[:_FIRST_SENT], *as_sent, *fields[_AFTER_SENT:]]).encode()


def decode_event(line: bytes) -> ClickEvent:
    """Return the click on `line`. Raises MalformedEvent."""
    fields = line.split(b"\t")
    if len(fields) != len(ClickEvent._fields):
        raise MalformedEvent(f"{len(fields)} fields, not {len(ClickEvent._fields)}")
    as_sent = [param_value(field) for field in fields[_FIRST_SENT:_AFTER_SENT]]
    try:
        texts = [field.decode() for field in (*fields[:_FIRST_SENT], *fields[_AFTER_SENT:])]
        values: list[Any] = [*texts[:_FIRST_SENT], *as_sent, *texts[_FIRST_SENT:]]
        event = ClickEvent(*values)._replace(time_ms=int(fields[1]), revision=int(fields[6]))
    except ValueError as exc:
        raise MalformedEvent("a field is no text or no number") from exc
    if event.kind not in KINDS:
        raise MalformedEvent("a kind of click that is not known here")
    return event
