"""What operators ask: is it alive, is it ready, how is it doing."""

from collections.abc import Awaitable
from typing import Any, TypeVar

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from control import metrics
from control.auditor import findings
from control.canaries.metrics import canaries
from control.clicks.accounting import account
from control.conversions.metrics import waiting
from control.parts import Parts, PartsDep

T = TypeVar("T")

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
async def get_metrics(parts: PartsDep) -> Response:
    """Answer whatever is down: what cannot be known then is left out."""
    figures = metrics.Figures(
        publisher=parts.live.status(),
        latency=parts.live.latency(),
        database_ok=not await _database_error(parts),
        responses=parts.responses,
        fleet=await _known(parts.live.fleet()),
        clicks=await _known(account(parts)),
        decisions=await _known(parts.decisions.look()),
        conversions=await _known(waiting(parts)),
        canaries=await _known(canaries(parts.db)),
        audit=await _known(findings.report(parts.db)),
        audit_answers=parts.auditor.answers,
    )
    return Response(metrics.render(figures), media_type=metrics.CONTENT_TYPE)


async def _known(answer: Awaitable[T]) -> T | None:
    """Return what can be known now, None while Redis or SQL does not answer."""
    try:
        return await answer
    except (RedisError, SQLAlchemyError, OSError):
        return None


async def _database_error(parts: Parts) -> str:
    try:
        async with parts.db.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as exc:
        return type(exc).__name__
    return ""
