"""Ingestion and analytics against their budgets; exits with 1 where one is missed.

    python -m loadtests.bench.ingest [--clicks 10000000] [--database FILE]

Ingests ten seconds of traffic; fills a SQLite clicks database with 90 days of clicks, 70 % of them one offer's, through
the ingester's own transactions; closes days and asks that offer's questions. Prints clicks a second per core (processor
time of the whole process), bytes per raw click and per rollup row, the cost of a click in the spool, every query's p50
and p99, and the p99 of an edit in the other database while ingestion runs flat out. A `--database` that exists is used
as it is.
"""

import argparse
import asyncio
import gc
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import text

from control.clicks.shapes import DAY_MS
from control.db import Base, ClicksBase, Database
from control.ingest.closing import ask_for, close_days
from control.ingest.recording import Recorder
from control.insight.analytics.answer import answer
from control.insight.analytics.question import KEYS, ask
from control.insight.analytics.reading import Sessions
from control.migrations import tables
from control.offers.models import OfferRow
from control.partners.models import PartnerRow
from edge.spool.spool import Spool
from loadtests.bench.clicks import PARTNERS, ClickSource

assert tables  # imported so that both databases are whole

INGEST_PER_S: Final = 30_000
QUERY_P99_MS: Final = 100.0
SPOOL_US: Final = 1.0
DAYS: Final = 90
FIRST_MS: Final = 1_788_220_800_000
"""2026-09-01 UTC; the last day is 2026-11-29."""
LAST_DAY: Final = "2026-11-29"
GROUP: Final = 10_000
REPEATS: Final = 20

KOLKATA: Final = {"tz": "Asia/Kolkata"}
QUARTER_YEAR: Final = {"begin": "2026-09-01", "end": LAST_DAY}
MONTH: Final = {"begin": "2026-10-31", "end": LAST_DAY}
WEEK: Final = {"begin": "2026-11-23", "end": LAST_DAY}
QUERIES: Final[dict[str, dict[str, Any]]] = {
    "90 days by rule": {**QUARTER_YEAR, "group_by": "rule"},
    "90 days by rule, Asia/Kolkata": {**QUARTER_YEAR, **KOLKATA, "group_by": "rule"},
    "90 days by country": {**QUARTER_YEAR, "group_by": "country"},
    "90 days by country, Asia/Kolkata": {**QUARTER_YEAR, **KOLKATA, "group_by": "country"},
    "90 days by device": {**QUARTER_YEAR, "group_by": "device"},
    "90 days by os, one rule": {**QUARTER_YEAR, "group_by": "os", "rule": ["fallback"]},
    "90 days by browser": {**QUARTER_YEAR, "group_by": "browser"},
    "90 days by partner": {**QUARTER_YEAR, "group_by": "partner"},
    "90 days by link": {**QUARTER_YEAR, "group_by": "link"},
    "90 days by coupon": {**QUARTER_YEAR, "group_by": "coupon"},
    "90 days by sub1": {**QUARTER_YEAR, "group_by": "sub1"},
    "90 days by sub1, Asia/Kolkata, one rule": {**QUARTER_YEAR, **KOLKATA, "group_by": "sub1", "rule": ["r_us"]},
    "90 days by rule, one sub1": {**QUARTER_YEAR, "group_by": "rule", "sub1": ["campaign 7"]},
    "90 days by referrer": {**QUARTER_YEAR, "group_by": "referrer"},
    "90 days by kind": {**QUARTER_YEAR, "group_by": "kind"},
    "90 days by rule, country + device": {**QUARTER_YEAR, "group_by": "rule", "country": ["US"], "device": ["mobile"]},
    "90 days by os, country + device, Asia/Kolkata": {
        **QUARTER_YEAR,
        **KOLKATA,
        "group_by": "os",
        "country": ["US", "GB"],
        "device": ["mobile"],
    },
    "90 days by country, one via": {**QUARTER_YEAR, "group_by": "country", "via": ["partner3"]},
    "30 days by rule, compared": {**MONTH, **KOLKATA, "group_by": "rule", "compare": True},
    "7 days by hour and rule": {**WEEK, **KOLKATA, "group_by": "rule", "interval": "hour"},
}

BEYOND_ROLLUPS: Final[dict[str, dict[str, Any]]] = {
    "90 days by rule, sub1 + country": {**QUARTER_YEAR, "group_by": "rule", "sub1": ["campaign 7"], "country": ["US"]},
    "90 days by sub1, country + device, Asia/Kolkata": {
        **QUARTER_YEAR,
        **KOLKATA,
        "group_by": "sub1",
        "country": ["US"],
        "device": ["mobile"],
    },
    "90 days by country, partner + sub1": {
        **QUARTER_YEAR,
        "group_by": "country",
        "partner": ["p_3"],
        "sub1": ["campaign 1"],
    },
    "90 days by os, link + coupon": {**QUARTER_YEAR, "group_by": "os", "link": ["l_link00050"], "coupon": [""]},
    "7 days by hour and device, referrer + country": {
        **WEEK,
        **KOLKATA,
        "group_by": "device",
        "interval": "hour",
        "referrer": ["t.co"],
        "country": ["GB", "DE"],
    },
}
"""Questions that are answered from raw clicks."""


class Report:
    """Prints figures, and remembers whether all were good."""

    def __init__(self) -> None:
        self.failed = False

    def figure(self, name: str, value: float, unit: str, *, at_least: float = 0, at_most: float = 0) -> None:
        """Print one figure, and whether its budget is met where it has one."""
        good = (not at_least or value >= at_least) and (not at_most or value <= at_most)
        budget = f"  (at least {at_least:,.0f})" if at_least else f"  (at most {at_most:,.0f})" if at_most else ""
        print(f"{'ok  ' if good else 'MISS'} {name:56} {value:12,.1f} {unit}{budget}", flush=True)
        self.failed |= not good


async def fill(db: Database, clicks: int, report: Report) -> None:
    """Ingest `clicks` over 90 days; report the rate."""
    async with db.write() as session:
        await (await session.connection()).run_sync(ClicksBase.metadata.create_all)
    await ask_for(db, 22, FIRST_MS + DAYS * DAY_MS)
    recorder, source = Recorder(db), ClickSource()
    span_ms = DAYS * DAY_MS
    spent = 0.0
    number = 1
    for start in range(0, clicks, GROUP):
        times = [FIRST_MS + span_ms * place // clicks for place in range(start, min(start + GROUP, clicks))]
        batches = list(source.batches(times, number))
        number += len(batches)
        before = time.process_time()
        await recorder.record(batches, [], times[-1])
        spent += time.process_time() - before
        if start % 1_000_000 == 0 and start:
            print(f"     {start:,} clicks in, {start / spent:,.0f} a second", flush=True)
    report.figure("ingestion of the past: nine quarter hours in a transaction", clicks / spent, "clicks/s")


async def live(folder: Path, report: Report) -> None:
    """Report the rate of ingesting what comes in now, at just that rate: ten seconds of traffic."""
    db = Database.open(f"sqlite:///{folder}/live.db")
    async with db.write() as session:
        await (await session.connection()).run_sync(ClicksBase.metadata.create_all)
    recorder, source = Recorder(db), ClickSource(4)
    rates = []
    for number in range(1, 30 * 20, 20):
        times = [FIRST_MS + number * 50 + place // 30 for place in range(GROUP)]
        batches = list(source.batches(times, number))
        before = time.process_time()
        await recorder.record(batches, [], times[-1])
        rates.append(GROUP / (time.process_time() - before))
    await db.close()
    report.figure("ingestion into SQLite, per core", statistics.median(rates), "clicks/s", at_least=INGEST_PER_S)


async def close(db: Database, report: Report) -> None:
    """Sum up the days of UTC and of India."""
    begin = time.perf_counter()
    days = await close_days(db, FIRST_MS + DAYS * DAY_MS + 2 * 3_600_000)
    if days:
        report.figure("closing a day", (time.perf_counter() - begin) / days * 1000, "ms")


def sizes(path: Path, report: Report) -> None:
    """Report what rows take on disk, by SQLite's own account of its pages."""
    with sqlite3.connect(path) as connection:
        for name, table, counted in (
            ("raw click, indexes included", "clicks", ("clicks", "ix_clicks_click_id", "sqlite_autoindex_clicks_1")),
            ("rollup row by quarter hour", "click_quarters", ("click_quarters",)),
            ("rollup row by day", "click_days", ("click_days",)),
            ("block of a column", "click_columns", ("click_columns", "sqlite_autoindex_click_columns_1")),
        ):
            rows = connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
            try:
                marks = ", ".join("?" * len(counted))
                size = connection.execute(f"SELECT SUM(pgsize) FROM dbstat WHERE name IN ({marks})", counted).fetchone()
            except sqlite3.OperationalError:
                print("     this SQLite has no dbstat: no sizes")
                return
            report.figure(f"{name} ({rows:,} rows)", size[0] / max(rows, 1), "bytes")
    report.figure("database", path.stat().st_size / 2**20, "MiB")


async def configuration(folder: Path) -> tuple[Database, OfferRow]:
    """Return a configuration database with the offer that questions are about, and the partners who send its clicks."""
    db = Database.open(f"sqlite:///{folder}/control.db")
    async with db.write() as session:
        await (await session.connection()).run_sync(Base.metadata.create_all)
        offer = OfferRow(
            id="o_benchmark",
            slug="saas",
            name="SaaS",
            destination_url="https://yourbrand.com",
            destination_final="https://yourbrand.com/",
            status="active",
            inactive_url=None,
            inactive_final=None,
            redirect_status=302,
            append_click_id=True,
            pass_query=True,
            currency="USD",
            postback_secret="",
            revision=1,
            created_at=0,
            updated_at=0,
        )
        session.add(offer)
        session.add_all(
            PartnerRow(id=f"p_{place}", slug=f"partner{place}", name=f"Partner {place}", created_at=0)
            for place in range(PARTNERS)
        )
    return db, offer


async def questions(clicks: Database, config: Database, offer: OfferRow, report: Report) -> None:
    """Ask every question again and again; report p50 and p99 of each, and of all."""
    everything = await _all_of(QUERIES, clicks, config, offer, report)
    report.figure("all questions: p99", _p99(everything), "ms", at_most=QUERY_P99_MS)
    beyond = await _all_of(BEYOND_ROLLUPS, clicks, config, offer, report)
    report.figure("all that rollups do not hold: p99", _p99(beyond), "ms")


async def _all_of(
    questions: Mapping[str, dict[str, Any]], clicks: Database, config: Database, offer: OfferRow, report: Report
) -> list[float]:
    everything: list[float] = []
    for name, asked in questions.items():
        took = [await _timed(lambda asked=asked: _answer(clicks, config, offer, **asked)) for _ in range(REPEATS)]  # type: ignore[misc]
        everything += took
        report.figure(f"{name}: p50 {statistics.median(took):.0f} ms, p99", _p99(took), "ms")
    return everything


async def _answer(clicks: Database, config: Database, offer: OfferRow, **asked: Any) -> None:
    compare = asked.pop("compare", False)
    filters = {key: asked.pop(key, []) for key in KEYS}
    given = {"interval": "day", "tz": "UTC", "group_by": None, **asked}
    question = ask(offer.id, filters=filters, now=datetime.now(UTC), **given)
    async with clicks.read() as one, config.read() as other:
        await answer(Sessions(one, other), question, offer, limit=50, compare=compare)


async def edits_beside_ingestion(folder: Path, config: Database, report: Report) -> None:
    """Report the p99 of a small transaction in the configuration database, and of ingestion, which runs flat out."""
    db = Database.open(f"sqlite:///{folder}/busy.db")
    async with db.write() as session:
        await (await session.connection()).run_sync(ClicksBase.metadata.create_all)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BUSY, f"sqlite:///{folder}/busy.db", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = process.stdout
    await told.readline()

    async def edit() -> None:
        async with config.write() as session:
            await session.execute(text("UPDATE offers SET updated_at = updated_at + 1"))

    async def listen() -> list[float]:
        return [float(await told.readline()) for _ in range(REPEATS)]

    ingesting = asyncio.create_task(listen())
    took = []
    while not ingesting.done():
        took.append(await _timed(edit))
    process.kill()
    await process.wait()
    await db.close()
    report.figure("an edit while ingestion is saturated: p99", _p99(took), "ms")
    report.figure(f"{GROUP:,} clicks ingested meanwhile: p99", _p99(ingesting.result()), "ms")


_BUSY: Final = """
import asyncio, sys, time
from control.db import Database
from control.ingest.recording import Recorder
from loadtests.bench.clicks import ClickSource
async def main():
    recorder, source, number = Recorder(Database.open(sys.argv[1])), ClickSource(2), 1
    print("busy", flush=True)
    while True:
        batches = list(source.batches([1_790_000_000_000 + number] * 10_000, number))
        number += len(batches)
        before = time.perf_counter()
        await recorder.record(batches, [], 0)
        print((time.perf_counter() - before) * 1000, flush=True)
asyncio.run(main())
"""


def spool(folder: Path, report: Report) -> None:
    """Report what a click costs in the spool, by clicks in a turn of the loop."""
    line = ClickSource(3).line(FIRST_MS)
    for turn in (1, 8, 32, 128):
        spool_ = Spool.open(folder / "spool", 1 << 33, boot=f"bench{turn}", host="bench", slot=0)
        turns = 200_000 // turn
        before = time.process_time()
        for _ in range(turns):
            for _ in range(turn):
                spool_.put(line)
            spool_.flush()
        cost_us = (time.process_time() - before) / (turns * turn) * 1e6
        report.figure(f"a click in the spool, {turn} in a turn", cost_us, "us", at_most=SPOOL_US if turn >= 8 else 0)
        spool_.close()


async def _timed(act: Callable[[], Awaitable[None]]) -> float:
    before = time.perf_counter()
    await act()
    return (time.perf_counter() - before) * 1000


def _p99(values: list[float]) -> float:
    return sorted(values)[max(0, round(len(values) * 0.99) - 1)]


async def bench(clicks: int, database: Path | None) -> bool:
    """Run everything; return whether a budget was missed."""
    report = Report()
    gc.set_threshold(500_000, 20, 100)  # as the ingester does
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as name:
        folder = Path(name)
        path = database or folder / "clicks.db"
        is_new = not path.exists()
        await live(folder, report)
        db = Database.open(f"sqlite:///{path}")
        if is_new:
            await fill(db, clicks, report)
        await close(db, report)
        config, offer = await configuration(folder)
        await questions(db, config, offer, report)
        await edits_beside_ingestion(folder, config, report)
        spool(folder, report)
        await db.close()
        await config.close()
        sizes(path, report)
    return report.failed


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clicks", type=int, default=10_000_000, help="how many clicks to fill the database with")
    parser.add_argument("--database", type=Path, help="where to keep the database for another run")
    given = parser.parse_args()
    sys.exit(asyncio.run(bench(given.clicks, given.database)))


if __name__ == "__main__":
    main()
