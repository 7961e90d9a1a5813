"""What wrk sends: whole browser heads, replayed from a Lua table, so that the generator does next to nothing."""

import ipaddress
import json
import random
from pathlib import Path
from typing import Final, NamedTuple

_HINTS: Final = 'sec-ch-ua: "Chromium";v="128", "Not;A=Brand";v="24", "Google Chrome";v="128"\r\n'
_REST: Final = (
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\n"
    "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-User: ?1\r\nSec-Fetch-Dest: document\r\n"
    "Referer: https://news.example.com/a\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.5\r\n"
)
_QUERY: Final = "?via=jane&sub1=abc&utm_source=news"


_PACE: Final = """
local ffi=require("ffi")
ffi.cdef[[typedef struct {long s; long ns;} moment; int clock_gettime(int clock, moment *now);]]
local moment,due=ffi.new("moment"),nil
local function now() ffi.C.clock_gettime(1,moment) return tonumber(moment.s)*1e3+tonumber(moment.ns)/1e6 end
function init(args)
  local every=tonumber(args[1])
  if not every then return end
  function delay()
    local at=now()
    due=(due or at)+every
    return math.max(0,math.floor(due-at))
  end
end
"""
"""Takes turns at a pace: each request of a thread has its moment, so many ms after the one before (the first argument),
whichever connection is free. What an answer that came late has held up is sent at once, as visitors who do not wait for
each other would. wrk waits whole ms: what is due within one is sent together."""


class Browser(NamedTuple):
    """A User-Agent with one number left open, the client hints it sends, and what it is."""

    user_agent: str
    hints: str
    device: str


BROWSERS: Final = (
    Browser(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/%d.0.0.0 Safari/537.36",
        _HINTS + 'sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Windows"\r\n',
        "desktop",
    ),
    Browser(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_%d like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        "Version/17.0 Mobile/15E148 Safari/604.1",
        "",
        "mobile",
    ),
    Browser(
        "Mozilla/5.0 (Linux; Android %d; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/128.0.0.0 Mobile Safari/537.36",
        _HINTS + 'sec-ch-ua-mobile: ?1\r\nsec-ch-ua-platform: "Android"\r\n',
        "mobile",
    ),
    Browser(
        "Mozilla/5.0 (Linux; Android 13; SM-X%d) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/128.0.0.0 Safari/537.36",
        _HINTS + 'sec-ch-ua-mobile: ?0\r\nsec-ch-ua-platform: "Android"\r\n',
        "tablet",
    ),
    Browser(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_%d) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 "
        "Safari/605.1.15",
        "",
        "desktop",
    ),
)


class Mix(NamedTuple):
    """Who clicks what. `requests` distinct heads are replayed in a circle; links are picked as Zipf's law has it.

    `cookies`: each head has one of its own, as behind a domain that sets some.
    """

    requests: int
    links: int
    addresses: int
    agents: int
    cookies: bool = False


HOT: Final = Mix(requests=5_000, links=1_000, addresses=5_000, agents=500)
WITH_COOKIES: Final = HOT._replace(cookies=True)
WIDE: Final = Mix(requests=200_000, links=100_000, addresses=200_000, agents=5_000)


def head(target: str, browser: Browser, version: int, address: str, cookie: str = "") -> str:
    """Return the head of one request as a browser behind a proxy sends it."""
    return (
        f"GET /{target} HTTP/1.1\r\nHost: go.example.com\r\nConnection: keep-alive\r\n{browser.hints}"
        f"Upgrade-Insecure-Requests: 1\r\nUser-Agent: {browser.user_agent % version}\r\n{_REST}{cookie}"
        f"X-Forwarded-For: {address}\r\n\r\n"
    )


def slug_of(number: int) -> str:
    """Return the slug of a link: l0000, l0001, ..."""
    return f"l{number:04d}"


def write_script(path: Path, mix: Mix, *, seed: int = 7) -> None:
    """Write a wrk script that replays `mix`."""
    heads = list(_heads(mix, random.Random(seed)))
    replay = "local i,n=0,#R\nfunction request() i=i+1 if i>n then i=1 end return R[i] end\n"
    path.write_text(_table(heads) + replay + _PACE)


def write_guesses(path: Path, *, seed: int = 7) -> None:
    """Write a wrk script of someone who guesses slugs from many addresses: none comes twice, and none exists."""
    rnd = random.Random(seed)
    heads = [head("unknown-%d", rnd.choice(BROWSERS), rnd.randint(1, 100), _address(rnd)) for _ in range(1_000)]
    guess = "local i,n=0,#R\nfunction request() i=i+1 return string.format(R[i%n+1],i) end\n"
    path.write_text(_table(heads) + guess + _PACE)


def _heads(mix: Mix, rnd: random.Random) -> list[str]:
    agents = [(rnd.choice(BROWSERS), number % 1000 + 1) for number in range(mix.agents)]
    addresses = [_address(rnd) for _ in range(mix.addresses)]
    heads = []
    for number in range(mix.requests):
        slug = slug_of(int(rnd.paretovariate(1.1)) % mix.links)
        query = _QUERY if rnd.random() < 1 / 3 else ""
        cookie = f"Cookie: _ga=GA1.1.{number}.{rnd.getrandbits(30)}; theme=dark\r\n" if mix.cookies else ""
        heads.append(head(slug + query, *rnd.choice(agents), rnd.choice(addresses), cookie))
    return heads


def _address(rnd: random.Random) -> str:
    return str(ipaddress.IPv4Address(rnd.randint(0x01000000, 0xDFFFFFFF)))


def _table(heads: list[str]) -> str:
    return "local R={\n" + "".join(json.dumps(text) + ",\n" for text in heads) + "}\n"
