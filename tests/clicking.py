"""Visitors who click all the time, and what may be said of all that they were answered.

A destination names the offer and the number of the edit that it comes from, so that every answer tells how old it is.
"""

import asyncio
import contextlib
import math
import re
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import cycle
from typing import NamedTuple

CONNECTIONS = 8
_HANG_S = 20.0
_LOCATION = re.compile(rb"[Ll]ocation: https://go\.example/([a-z0-9_-]+)/(\d+)\?click_id=([0-9a-z]{26})\r\n")


def destination(slug: str, number: int) -> str:
    """Where the edit `number` of an offer sends everybody."""
    return f"https://go.example/{slug}/{number}"


class Click(NamedTuple):
    """One answer: when it was asked for and when it came, and what it said; `number` -1 where it was no redirect."""

    begin: float
    end: float
    slug: str
    status: str
    number: int
    click_id: str

    @property
    def worker(self) -> str:
        """The boot bits of the click id, which tell processes apart."""
        return self.click_id[9:19]


@dataclass
class History:
    """Everything that was answered, and from when on nothing older than an edit may be: (when, slug, number).

    `amnesty` is from when to when SQL was put back to an older backup: what was edited and clicked then is not held
    against anybody but for clicks that failed.
    """

    clicks: list[Click] = field(default_factory=list)
    live: list[tuple[float, str, int]] = field(default_factory=list)
    amnesty: tuple[float, float] = (math.inf, math.inf)

    @property
    def ids(self) -> list[str]:
        """Every click id that came back."""
        return [click.click_id for click in self._judged() if click.click_id]

    def failed(self) -> list[Click]:
        """Clicks that were not answered with a redirect to a destination of the offer that was clicked."""
        return [click for click in self.clicks if click.number < 0]

    def gone_back(self) -> list[Click]:
        """Answers older than one that the same process had given before they were asked for (I1)."""
        marks: dict[tuple[str, str], _Marks] = defaultdict(_Marks)
        for click in sorted(self._judged(), key=lambda click: click.end):
            marks[click.worker, click.slug].add(click.end, click.number)
        return [
            click for click in self._judged() if 0 <= click.number < marks[click.worker, click.slug].at(click.begin)
        ]

    def too_old(self) -> list[Click]:
        """Answers older than an edit that every edge had acknowledged before they were asked for (I3)."""
        marks: dict[str, _Marks] = defaultdict(_Marks)
        for moment, slug, number in sorted(self.live):
            marks[slug].add(moment, number)
        return [click for click in self._judged() if 0 <= click.number < marks[click.slug].at(click.begin)]

    def slowest_s(self) -> float:
        """How long the slowest answer took."""
        return max((click.end - click.begin for click in self.clicks), default=0.0)

    def _judged(self) -> list[Click]:
        first, last = self.amnesty
        return [click for click in list(self.clicks) if click.end < first or click.begin > last]


class _Marks:
    """The highest number by time."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._numbers: list[int] = []

    def add(self, moment: float, number: int) -> None:
        self._moments.append(moment)
        self._numbers.append(max(number, self._numbers[-1] if self._numbers else -1))

    def at(self, moment: float) -> int:
        """Return the highest number before `moment`, -1 where there is none."""
        before = bisect_left(self._moments, moment)
        return self._numbers[before - 1] if before else -1


class Clicker:
    """Clicks `rate` times a second on one port, in a thread of its own, on connections that are kept alive.

    Nothing is tried again: a connection that ends before its answer is a click that failed.
    """

    def __init__(self, port: int, slugs: Iterable[str], rate: float, history: History) -> None:
        self._port = port
        self._slugs = cycle(tuple(slugs))
        self._period_s = CONNECTIONS / rate
        self._history = history
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def __enter__(self) -> "Clicker":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopping.set()
        self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._visit(place) for place in range(CONNECTIONS)))

    async def _visit(self, place: int) -> None:
        await asyncio.sleep(self._period_s * place / CONNECTIONS)
        connection: _Connection | None = None
        due = time.monotonic()
        while not self._stopping.is_set():
            connection = connection or await _connect(self._port)
            slug, begin = next(self._slugs), time.monotonic()
            answer = await connection.click(slug) if connection else b""
            self._history.clicks.append(_read(slug, begin, answer))
            if not answer and connection:
                connection.close()
                connection = None
            due += self._period_s
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        if connection:
            connection.close()


class _Connection:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def click(self, slug: str) -> bytes:
        """Return the head of the answer, b"" where none comes."""
        try:
            self._writer.write(
                b"GET /%s HTTP/1.1\r\nHost: go.test\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n\r\n"
                % slug.encode()
            )
            async with asyncio.timeout(_HANG_S):
                head = await self._reader.readuntil(b"\r\n\r\n")
                if length := re.search(rb"(?i)content-length: (\d+)", head):
                    await self._reader.readexactly(int(length[1]))
                return head
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return b""

    def close(self) -> None:
        """Hang up."""
        self._writer.transport.abort()


async def _connect(port: int) -> _Connection | None:
    with contextlib.suppress(OSError):
        return _Connection(*await asyncio.open_connection("127.0.0.1", port))
    return None


def _read(slug: str, begin: float, answer: bytes) -> Click:
    end = time.monotonic()
    found = _LOCATION.search(answer)
    status = answer[9:12].decode(errors="replace") or "none"
    if found is None or found[1].decode() != slug or status != "302":
        return Click(begin, end, slug, status, -1, found[3].decode() if found else "")
    return Click(begin, end, slug, status, int(found[2]), found[3].decode())
