"""What the composition root has built and requests use: one immutable record, reachable as `PartsDep`."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Protocol

from fastapi import Depends, Request
from redis.asyncio import Redis

from control.access.limiter import Limiter
from control.auditor.auditor import Auditor
from control.clicks.decisions import DecisionWatch
from control.db import Database
from control.domains.hosts import RegisteredHosts
from control.insight.classifier import Classifier
from control.postbacks.guard import Guard
from control.publishing.acks import Propagation
from control.publishing.fleet import Fleet
from control.publishing.latency import Latency
from control.publishing.outbox import Appended
from control.publishing.publisher import PublisherStatus
from control.settings import ControlSettings


class Live(Protocol):
    """Bringing committed transactions to the edges, and asking how far they got; nothing but `fleet` raises."""

    async def start(self) -> None:
        """Begin to publish what is committed, and what anybody commits later."""

    async def stop(self) -> None:
        """End what runs behind."""

    async def publish(self, appended: Appended | None = None) -> None:
        """Push everything that is committed and not yet in Redis; `appended` is all that the caller has committed."""

    async def propagation(self, sequence: int) -> Propagation:
        """Return on which edges the transaction numbered `sequence` is live now."""

    async def wait_live(self, sequence: int, timeout_s: float) -> Propagation:
        """Return as soon as `sequence` is live everywhere, or how things stand after `timeout_s`."""

    async def fleet(self) -> Fleet:
        """Return the edges and what they run. Raises RedisError."""

    def latency(self) -> Latency:
        """Return how long publishes took to be live everywhere."""

    def recent(self) -> list[tuple[int, int]]:
        """Return the last publishes that were seen to be live everywhere, newest first: sequence, milliseconds."""

    def status(self) -> PublisherStatus:
        """Return how publishing is doing."""


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a service may need; built in `control.app`, replaced by fakes in tests."""

    settings: ControlSettings
    db: Database
    clicks_db: Database
    rules_redis: Redis
    clicks_redis: Redis
    live: Live
    classifier: Classifier
    logins: Limiter
    keys: Limiter
    postbacks: Guard
    hosts: RegisteredHosts
    decisions: DecisionWatch
    responses: Counter[str]
    auditor: Auditor


async def parts_of(request: Request) -> Parts:
    """Return the parts of the app that got `request`; a coroutine, for FastAPI runs functions in threads."""
    parts = request.app.state.parts
    assert isinstance(parts, Parts)
    return parts


PartsDep = Annotated[Parts, Depends(parts_of)]
