"""What operators ask: is it alive, is it ready, how is it doing."""

from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from control.clicks import metrics as clicks
from control.clicks.accounting import account
from control.clicks.schemas import Accounting
from control.parts import Parts, PartsDep
from control.publishing.publisher import PublisherStatus

router = APIRouter(include_in_schema=False)


@router.get("/livez")
async def livez() -> dict[str, str]:
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(parts: PartsDep) -> JSONResponse:
    """Ready is whoever can store an edit: without Redis it goes live later, and `redis` says so."""
    database = await _database_error(parts)
    body: dict[str, Any] = {
        "status": "unavailable" if database else "ready",
        "database": database or "ok",
        "redis": parts.live.status().error or "ok",
    }
    return JSONResponse(body, 503 if database else 200)


@router.get("/metrics")
async def metrics(parts: PartsDep) -> Response:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Snapshot(parts.live.status(), await _edges(parts), await account(parts)))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


class _Snapshot(Collector):
    """The figures of one moment."""

    def __init__(self, publisher: PublisherStatus, edges: dict[str, int] | None, clicks: Accounting) -> None:
        self._publisher = publisher
        self._edges = edges
        self._clicks = clicks

    def collect(self) -> Iterator[Metric]:
        yield from clicks.metrics(self._clicks)
        status = self._publisher
        gauges = {
            "epoch": ("Lineage of what is published", status.epoch),
            "committed_sequence": ("Newest transaction in SQL", status.committed),
            "published_sequence": ("Newest transaction known to be in Redis", status.published),
            "behind": ("Transactions committed and not known to be in Redis", status.behind),
            "rebuilding": ("1 while Redis is rebuilt from SQL", int(status.rebuilding)),
            "redis_ok": ("1 while Redis holds what SQL holds, or is about to", int(not status.error)),
        }
        for name, (text_, value) in gauges.items():
            yield GaugeMetricFamily(f"turnout_control_publish_{name}", text_, value=value)
        yield CounterMetricFamily(
            "turnout_control_publish_rebuilds", "Rebuilds of Redis since this process started", value=status.rebuilds
        )
        if self._edges is not None:
            edges = GaugeMetricFamily("turnout_control_edges", "Edges by whether they are heard from", labels=["state"])
            for state, count in self._edges.items():
                edges.add_metric([state], count)
            yield edges


async def _edges(parts: Parts) -> dict[str, int] | None:
    try:
        fleet = await parts.live.fleet()
    except RedisError:
        return None
    heard = sum(bool(edge.heard) and not edge.lapsed for edge in fleet)
    return {"heard": heard, "unknown": len(fleet) - heard}


async def _database_error(parts: Parts) -> str:
    try:
        async with parts.db.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as exc:
        return type(exc).__name__
    return ""
