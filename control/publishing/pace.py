"""How what runs beside requests is paced and ended: by asking, never by cancelling in the middle of a transaction."""

import asyncio
import contextlib


async def pause(seconds: float, stopping: asyncio.Event) -> None:
    """Return after `seconds`, or as soon as `stopping` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
