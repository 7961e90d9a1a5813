"""Offers, tables, entries and request heads, each with everything a test does not care about filled in."""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from edge.rules.cache import Entry
from shared.conditions import Condition
from shared.key import DEFAULT_DOMAIN, Key
from shared.pointer import Pointer
from shared.rules import Offer, Rule, SmartLink
from shared.table import Table, compile_offer, decode_table
from shared.wire import Version

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/17.0 Mobile/15E148 Safari/604.1"
)
GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

US_ADDRESS, GB_ADDRESS = "8.8.8.8", "81.2.69.142"
COUNTRIES = {US_ADDRESS: "US", GB_ADDRESS: "GB"}

APP_STORE = "https://apps.apple.com/us/app/your-app"
LANDING = "https://yourbrand.com/landing"
UK_LANDING = "https://yourbrand.co.uk/landing"
HOME = "https://yourbrand.com/"


def rule(rule_id: str = "r_1", to: str = LANDING, *, enabled: bool = True, **when: Iterable[str]) -> Rule:
    """A rule for visitors with any of the given values: `rule("r_us", country=["US"], device=["mobile"])`."""
    return Rule(rule_id, to, {kind: Condition(tuple(values)) for kind, values in when.items()}, enabled=enabled)


def smart_link(*rules: Rule, fallback_url: str | None = HOME, enabled: bool = True) -> SmartLink:
    """A smart link that is on."""
    return SmartLink(enabled=enabled, fallback_url=fallback_url, rules=rules)


EXAMPLE = smart_link(
    rule("r_us_mobile", APP_STORE, country=["US"], device=["mobile"]),
    rule("r_us_desktop", LANDING, country=["US"], device=["desktop"]),
    rule("r_uk", UK_LANDING, country=["GB"]),
)
"""The smart link of the example offer `saas`."""


def offer(slug: str = "saas", link: SmartLink = EXAMPLE, **changes: Any) -> Offer:
    """An active offer; its id is `o_<slug>`."""
    fields: dict[str, Any] = {
        "id": f"o_{slug}",
        "slug": slug,
        "destination_url": HOME,
        "smart_link": link,
        "revision": 7,
    }
    return Offer(**{**fields, **changes})


def table(of: Offer | None = None) -> Table:
    """The table the edge has of an offer: compiled, published, decoded."""
    return decode_table(orjson.loads(compile_offer(of or offer())))


def key(slug: str = "saas", domain: str = DEFAULT_DOMAIN) -> Key:
    """A key, in the default namespace unless told."""
    return Key(domain, slug)


def entry(
    slug: str = "saas",
    of: Offer | Table | None = None,
    *,
    domain: str = DEFAULT_DOMAIN,
    sequence: int = 1,
    **presets: Any,
) -> Entry:
    """What a worker's memory holds for a slug; `presets` are fields of its pointer (`link`, `partner`, `subs`, ...)."""
    compiled = of if isinstance(of, Table) else table(of)
    version = Version(1, sequence)
    return Entry(Key(domain, slug), Pointer(compiled.offer, **presets), version, compiled, version)


def head(
    target: str = "/saas",
    headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
    *,
    method: str = "GET",
    version: str = "1.1",
    host: str | None = "go.example.com",
    user_agent: str | None = CHROME,
    forwarded_for: str | None = US_ADDRESS,
) -> bytes:
    """The bytes of a request's head, as a browser behind a proxy sends it. None leaves a header out."""
    given = headers.items() if isinstance(headers, Mapping) else headers
    fields = [("Host", host), ("User-Agent", user_agent), *given, ("X-Forwarded-For", forwarded_for)]
    lines = [f"{method} {target} HTTP/{version}", *(f"{name}: {value}" for name, value in fields if value is not None)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")
