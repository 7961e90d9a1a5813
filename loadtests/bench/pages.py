"""Every page of the admin UI over an offer with 100 rules, 10,000 links and a month of clicks: how long, how heavy.

    python -m loadtests.bench.pages [--rules 100] [--links 10000] [--looks 40]

Starts all of Turnout, fills it, logs in, and asks for each page `--looks` times, one after the other. Prints for each:

    p50, p95      milliseconds that control needed, as the page's Server-Timing says
    page          KB of the page itself
    first visit   KB of the page with every style sheet, module and picture that it loads, nothing cached

Exits with 1 when a p95 is above 200 ms or a first visit above 300 KB.
"""

import argparse
import posixpath
import random
import re
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode, urljoin

from fastapi.routing import APIRoute

from control.web.router import _ROUTERS
from deploy import traffic
from deploy.traffic import Source
from tests.turnout import KEY, Turnout, wait_for
from tests.waiting import wait

MAX_MS: Final = 200.0
MAX_KB: Final = 300.0

_PASSWORD: Final = "a-password-for-benchmarks"
_COUNTRIES: Final = ("US", "GB", "DE", "FR", "CA", "AU", "IN", "NL", "BR", "ES", "SE", "IT", "PL", "JP", "KR", "MX")
_DEVICES: Final = ("mobile", "desktop", "tablet", "other")
_PARTNERS: Final = 200
_REVISIONS: Final = 20
_CLOSING_S: Final = 180
_QUERIES: Final = {
    "/links": "q=bench-00",
    "/offers": "q=bench",
    "/offers/{offer_id}/analytics": "period=90d",
    "/offers/{offer_id}/clicks": "country=MX&os=ios&partner=nobody&period=90d",
    "/offers/{offer_id}/links": "q=bench-00",
}
"""Pages that are also asked for in another way."""

_LOADED: Final = re.compile(r'<(?:link[^>]*? href|script[^>]*? src|img[^>]*? src)="(/[^"]+)"')
_IMPORTED: Final = re.compile(r'(?:from|import) "(\./[^"]+)"')
_DURATION: Final = re.compile(r"app;dur=([\d.]+)")


class Answer(NamedTuple):
    """One answer: how long control needed, all its bytes on the wire but the status line, and its text."""

    ms: float
    size: int
    text: str


class Looker:
    """Somebody who is logged in, on one connection."""

    def __init__(self, port: int) -> None:
        self._connection = HTTPConnection("127.0.0.1", port, timeout=60)
        self._cookie = ""
        self._sizes: dict[str, int] = {}

    def log_in(self) -> None:
        """Get a session."""
        form = urlencode({"login": "admin", "password": _PASSWORD})
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/login", form, headers)
        response = self._connection.getresponse()
        response.read()
        self._cookie = response.getheader("Set-Cookie", "").partition(";")[0]

    def get(self, path: str) -> Answer:
        """Return what a path answers. Raises RuntimeError unless it is there."""
        self._connection.request("GET", path, headers={"Cookie": self._cookie, "Accept": "text/html"})
        response: HTTPResponse = self._connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} answers {response.status}")
        timing = _DURATION.search(response.getheader("Server-Timing", ""))
        size = len(body) + sum(len(name) + len(value) + 4 for name, value in response.getheaders())
        return Answer(float(timing[1]) if timing else 0.0, size, body.decode("utf-8", "replace"))

    def first_visit(self, page: Answer) -> int:
        """Return the bytes of a page and of everything that it loads."""
        wanted, seen = set(_LOADED.findall(page.text)), set[str]()
        while wanted - seen:
            path = (wanted - seen).pop()
            seen.add(path)
            wanted |= self._load(path)
        return page.size + sum(self._sizes[path] for path in seen)

    def _load(self, path: str) -> set[str]:
        """Note the size of what lies at `path`, and return what it loads in turn."""
        answer = self.get(path)
        self._sizes[path] = answer.size
        if not path.endswith(".js"):
            return set()
        return {posixpath.normpath(urljoin(path, name)) for name in _IMPORTED.findall(answer.text)}


def fill(turnout: Turnout, rules: int, links: int) -> dict[str, str]:
    """Make an offer that is as large as they come, and return one id of everything that addresses name."""
    offer = turnout.call("POST", "/offers", {"name": "Benchmark", "slug": "bench", "destination_url": "https://a.test"})
    ids = {"offer_id": offer["id"], "number": "2"}
    partners = [
        turnout.call("POST", "/partners", {"name": f"Partner {number}", "slug": f"partner-{number}"})
        for number in range(_PARTNERS)
    ]
    ids["partner_id"] = partners[0]["id"]
    for revision in range(_REVISIONS):
        saved = turnout.call("PUT", f"/offers/{offer['id']}/smart-link", _smart_link(rules, revision))
    _bulk(turnout, "links", "slug,offer,partner,sub1", (f"bench-{n:05d},bench,{_partner(n)},s" for n in range(links)))
    _bulk(turnout, "coupons", "code,offer,partner", (f"CODE{n},bench,{_partner(n)}" for n in range(links // 10)))
    ids["link_id"] = turnout.call("GET", "/links?limit=1")["items"][0]["id"]
    ids["coupon_id"] = turnout.call("GET", "/coupons?limit=1")["items"][0]["id"]
    ids["domain_id"] = turnout.call("POST", "/domains", {"host": "go.bench.example"})["id"]
    ids["user_id"] = turnout.call("POST", "/users", {"login": "somebody", "role": "viewer"})["id"]
    ids["key_id"] = turnout.call("POST", "/keys", {"name": "a key", "role": "viewer"})["id"]
    path = f"/users/{ids['user_id']}/password-link"
    ids["token"] = turnout.call("POST", path)["url"].rpartition("/")[2]
    _visit(turnout, turnout.call("GET", f"/offers/{offer['id']}") | {"revision": saved["revision"]}, partners)
    ids["click_id"] = turnout.call("GET", f"/offers/{offer['id']}/clicks?limit=1")["items"][0]["id"]
    return ids


def _smart_link(rules: int, revision: int) -> dict[str, Any]:
    places = [(country, device) for country in _COUNTRIES for device in _DEVICES]
    made = [
        {
            "name": f"Rule {number}",
            "when": {"country": [places[number % len(places)][0]], "device": [places[number % len(places)][1]]},
            "destination_url": f"https://yourbrand.com/{revision}/{number}?source={{partner}}",
        }
        for number in range(rules)
    ]
    return {"enabled": True, "fallback_url": "https://yourbrand.com", "rules": made}


def _partner(number: int) -> str:
    return f"partner-{number % _PARTNERS}"


def _bulk(turnout: Turnout, noun: str, header: str, lines: Iterator[str]) -> None:
    connection = HTTPConnection("127.0.0.1", turnout.control, timeout=120)
    headers = {
        "Content-Type": "text/csv",
        "Authorization": f"Bearer {KEY}",
    }
    connection.request("POST", f"/api/v1/{noun}/bulk", "\n".join([header, *lines]), headers)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200 or b'"failed":0' not in answer:
        raise RuntimeError(f"{noun} were not made: {answer[:300]!r}")


def _visit(turnout: Turnout, offer: dict[str, Any], partners: list[dict[str, Any]]) -> None:
    """Leave a month of clicks for the edge to ship, and wait until they are recorded."""
    sources = [Source("bench", "", partner["slug"], "", ("www.google.com", ""), ("a", "b"), 1) for partner in partners]
    events = list(traffic.month(offer, sources, time.time_ns() // 1_000_000, random.Random(7)))
    traffic.leave(turnout.data_dir / "spool", events)
    wait_for(lambda: turnout.call("GET", "/accounting")["total"]["recorded"] >= len(events), turnout.__str__)
    _settle(turnout)


def _settle(turnout: Turnout) -> None:
    """Wait until the days that are over are closed, as they are where the month did not come within a second.

    The ingester closes days once a minute; until then charts read quarter hours.
    """
    query = "SELECT count(*) FROM click_closed_days WHERE days = 1"
    with closing(sqlite3.connect(turnout.data_dir / "clicks.db")) as clicks:
        wait(
            lambda: clicks.execute(query).fetchone()[0] >= traffic.DAYS, _CLOSING_S, lambda: "the days were not closed"
        )


def addresses(ids: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield every page of the router: what it is called, and an address of it."""
    routes = [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    for path in dict.fromkeys(route.path for route in routes if "GET" in route.methods):
        if path in ("/", "/setup", "/login"):  # they lead elsewhere once somebody is logged in
            continue
        address = re.sub(r"\{(\w+)\}", lambda name: ids[name[1]], path)
        yield path, address
        if path in _QUERIES:
            yield f"{path}?{_QUERIES[path]}", f"{address}?{_QUERIES[path]}"
    yield "/ui/search?q=partner", "/ui/search?q=partner"


def look(looker: Looker, path: str, looks: int) -> tuple[list[float], Answer]:
    """Return how long a page takes, sorted, the first time left out; and the page."""
    answer = looker.get(path)
    return sorted(looker.get(path).ms for _ in range(looks)), answer


def bench(rules: int, links: int, looks: int) -> bool:
    """Measure every page and tell whether all of them keep within the budgets."""
    good = True
    with tempfile.TemporaryDirectory() as folder:
        turnout = Turnout(Path(folder))
        turnout.environment["TURNOUT_ADMIN_PASSWORD"] = _PASSWORD
        turnout.start()
        try:
            ids = fill(turnout, rules, links)
            looker = Looker(turnout.control)
            looker.log_in()
            print(f"{'':46}{'p50 ms':>8}{'p95 ms':>8}{'page KB':>9}{'first visit':>13}")
            for name, path in addresses(ids):
                times, answer = look(looker, path, looks)
                p50, p95 = times[len(times) // 2], times[min(len(times) - 1, len(times) * 95 // 100)]
                visit_kb = looker.first_visit(answer) / 1024
                fits = p95 <= MAX_MS and visit_kb <= MAX_KB
                good &= fits
                figures = f"{p50:8.1f}{p95:8.1f}{answer.size / 1024:9.1f}{visit_kb:13.1f}"
                print(f"{name:46}{figures}{'' if fits else '   too much'}", flush=True)
        finally:
            turnout.stop()
    return good


def main() -> None:
    """Run the benchmark as the command line says."""
    assert __doc__ is not None
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rules", type=int, default=100, help="rules of the offer")
    parser.add_argument("--links", type=int, default=10_000, help="links of the offer")
    parser.add_argument("--looks", type=int, default=40, help="times that each page is asked for")
    given = parser.parse_args()
    sys.exit(0 if bench(given.rules, given.links, given.looks) else 1)


if __name__ == "__main__":
    main()
