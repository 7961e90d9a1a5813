"""Keeps one ingester running beside the process that asks for it, as a process of its own."""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Final

logger = logging.getLogger("ingest")

STOP_S: Final = 10.0
_PAUSES_S: Final = (0.5, 1.0, 2.0, 5.0)


@asynccontextmanager
async def ingester(environment: Mapping[str, str]) -> AsyncIterator[None]:
    """Run an ingester with these settings while the block runs; one that ends is started again."""
    task = asyncio.create_task(_keep_running({**os.environ, **environment}), name="ingester")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _keep_running(environment: Mapping[str, str]) -> None:
    failures = 0
    while True:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "control.ingest", "--with-parent", str(os.getpid())),
            env=environment,
            start_new_session=True,
        )
        started = asyncio.get_running_loop().time()
        try:
            status = await process.wait()
        except asyncio.CancelledError:
            await _stop(process)
            raise
        failures = 0 if asyncio.get_running_loop().time() - started > max(_PAUSES_S) else failures + 1
        pause_s = _PAUSES_S[min(failures, len(_PAUSES_S) - 1)]
        logger.error("the ingester ended with %d; it is started again in %.1f s", status, pause_s)
        await asyncio.sleep(pause_s)


async def _stop(process: asyncio.subprocess.Process) -> None:
    """End it after its transaction; it is harmless to kill, too, only slower to take up again."""
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
