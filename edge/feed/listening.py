"""The pub/sub connection: a doorbell that is known to break without a sound.

The client resubscribes by itself and says nothing of what it lost, so every subscribe confirmation is passed on; a
server that froze sends nothing and closes nothing, so silence is asked about, and then given up.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence
from typing import Any, Final

from edge.feed.rules_redis import FAILURES
from edge.redis_client import connect
from shared import wire

PING_AFTER_S: Final = 3
GIVE_UP_AFTER_S: Final = 5
_TURN_S: Final = 1.0
_MAX_PAUSE_S: Final = 0.5

log = logging.getLogger("edge.listening")


class Listener:
    """Passes on announcements and subscribe confirmations, and tells when neither can arrive.

    It listens at the first of `urls`, and moves to another when it is told to.
    """

    def __init__(
        self,
        urls: Sequence[str],
        subscribed: Callable[[], None],
        announced: Callable[[bytes], None],
        disconnected: Callable[[], None],
    ) -> None:
        self._clients = [connect(url, _TURN_S, 1) for url in urls]
        self._redis = self._clients[0]
        self._subscribed = subscribed
        self._announced = announced
        self._disconnected = disconnected

    async def run(self) -> None:
        """Listen until cancelled, reconnecting after a short and uneven pause: edges must not come back in step."""
        while True:
            try:
                await self._listen()
            except Exception as exc:  # what nobody foresaw is logged whole, and must not deafen the worker
                unforeseen = None if isinstance(exc, FAILURES) else exc
                text = f"{type(exc).__name__}: {exc}"
                log.warning("announcements cannot be heard", extra={"error": text}, exc_info=unforeseen)
            self._disconnected()
            await asyncio.sleep(random.uniform(_MAX_PAUSE_S / 10, _MAX_PAUSE_S))  # noqa: S311 - not a secret

    def move(self, place: int) -> None:
        """Listen at another of the servers, within a second."""
        self._redis = self._clients[place]

    async def stop(self) -> None:
        """Close the connections."""
        for client in self._clients:
            await client.aclose()

    async def _listen(self) -> None:
        """Pass on what arrives until told to move, or the connection breaks. Raises one of FAILURES."""
        redis = self._redis
        pubsub = redis.pubsub()
        try:
            await pubsub.subscribe(wire.CHANNEL)
            silent_turns = 0
            while silent_turns < GIVE_UP_AFTER_S:
                if redis is not self._redis:
                    return
                message = await pubsub.get_message(timeout=_TURN_S)
                silent_turns = 0 if message else silent_turns + 1
                if message:
                    self._take(message)
                elif silent_turns == PING_AFTER_S:
                    await pubsub.ping()
            raise TimeoutError("no answer to a ping")
        finally:
            await pubsub.aclose()  # type: ignore[no-untyped-call]

    def _take(self, message: dict[str, Any]) -> None:
        if message["type"] == "subscribe":
            self._subscribed()
        elif message["type"] == "message":
            self._announced(message["data"])
