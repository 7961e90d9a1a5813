"""People's clicks beside a crowd: idle connections, slow clients and somebody who guesses slugs, all at one worker.

    python -m loadtests.bench.crowd [--idle 10000] [--slow 1000] [--guesses 2000] [--rate 10000] [--rounds 5]

People click at a steady rate; their p99 is measured before the crowd comes, while it is there, and after it has gone.
Idle connections come back when they are thrown out; slow clients send a head a byte a second, on average, and come back
too. Exits with 1 where the p99 beside the crowd is more than twice that without it, where memory grows while the crowd
stays, or a click is not answered.
"""

import argparse
import asyncio
import random
import resource
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import uvloop

from loadtests.bench.stage import Edge, Rules
from loadtests.bench.visits import BROWSERS, HOT, head, write_guesses, write_script
from loadtests.bench.wrk import Run, Wrk

MAX_SLOWDOWN: Final = 2.0
MAX_GROWTH: Final = 1.05
"""Of memory while the crowd stays: buffers settle, and nothing is kept of those who come and go."""

_PEOPLE: Final = 200
_GUESSERS: Final = 40
_AT_ONCE: Final = 100
_SETTLED: Final = 0.98
"""Share of the crowd that is there at any time; the others are on their way back."""


class Crowd:
    """Connections held open, a share of them sending heads as slowly as can be, from a thread of their own."""

    def __init__(self, port: int, idle: int, slow: int) -> None:
        self._port = port
        self._idle, self._slow = idle, slow
        self._door = asyncio.Semaphore(_AT_ONCE)
        self._leaving = asyncio.Event()
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._stay(),))

    def come(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def leave(self) -> None:
        """Close every connection."""
        self._loop.call_soon_threadsafe(self._leaving.set)
        self._thread.join()
        self._loop.close()

    async def _stay(self) -> None:
        members = [
            asyncio.create_task(self._member(slow=number < self._slow)) for number in range(self._idle + self._slow)
        ]
        await self._leaving.wait()
        for member in members:
            member.cancel()
        await asyncio.gather(*members, return_exceptions=True)

    async def _member(self, *, slow: bool) -> None:
        request = head("l0001", BROWSERS[0], 128, "8.8.8.8").encode()
        while True:
            with suppress(OSError):
                async with self._door:
                    reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                try:
                    for byte in request if slow else b"":
                        writer.write(bytes([byte]))
                        await asyncio.sleep(random.uniform(0.5, 1.5))  # slow lines do not keep step
                        if reader.at_eof() or writer.is_closing():
                            break
                    if not slow:
                        await reader.read()
                finally:
                    writer.close()
            await asyncio.sleep(0)


class Scene:
    """An edge with people who click at a steady rate."""

    def __init__(self, stack: ExitStack, rate: int, seconds: int, rounds: int) -> None:
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="turnout-crowd-")))
        rules = Rules(self.folder)
        stack.callback(rules.close)
        rules.put_example(HOT.links)
        self.edge = Edge(rules, self.folder)
        stack.callback(self.edge.close)
        self._script = self.folder / "people.lua"
        write_script(self._script, HOT)
        self._rate, self._seconds, self._rounds = rate, seconds, rounds

    def click(self) -> list[Run]:
        """Have people click; return what each round was like."""
        return [
            Wrk(self.edge.port, self._script, seconds=self._seconds, connections=_PEOPLE, rate=self._rate).wait()
            for _ in range(self._rounds)
        ]

    @contextmanager
    def crowd(self, idle: int, slow: int, guesses: int) -> Iterator[None]:
        """The crowd, complete when the block begins and gone when it is left."""
        crowd = Crowd(self.edge.port, idle, slow)
        crowd.come()
        guessing = self._guess(guesses) if guesses else None
        try:
            while self.edge.metric("connections") < _SETTLED * (idle + slow):
                time.sleep(0.5)
            yield
        finally:
            if guessing is not None:
                guessing.stop()
            crowd.leave()

    def _guess(self, guesses: int) -> Wrk:
        script = self.folder / "guesses.lua"
        write_guesses(script)
        return Wrk(self.edge.port, script, seconds=3_600, connections=_GUESSERS, rate=guesses)


def main() -> int:
    """Measure, print, and tell whether people notice the crowd."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--idle", type=int, default=10_000)
    parser.add_argument("--slow", type=int, default=1_000)
    parser.add_argument("--guesses", type=int, default=2_000, help="a second, all of slugs that do not exist")
    parser.add_argument("--rate", type=int, default=10_000, help="people's clicks a second")
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    may_open(args.idle + args.slow + 1_000)
    with ExitStack() as stack:
        scene = Scene(stack, args.rate, args.seconds, args.rounds)
        scene.click()  # warms caches
        calm, empty = scene.click(), scene.edge.memory_bytes()
        with scene.crowd(args.idle, args.slow, args.guesses):
            crowded_first = scene.click()[:1]
            full = scene.edge.memory_bytes()
            crowded = crowded_first + scene.click()
            still_full, present = scene.edge.memory_bytes(), scene.edge.metric("connections")
        calm += scene.click()
    return report(args, calm, crowded, [empty, full, still_full], present)


def report(args: argparse.Namespace, calm: list[Run], crowded: list[Run], memory: list[float], present: float) -> int:
    """Print the rows; return the exit code."""
    before, beside = (statistics.median(run.p99_ms for run in runs) for runs in (calm, crowded))
    rate, slowdown = statistics.median(run.rate for run in crowded), beside / before
    errors = sum(run.errors for run in calm + crowded)
    empty, full, still_full = memory
    kept = {True: "kept", False: "**not kept**"}
    print("| what | measured | must | |\n| --- | --- | --- | --- |")
    print(f"| people alone | p99 {before:.2f} ms at {rate:,.0f}/s | | |")
    what = f"people beside {args.idle:,} idle, {args.slow:,} slow, {args.guesses:,} guesses/s"
    is_quick, is_flat = slowdown <= MAX_SLOWDOWN, still_full <= MAX_GROWTH * full
    print(f"| {what} | p99 {beside:.2f} ms, {slowdown:.2f} x | <= {MAX_SLOWDOWN} x | {kept[is_quick]} |")
    told = f"{empty / 1e6:.0f} MB, with the crowd {full / 1e6:.0f}, at its end {still_full / 1e6:.0f}"
    print(f"| memory of the worker | {told} | <= {MAX_GROWTH} x | {kept[is_flat]} |")
    print(f"| connections at the end; clicks not answered | {present:,.0f}; {errors} | 0 | {kept[not errors]} |")
    return 0 if is_quick and is_flat and not errors else 1


def may_open(files: int) -> None:
    """Let this process, and those it starts, have so many files open, as far as the machine allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = files if hard == resource.RLIM_INFINITY else min(files, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    sys.exit(main())
