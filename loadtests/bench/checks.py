"""Whether visitors are sent to the right place, and how long one waits for a link that no worker has in memory."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from loadtests.bench.visits import BROWSERS, Browser, head

_PLACES: Final = {"8.8.8.8": "US", "81.2.69.142": "GB", "192.0.2.1": "ZZ"}
_RIGHT: Final = {
    ("US", "mobile"): "https://apps.apple.com/us/app/your-app",
    ("US", "desktop"): "https://yourbrand.com/landing",
    ("GB", "mobile"): "https://yourbrand.co.uk/landing",
    ("GB", "tablet"): "https://yourbrand.co.uk/landing",
    ("GB", "desktop"): "https://yourbrand.co.uk/landing",
}
_ELSE: Final = "https://yourbrand.com/"
_LOCATION: Final = re.compile(rb"\r\nlocation: ([^\r?]*)\?([^\r]*)", re.IGNORECASE)


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    """A connection to the edge."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield sock


def ask(sock: socket.socket, request: str) -> bytes:
    """Return the answer to one request; redirects have no body."""
    sock.sendall(request.encode())
    answer = b""
    while not answer.endswith(b"\r\n\r\n"):
        piece = sock.recv(65_536)
        if not piece:
            break
        answer += piece
    return answer


def wrong_locations(port: int) -> list[str]:
    """Return a sentence for each sampled visitor who is not sent where the example's rules say."""
    wrong = []
    with connected(port) as sock:
        for address, country in _PLACES.items():
            for browser in BROWSERS:
                answer = ask(sock, head("l0001?utm_source=x", browser, 5, address))
                found = _LOCATION.search(answer)
                right = _RIGHT.get((country, browser.device), _ELSE)
                if not found or found[1].decode() != right or not found[2].startswith(b"utm_source=x&click_id="):
                    wrong.append(f"{browser.device} in {country} got {answer[:120]!r}")
    return wrong


def cold_misses(port: int, slugs: list[str]) -> list[float]:
    """Return how long each of `slugs` took, asked for once, one after another, in ms."""
    browser: Browser = BROWSERS[0]
    took_ms = []
    with connected(port) as sock:
        for slug in slugs:
            started = time.perf_counter()
            answer = ask(sock, head(slug, browser, 128, "8.8.8.8"))
            took_ms.append((time.perf_counter() - started) * 1000)
            assert answer.startswith(b"HTTP/1.1 302"), answer[:200]
    return took_ms
