"""The example of the README, put in through the API: an offer with three rules, and partners who send visitors.

Running it again adds what is missing and changes nothing that is there.
"""

import random
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from deploy import traffic
from deploy.api import Api, ApiError
from deploy.traffic import Source

SLUG: Final = "saas"
_PRICES: Final = ("19.00", "49.00", "190.00")
_SMART_LINK: Final = {
    "enabled": True,
    "fallback_url": "https://yourbrand.com",
    "rules": [
        {
            "name": "US, mobile: the App Store",
            "enabled": True,
            "when": {"country": ["US"], "device": ["mobile"]},
            "destination_url": "https://apps.apple.com/us/app/your-app",
        },
        {
            "name": "US, desktop: the landing page",
            "enabled": True,
            "when": {"country": ["US"], "device": ["desktop"]},
            "destination_url": "https://yourbrand.com/landing",
        },
        {
            "name": "UK, any device: the UK landing page",
            "enabled": True,
            "when": {"country": ["UK"]},
            "destination_url": "https://yourbrand.co.uk/landing",
        },
    ],
}
_OFFER: Final = {
    "name": "Your SaaS",
    "slug": SLUG,
    "destination_url": "https://yourbrand.com",
    "smart_link": _SMART_LINK,
}


@dataclass(frozen=True, slots=True)
class Sender:
    """A partner of the example: their name and slug, a short link and a coupon code of theirs, and where they write."""

    name: str
    slug: str
    link: str
    coupon: str
    referrers: tuple[str, ...]
    campaigns: tuple[str, ...]
    weight: float


SENDERS: Final = (
    Sender("Nora Lindqvist", "nora", "nora-app", "NORA20", ("www.youtube.com", "youtu.be"), ("review", "unboxing"), 5),
    Sender("Byte Digest", "byte-digest", "bytes", "BYTE15", ("bytedigest.example", ""), ("issue-41", "issue-42"), 3),
    Sender("Weekend Podcast", "weekend", "weekend-show", "WEEKEND", ("open.spotify.com", ""), ("",), 1.5),
)


@dataclass(frozen=True, slots=True)
class Visitor:
    """A visitor to show the example with; `address` is a real one of their country."""

    who: str
    address: str
    user_agent: str


_IPHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Version/18.1 Mobile/15E148 Safari/604.1"
_WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/131.0.0.0 Safari/537.36"
_MAC: Final = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.1 Safari/605.1.15"

VISITORS: Final = (
    Visitor("US, iPhone", "8.8.8.8", _IPHONE),
    Visitor("UK, Windows", "81.2.69.160", _WINDOWS),
    Visitor("France, Mac", "78.120.82.90", _MAC),
)


def fill(api: Api, spools: Path) -> bool:
    """Create what is missing of the example; return whether the offer is new. Raises Refusal.

    A new offer gets a month of clicks, left in the folder `spools`, and some sales.
    """
    before = {offer["id"] for offer in _items(api, "/offers", "slug", SLUG)}
    offer = _ensure(api, "/offers", "slug", _OFFER)
    sources = [_ensure_sender(api, offer, sender) for sender in SENDERS]
    is_new = offer["id"] not in before
    if is_new:
        _make_up_a_month(api, spools, offer, sources)
    return is_new


def _make_up_a_month(api: Api, spools: Path, offer: dict[str, Any], sources: list[Source]) -> None:
    """Leave a month of clicks, and report that some of yesterday's visitors have bought something."""
    draw = random.Random()  # noqa: S311 (nobody's secret)
    direct = Source(SLUG, "", "", "", ("www.google.com", "t.co", ""), ("",), 2)
    events = list(traffic.month(offer, [direct, *sources], time.time_ns() // 1_000_000, draw))
    traffic.leave(spools, events)
    for number, click_id in enumerate(traffic.buyers(events, draw)):
        sale = {"click_id": click_id, "txn_id": f"demo-{number}", "amount": draw.choice(_PRICES), "currency": "USD"}
        api.report(SLUG, secret=offer["postback_secret"], **sale)


def _ensure_sender(api: Api, offer: dict[str, Any], sender: Sender) -> Source:
    """Create what is missing of a partner, and return their short link as a source of clicks."""
    partner = _ensure(api, "/partners", "slug", {"name": sender.name, "slug": sender.slug})
    ours = {"offer_id": offer["id"], "partner_id": partner["id"]}
    _ensure(api, "/coupons", "code", {"code": sender.coupon, **ours})
    link = _ensure(api, "/links", "slug", {"slug": sender.link, "coupon": sender.coupon, **ours})
    return Source(
        sender.link, link["id"], sender.slug, sender.coupon, sender.referrers, sender.campaigns, sender.weight
    )


def curl(base: str, visitor: Visitor) -> str:
    """Return the command line that clicks the example as `visitor`, and prints where it is sent."""
    return (
        f"curl -s -o /dev/null -w '%{{redirect_url}}\\n' -H 'X-Forwarded-For: {visitor.address}' "
        f"-A '{visitor.user_agent}' {base}/{SLUG}"
    )


def destination(base: str, visitor: Visitor) -> str:
    """Return where the edge at `base` sends `visitor`, "" when it does not; asked by HEAD, which is no click."""
    headers = {"X-Forwarded-For": visitor.address, "User-Agent": visitor.user_agent}
    connection = HTTPConnection(urlsplit(base).netloc, timeout=5)
    try:
        connection.request("HEAD", f"/{SLUG}", headers=headers)
        return connection.getresponse().getheader("Location", "")
    except (OSError, HTTPException):
        return ""
    finally:
        connection.close()


def _ensure(api: Api, path: str, key: str, wanted: dict[str, Any]) -> dict[str, Any]:
    """Create `wanted` at `path`, or return the one that has its `key` already."""
    try:
        created: dict[str, Any] = api.post(path, wanted)
        return created
    except ApiError as exc:
        found = next((item for item in _items(api, path, key, wanted[key]) if item[key] == wanted[key]), None)
        if exc.status != 409 or found is None:
            raise
        return found


def _items(api: Api, path: str, key: str, value: str) -> Iterator[dict[str, Any]]:
    """Yield the items of a list, page by page."""
    query = {"limit": "200", key: value}
    while True:
        page = api.get(f"{path}?{urlencode(query)}")
        yield from page["items"]
        if not page["next_cursor"]:
            return
        query["cursor"] = page["next_cursor"]
