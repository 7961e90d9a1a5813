"""Visitors with whole browser heads, the destination each must be sent to, and what is wrong with an answer."""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

WRONG: Final = "wrong destination: "
"""How the failures begin that are counted apart: visitors who were sent, and to somewhere else."""

APP: Final = "https://apps.apple.com/us/app/your-app"
LANDING: Final = "https://yourbrand.com/landing"
UK_LANDING: Final = "https://yourbrand.co.uk/landing"
HOME: Final = "https://yourbrand.com/"

_US: Final = ("8.8.8.8", "216.160.83.56", "2606:2e00:cc57:afd9:b319:1215:3835:30c6")
_UK: Final = ("81.2.69.160", "92.16.224.80")
_ELSEWHERE: Final = ("89.160.20.112", "78.120.82.90", "192.168.0.1", "no address at all")

Headers = Mapping[str, str]


def _browser(user_agent: str, mobile: str = "", platform: str = "") -> Headers:
    """Return what a browser sends; `mobile` and `platform` are client hints, which not all of them have."""
    hints = {"sec-ch-ua": '"Chromium";v="131"', "sec-ch-ua-mobile": mobile, "sec-ch-ua-platform": f'"{platform}"'}
    return {
        **(hints if mobile else {}),
        "Upgrade-Insecure-Requests": "1",
        "User-Agent": user_agent,
        "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
        "Accept-Encoding": "gzip, deflate, br",
        "Accept-Language": "en-US,en;q=0.5",
    }


_IPHONE: Final = _browser(
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
_PIXEL: Final = _browser(
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36",
    "?1",
    "Android",
)
_WINDOWS: Final = _browser(
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36", "?0", "Windows"
)
_IPAD: Final = _browser("Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148")
_ROBOTS: Final = tuple(
    {"User-Agent": user_agent, "Accept": "*/*"}
    for user_agent in (
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
        "curl/8.5.0",
    )
)


@dataclass(frozen=True, slots=True)
class Kind:
    """Visitors of one kind: where they may be, what they use, where they must be sent, how many of a hundred."""

    name: str
    addresses: tuple[str, ...]
    browsers: tuple[Headers, ...]
    destination: str
    share: int

    def headers(self) -> dict[str, str]:
        """Return the head of one of them, as the proxy before the edge passes it on."""
        return {**random.choice(self.browsers), "X-Forwarded-For": random.choice(self.addresses)}


PEOPLE: Final = (
    Kind("US, mobile", _US, (_IPHONE, _PIXEL), APP, 35),
    Kind("US, desktop", _US, (_WINDOWS,), LANDING, 25),
    Kind("UK, any device", _UK, (_IPHONE, _WINDOWS, _IPAD), UK_LANDING, 20),
    Kind("US, tablet: no rule", _US, (_IPAD,), HOME, 8),
    Kind("elsewhere: no rule", _ELSEWHERE, (_IPHONE, _WINDOWS), HOME, 12),
)
BOTS: Final = (
    Kind("bot in the UK", _UK, _ROBOTS, UK_LANDING, 50),
    Kind("bot elsewhere", _ELSEWHERE, _ROBOTS, HOME, 50),
)
_CLICK_ID: Final = re.compile(r"click_id=[0-9a-z]{26}")


def one_of(kinds: tuple[Kind, ...]) -> Kind:
    """Return a kind, each as often as its share says."""
    return random.choices(kinds, [kind.share for kind in kinds])[0]


def problem(status: int, location: str, kind: Kind, query: str) -> str | None:
    """Return what is wrong with the answer to a click that brought `query`; None where nothing is."""
    if status != 302:
        return f"{kind.name}: {status}, not 302"
    destination, _, rest = location.partition("?")
    if destination != kind.destination:
        return f"{WRONG}{kind.name}: {destination}, not {kind.destination}"
    kept, _, click_id = rest.rpartition("&")
    if kept != query or not _CLICK_ID.fullmatch(click_id):
        return f"{WRONG}{kind.name}: the query is not the visitor's and a click id"
    return None
