"""What operators ask: is it alive, is it ready, how is it doing."""

from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from control import metrics
from control.auditor import findings
from control.auditor.findings import Report
from control.clicks.accounting import account
from control.clicks.decisions import Decisions
from control.clicks.schemas import Accounting
from control.conversions.metrics import Waiting, waiting
from control.parts import Parts, PartsDep
from control.publishing.fleet import Fleet

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
        fleet=await _fleet(parts),
        clicks=await _clicks(parts),
        decisions=await _decisions(parts),
        conversions=await _conversions(parts),
        audit=await _audit(parts),
        audit_answers=parts.auditor.answers,
    )
    return Response(metrics.render(figures), media_type=metrics.CONTENT_TYPE)


async def _fleet(parts: Parts) -> Fleet | None:
    try:
        return await parts.live.fleet()
    except (RedisError, OSError):
        return None


async def _clicks(parts: Parts) -> Accounting | None:
    try:
        return await account(parts)
    except (SQLAlchemyError, OSError):
        return None


async def _decisions(parts: Parts) -> Decisions | None:
    try:
        return await parts.decisions.look()
    except (SQLAlchemyError, OSError):
        return None


async def _conversions(parts: Parts) -> Waiting | None:
    try:
        return await waiting(parts)
    except (SQLAlchemyError, OSError):
        return None


async def _audit(parts: Parts) -> Report | None:
    try:
        return await findings.report(parts.db)
    except (SQLAlchemyError, OSError):
        return None


async def _database_error(parts: Parts) -> str:
    try:
        async with parts.db.read() as session:
            await session.execute(text("SELECT 1"))
    except (SQLAlchemyError, OSError) as exc:
        return type(exc).__name__
    return ""
