"""What the composition root has built and requests use: one immutable record, reachable as `PartsDep`."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Protocol

from fastapi import Depends, Request
from redis.asyncio import Redis

from control.access.limiter import Limiter
from control.db import Database
from control.settings import ControlSettings

if TYPE_CHECKING:
    from control.insight.classifier import Classifier
    from control.publishing.acks import Propagation


class Live(Protocol):
    """Bringing committed transactions to the edges, and asking how far they got. Nothing here raises."""

    async def publish(self) -> None:
        """Push everything that is committed and not yet in Redis."""

    async def propagation(self, sequence: int) -> "Propagation":
        """Return on which edges the transaction numbered `sequence` is live now."""

    async def wait_live(self, sequence: int, timeout_s: float) -> "Propagation":
        """Return as soon as `sequence` is live everywhere, or how things stand after `timeout_s`."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a service may need; built in `control.app`, replaced by fakes in tests."""

    settings: ControlSettings
    db: Database
    clicks_db: Database
    rules_redis: Redis
    clicks_redis: Redis
    live: Live
    classifier: "Classifier"
    logins: Limiter
    keys: Limiter


def parts_of(request: Request) -> Parts:
    """Return the parts of the app that got `request`."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


PartsDep = Annotated[Parts, Depends(parts_of)]
