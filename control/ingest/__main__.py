"""`python -m control.ingest`: one ingester, until SIGTERM; with `--with-parent PID` also until that is gone."""

import asyncio
import contextlib
import gc
import logging
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Final

from control import logs
from control.db import Database, now_ms
from control.ingest.closing import close_days
from control.ingest.consumer import Consumer
from control.ingest.places import take_place
from control.ingest.recording import Recorder
from control.ingest.retention import forget
from control.migrations.upgrade import upgrade
from control.redis_client import connect
from control.settings import ControlSettings

logger = logging.getLogger("ingest")

TIDY_S: Final = 60.0
FORGET_S: Final = 3600.0
PARENT_S: Final = 1.0
REPLY_S: Final = 5.0
_GC_THRESHOLDS: Final = (500_000, 20, 100)
"""A transaction makes 100,000 short-lived objects and no cycles: looking for them costs a fifth of the rate."""

_NICENESS: Final = 5
"""Who clicks and who saves an edit goes first; what is to be counted can wait for a core, and is caught up with."""


async def ingest(settings: ControlSettings, *, parent: int | None) -> None:
    """Run one ingester until a signal, or the end of its parent, stops it."""
    db = Database.open(settings.clicks_database, lock="turnout:clicks")
    await upgrade(db, "clicks")
    redis = connect(settings.clicks_redis, REPLY_S)
    place = take_place(socket.gethostname())
    consumer = Consumer(redis, Recorder(db), place.name)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, consumer.stop)
    beside = [asyncio.create_task(_tidy(db, settings.click_retention_days))]
    if parent is not None:
        beside.append(asyncio.create_task(_stop_with_parent(consumer, parent)))
    logger.info("ingesting clicks as %s", place.name)
    await consumer.run()
    for task in beside:
        task.cancel()
    await asyncio.gather(*beside, return_exceptions=True)
    await redis.aclose()
    await db.close()


async def _tidy(db: Database, retention_days: int) -> None:
    forget_at = 0.0
    clock = asyncio.get_running_loop().time
    while True:
        try:
            await close_days(db, now_ms())
            if clock() >= forget_at:
                forget_at = clock() + FORGET_S
                await forget(db, now_ms(), retention_days)
        except Exception:
            logger.exception("tidying up clicks failed; it is tried again")
        await asyncio.sleep(TIDY_S)


def _give_way() -> None:
    """Be nice to others: to those of this session and, where Linux shares cores out by sessions first, to theirs."""
    os.nice(_NICENESS)
    if os.getsid(0) == os.getpid():  # else others of this session would give way, too
        with contextlib.suppress(OSError):
            Path("/proc/self/autogroup").write_text(str(_NICENESS))


async def _stop_with_parent(consumer: Consumer, parent: int) -> None:
    while os.getppid() == parent:  # noqa: ASYNC110  # the kernel tells nobody
        await asyncio.sleep(PARENT_S)
    consumer.stop()


def main(arguments: list[str]) -> None:
    """Run the process."""
    settings = ControlSettings()
    logs.configure(settings.log_format, settings.log_level)
    gc.set_threshold(*_GC_THRESHOLDS)
    _give_way()
    parent = int(arguments[1]) if arguments[:1] == ["--with-parent"] else None  # it may be gone before we could ask
    asyncio.run(ingest(settings, parent=parent))


if __name__ == "__main__":
    main(sys.argv[1:])
