"""Plausible clicks for benchmarks: 60 countries, 15 agents, 2,000 campaigns and 100 partners, all by Zipf's law."""

import random
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

from control.ingest.batches import Batch

T = TypeVar("T")

OFFERS: Final = (b"o_benchmark", b"o_second", b"o_third", b"o_fourth")
OFFER_SHARES: Final = (70, 15, 10, 5)
RULES: Final = ("r_us_mobile", "r_us", "r_uk", "r_eu", "fallback")
COUNTRIES: Final = [
    "US",
    "GB",
    "DE",
    "FR",
    "BR",
    "IN",
    "CA",
    "ES",
    "IT",
    "MX",
    "NL",
    "AU",
    "PL",
    "SE",
    "TR",
    "AR",
    "JP",
    "ID",
    "PH",
    "VN",
    "CH",
    "BE",
    "AT",
    "PT",
    "DK",
    "NO",
    "FI",
    "IE",
    "CZ",
    "RO",
    "GR",
    "HU",
    "ZA",
    "NG",
    "KE",
    "EG",
    "SA",
    "AE",
    "IL",
    "CO",
    "CL",
    "PE",
    "EC",
    "UY",
    "VE",
    "TH",
    "MY",
    "SG",
    "HK",
    "TW",
    "KR",
    "NZ",
    "UA",
    "BG",
    "HR",
    "SK",
    "SI",
    "LT",
    "LV",
    "ZZ",
]
AGENTS: Final = (
    ("mobile", "ios", "Mobile Safari"),
    ("mobile", "android", "Chrome Mobile"),
    ("desktop", "windows", "Chrome"),
    ("desktop", "macos", "Safari"),
    ("desktop", "windows", "Edge"),
    ("desktop", "macos", "Chrome"),
    ("mobile", "android", "Samsung Internet"),
    ("tablet", "ios", "Mobile Safari"),
    ("desktop", "linux", "Firefox"),
    ("desktop", "windows", "Firefox"),
    ("mobile", "android", "Facebook"),
    ("mobile", "ios", "Instagram"),
    ("tablet", "android", "Chrome Mobile"),
    ("other", "other", "Other"),
    ("desktop", "chromeos", "Chrome"),
)
KINDS: Final = (*[b"person"] * 90, *[b"bot"] * 7, *[b"prefetch"] * 2, b"duplicate")
REFERRERS: Final = (b"", b"", b"www.google.com", b"www.instagram.com", b"t.co", b"l.facebook.com", b"m.youtube.com")
CAMPAIGNS: Final = 2_000
PARTNERS: Final = 100
VISITORS: Final = 3_000_000
_TABLE: Final = 65_536


class ClickSource:
    """Makes lines, each with an id of its own; the same for the same seed."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._made = 0
        self._countries = self._table(COUNTRIES)
        self._agents = self._table(AGENTS)
        self._campaigns = self._table(range(CAMPAIGNS))
        self._partners = self._table(range(PARTNERS))
        self._offers = self._random.choices(OFFERS, OFFER_SHARES, k=_TABLE)

    def line(self, time_ms: int) -> bytes:
        """Return one click at this time."""
        draw = self._random.getrandbits
        self._made += 1
        country, (device, os, browser) = self._countries[draw(16)], self._agents[draw(16)]
        partner = self._partners[draw(16)]
        return b"%026x\t%d\t_\tsaas\t%b\t%b\t12\t%b\t%b\t%b\t%b\t%b\t%b\t%b\t%b\t%b\t\t\t\t\t%b\t%d.%d.%d.0\t%016x" % (
            self._made,
            time_ms,
            self._offers[draw(16)],
            b"l_link%05d" % partner if 50 <= partner < 80 else b"",
            _rule(country, device),
            country.encode(),
            device.encode(),
            os.encode(),
            browser.encode(),
            KINDS[draw(16) % 100],
            b"partner%d" % partner if partner < 80 else b"",
            b"SAVE%d" % partner if partner < 10 else b"",
            b"campaign%%20%d" % self._campaigns[draw(16)] if draw(2) else b"",
            REFERRERS[draw(16) % 7],
            draw(8),
            draw(8),
            draw(8),
            (draw(32) % VISITORS) * 0x9E3779B97F4A7C15 & (1 << 64) - 1,
        )

    def batches(self, times_ms: Sequence[int], number: int, events: int = 500) -> Iterator[Batch]:
        """Yield batches of four boots with a click at each of these times; `number` counts them from one on."""
        for start in range(0, len(times_ms), events):
            lines = [self.line(time_ms) for time_ms in times_ms[start : start + events]]
            boot, place = f"boot{number % 4}", (number - 1) // 4 + 1
            yield Batch(b"0-0", boot, place, "edge-1", number % 4, lines, 0, {})
            number += 1

    def _table(self, values: Sequence[T]) -> list[T]:
        return self._random.choices(values, [1 / (place + 1) for place in range(len(values))], k=_TABLE)


def _rule(country: str, device: str) -> bytes:
    if country == "US":
        return b"r_us_mobile" if device == "mobile" else b"r_us"
    if country == "GB":
        return b"r_uk"
    return b"r_eu" if country in ("DE", "FR", "ES", "IT", "NL") else b"fallback"
