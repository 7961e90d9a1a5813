"""Clicks the example offer as visitors of all its rules, and checks the Location of every answer.

`turnout up --demo` runs what it clicks: it trusts loopback as a proxy, so that a visitor may say where he is.

    locust -f loadtests/locustfile.py --headless -u 50 -r 50 -t 30s -H http://127.0.0.1:8080
"""

import random
from dataclasses import dataclass
from typing import Any, Final

from locust import FastHttpUser, task
from locust.contrib.fasthttp import FastResponse, LocustUserAgent

LocustUserAgent.redirect_response_codes = frozenset()  # the destinations are other people's servers: follow none

IPHONE: Final = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)
PIXEL: Final = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36"
WINDOWS: Final = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/131.0.0.0 Safari/537.36"
IPAD: Final = "Mozilla/5.0 (iPad; CPU OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"
GOOGLEBOT: Final = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

US: Final = ("8.8.8.8", "216.160.83.56", "2606:2e00:cc57:afd9:b319:1215:3835:30c6")
UK: Final = ("81.2.69.160", "92.16.224.80")
ELSEWHERE: Final = ("89.160.20.112", "78.120.82.90", "192.168.0.1", "no address at all")

APP: Final = "https://apps.apple.com/us/app/your-app"
LANDING: Final = "https://yourbrand.com/landing"
UK_LANDING: Final = "https://yourbrand.co.uk/landing"
HOME: Final = "https://yourbrand.com/"


@dataclass(frozen=True, slots=True)
class Visitors:
    """Visitors of one kind: where they may be, what they use, where they must be sent, how many of a hundred."""

    name: str
    addresses: tuple[str, ...]
    user_agents: tuple[str, ...]
    destination: str
    share: int


KINDS: Final = (
    Visitors("US, mobile", US, (IPHONE, PIXEL), APP, 35),
    Visitors("US, desktop", US, (WINDOWS,), LANDING, 25),
    Visitors("UK, any device", UK, (IPHONE, WINDOWS, IPAD), UK_LANDING, 20),
    Visitors("US, tablet: no rule", US, (IPAD,), HOME, 8),
    Visitors("elsewhere: no rule", ELSEWHERE, (IPHONE, WINDOWS), HOME, 10),
    Visitors("bot in the UK", UK, (GOOGLEBOT,), UK_LANDING, 2),
)
SHARES: Final = [kind.share for kind in KINDS]


class Visitor(FastHttpUser):
    """One connection that carries the clicks of many people, as a proxy's does."""

    @task(20)
    def click(self) -> None:
        """Click the example and check the destination, the click id and the query that must be kept."""
        kind = random.choices(KINDS, SHARES)[0]
        campaign = f"c{random.randrange(1_000)}"
        answer: Any
        with self._get(f"/saas?via=nora&utm_campaign={campaign}", kind, kind.name) as answer:
            location = answer.headers.get("Location") or ""
            destination, _, query = location.partition("?")
            if answer.status_code != 302 or destination != kind.destination:
                answer.failure(f"{answer.status_code} to {destination!r}, not 302 to {kind.destination}")
            elif not query.startswith(f"utm_campaign={campaign}&click_id="):
                answer.failure("the query is not the visitor's and a click id")

    @task(1)
    def mistype(self) -> None:
        """Ask for a link that does not exist."""
        kind = random.choice(KINDS)
        answer: Any
        with self._get(f"/nothing-{random.randrange(100_000)}", kind, "unknown slug") as answer:
            if answer.status_code == 404:
                answer.success()
            else:
                answer.failure(f"{answer.status_code}, not 404")

    def _get(self, path: str, kind: Visitors, name: str) -> FastResponse:
        headers = {"X-Forwarded-For": random.choice(kind.addresses), "User-Agent": random.choice(kind.user_agents)}
        return self.client.get(path, headers=headers, name=name, catch_response=True)
