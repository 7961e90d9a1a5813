"""A month of made-up visitors for the demo, so that its charts have something to show.

The clicks are decided by the edge's own code and left in a spool, as by an edge that was killed: the one that runs
adopts it within seconds, and they take the road of every click to the charts. Only their times are past.
"""

import hashlib
import math
import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, TypeVar

import orjson

from edge.clicks.click_id import ClickIds
from edge.spool.spool import Spool
from shared.conditions import parse_when
from shared.decision import decide
from shared.events import ClickEvent, encode_event
from shared.rules import Offer, Rule, SmartLink
from shared.table import Table, compile_offer, decode_table
from shared.visitor import Visitor

DAYS: Final = 30
CLICKS_A_DAY: Final = 600
BUYERS_OF_A_HUNDRED: Final = 4
_QUOTA_BYTES: Final = 256 << 20
_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 24 * _HOUR_MS
_BOT_SHARE, _PREFETCH_SHARE, _RETURN_SHARE = 0.05, 0.01, 0.2

T = TypeVar("T")

COUNTRIES: Final[dict[str, float]] = {
    "US": 44, "GB": 19, "CA": 7, "DE": 6, "FR": 4, "AU": 4, "IN": 4, "NL": 3, "BR": 3, "ES": 2, "SE": 2, "ZZ": 2,
}  # fmt: skip
_AHEAD_OF_UTC_H: Final = {"US": -6, "CA": -6, "BR": -3, "IN": 5, "AU": 10, "DE": 1, "FR": 1, "NL": 1, "ES": 1, "SE": 1}

# device, system and browser family, as classification says them
_AGENTS: Final[dict[tuple[str, str, str], float]] = {
    ("mobile", "ios", "Mobile Safari"): 34,
    ("mobile", "android", "Chrome Mobile"): 21,
    ("mobile", "android", "Samsung Internet"): 4,
    ("desktop", "windows", "Chrome"): 16,
    ("desktop", "windows", "Edge"): 6,
    ("desktop", "macos", "Safari"): 8,
    ("desktop", "macos", "Chrome"): 4,
    ("desktop", "linux", "Firefox"): 2,
    ("tablet", "ios", "Mobile Safari"): 4,
    ("other", "other", "Other"): 1,
}
_BOTS: Final[dict[tuple[str, str, str], float]] = {
    ("desktop", "other", "Googlebot"): 5,
    ("other", "other", "Slackbot-LinkExpanding"): 3,
    ("mobile", "android", "Googlebot"): 2,
}


@dataclass(frozen=True, slots=True)
class Source:
    """Where visitors come from: a partner's short link, or the offer's own slug when `link` is "" ."""

    slug: str
    link: str
    via: str
    coupon: str
    referrers: tuple[str, ...]
    campaigns: tuple[str, ...]
    weight: float


def leave(spools: Path, events: Sequence[ClickEvent]) -> None:
    """Leave clicks in a spool under the folder `spools`."""
    spool = Spool.open(spools, _QUOTA_BYTES, boot=secrets.token_hex(8), host="demo", slot=0)
    for event in events:
        spool.put(encode_event(event))
    spool.close()


def buyers(events: Sequence[ClickEvent], draw: random.Random) -> list[str]:
    """Return the click ids of some people of the last day, who are to buy something now."""
    since_ms = events[-1].time_ms - _DAY_MS
    people = [event.click_id for event in events if event.time_ms > since_ms and event.kind == "person"]
    return draw.sample(people, len(people) * BUYERS_OF_A_HUNDRED // 100)


def month(offer: dict[str, Any], sources: Sequence[Source], now_ms: int, draw: random.Random) -> Iterator[ClickEvent]:
    """Yield the clicks of the last `DAYS` days on `offer`, oldest first."""
    table = _table(offer)
    ids = ClickIds(draw.getrandbits)
    pick_source = _picker({source: source.weight for source in sources}, draw)
    people = _People(draw)
    for time_ms in _times(now_ms, draw):
        ids.at(time_ms)
        source = pick_source()
        kind, visitor, who = people.next(time_ms)
        decision = decide(table, visitor)
        if decision is None:
            continue
        yield ClickEvent(
            click_id=_next_id(ids),
            time_ms=time_ms,
            domain="_",
            slug=source.slug,
            offer=offer["id"],
            link=source.link,
            revision=offer["revision"],
            rule=decision.rule,
            country=visitor.country,
            device=visitor.device,
            os=visitor.os,
            browser=visitor.browser,
            kind=kind,
            via=source.via,
            coupon=source.coupon,
            sub1=draw.choice(source.campaigns),
            sub2="",
            sub3="",
            sub4="",
            sub5="",
            referrer=draw.choice(source.referrers),
            ip="",
            visitor=who,
        )


class _People:
    """Who clicks: mostly somebody new, sometimes who has clicked that day already, sometimes a bot."""

    def __init__(self, draw: random.Random) -> None:
        self._draw = draw
        self._country = _picker(COUNTRIES, draw)
        self._agent = _picker(_AGENTS, draw)
        self._bot = _picker(_BOTS, draw)
        self._today: tuple[int, list[tuple[Visitor, str]]] = (0, [])

    def next(self, time_ms: int) -> tuple[str, Visitor, str]:
        """Return kind of click, visitor and visitor hash."""
        if self._draw.random() < _BOT_SHARE:
            return "bot", Visitor("US", *self._bot(), bot=True), self._hash()
        day = time_ms // _DAY_MS
        if day != self._today[0]:
            self._today = (day, [])
        known = self._today[1]
        if known and self._draw.random() < _RETURN_SHARE:
            return "person", *self._draw.choice(known)
        who = (Visitor(self._awake(time_ms), *self._agent()), self._hash())
        known.append(who)
        return ("prefetch" if self._draw.random() < _PREFETCH_SHARE else "person"), *who

    def _awake(self, time_ms: int) -> str:
        """Return a country, rather one where people are awake."""
        country = self._country()
        while self._draw.random() > _awake_share(time_ms / _HOUR_MS + _AHEAD_OF_UTC_H.get(country, 0)):
            country = self._country()
        return country

    def _hash(self) -> str:
        return hashlib.blake2b(self._draw.randbytes(8), digest_size=8).hexdigest()


def _times(now_ms: int, draw: random.Random) -> Iterator[int]:
    """Yield times of clicks, oldest first: more of them week by week, fewer at night and at weekends."""
    start_ms = now_ms - DAYS * _DAY_MS
    for hour in range(DAYS * 24):
        hour_ms = start_ms + hour * _HOUR_MS
        growth = 0.6 + 0.8 * hour / (DAYS * 24)
        weekend = 0.75 if (hour_ms // _DAY_MS + 3) % 7 >= 5 else 1.0
        expected = CLICKS_A_DAY / 24 * growth * weekend * (0.4 + _awake_share(hour_ms / _HOUR_MS - 4))
        clicks = max(0, round(draw.gauss(expected, math.sqrt(expected))))
        yield from sorted(hour_ms + draw.randrange(_HOUR_MS) for _ in range(clicks))


def _awake_share(local_hour: float) -> float:
    """Return how many of ten people are awake, 0.1 to 1: fewest at four in the morning."""
    return 0.55 - 0.45 * math.cos((local_hour - 4) * math.pi / 12)


def _table(offer: dict[str, Any]) -> Table:
    """Return the compiled table of an offer as the API gives it, by which the clicks are decided."""
    link = offer["smart_link"]
    rules = tuple(
        Rule(rule["id"], rule["destination_url"], parse_when(rule["when"]), enabled=rule["enabled"])
        for rule in link["rules"]
    )
    smart_link = SmartLink(link["enabled"], link["fallback_url"], rules)
    body = compile_offer(Offer(offer["id"], offer["slug"], offer["destination_url"], smart_link, offer["revision"]))
    return decode_table(orjson.loads(body))


def _picker(weights: Mapping[T, float], draw: random.Random) -> Callable[[], T]:
    values, bounds = list(weights), list(accumulate(weights.values()))
    return lambda: draw.choices(values, cum_weights=bounds)[0]


def _next_id(ids: ClickIds) -> str:
    try:
        return ids.next().decode()
    except StopIteration:
        return ids.renew().decode()
