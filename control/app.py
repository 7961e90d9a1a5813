"""The composition root: builds the parts, starts and stops what runs beside requests, returns the ASGI app."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, FastAPI

from control import errors, openapi, ops
from control.access import api as access
from control.access.limiter import Limiter
from control.audit import api as audit
from control.auditor.auditor import Auditor
from control.canaries import api as canaries
from control.canaries.watch import watching
from control.clicks import api as clicks
from control.clicks.decisions import DecisionWatch
from control.configuration import api as configuration
from control.conversions import api as conversions
from control.conversions.settling import settling
from control.coupons import api as coupons
from control.db import Database
from control.domains import api as domains
from control.domains import ask
from control.domains.hosts import RegisteredHosts
from control.domains.service import publish_list
from control.edges import api as edges
from control.insight import preview, test_visitor
from control.insight.analytics import api as analytics
from control.insight.classifier import Classifier
from control.limits import MIB, BodyLimit, PrivateAnswers
from control.links import api as links
from control.metrics import CountResponses
from control.migrations.upgrade import upgrade
from control.offers import api as offers
from control.partners import api as partners
from control.parts import Parts
from control.postbacks import api as postbacks
from control.postbacks.guard import Guard
from control.publishing.live import Publishing
from control.redis_client import connect
from control.savedtests import api as saved_tests
from control.settings import ControlSettings
from control.smartlinks import api as smart_links
from control.web import router as web

API: Final = "/api/v1"
_ROUTERS: Final[tuple[APIRouter, ...]] = (
    offers.router,
    smart_links.router,
    canaries.router,
    saved_tests.router,
    test_visitor.router,
    preview.router,
    analytics.router,
    partners.router,
    links.router,
    coupons.router,
    clicks.router,
    conversions.router,
    postbacks.router,
    postbacks.public,
    domains.router,
    edges.router,
    access.router,
    audit.router,
    configuration.router,
)
_BODY_BYTES: Final = {
    f"{API}/links/bulk": 16 * MIB,
    f"{API}/coupons/bulk": 16 * MIB,
    f"{API}/import": 64 * MIB,
}


def open_parts(settings: ControlSettings) -> Parts:
    """Return the parts of one control process; nothing is connected yet. Raises UnusableDatabase, ValueError."""
    db = Database.open(settings.config_database)
    rules_redis = connect(settings.redis_url)
    clicks_db = Database.open(settings.clicks_database, lock="turnout:clicks")
    live, classifier = Publishing(db, rules_redis), Classifier.from_settings(settings)
    return Parts(
        settings=settings,
        db=db,
        clicks_db=clicks_db,
        rules_redis=rules_redis,
        clicks_redis=connect(settings.clicks_redis),
        live=live,
        classifier=classifier,
        logins=Limiter(burst=10, refill_s=30.0),
        keys=Limiter(burst=100, refill_s=1.0),
        postbacks=Guard(),
        hosts=RegisteredHosts(db),
        decisions=DecisionWatch(clicks_db),
        responses=Counter(),
        auditor=Auditor(db, live, classifier.visitor_of),
    )


async def prepare(parts: Parts) -> None:
    """Bring both databases to the newest schema and have the list of hosts in the outbox."""
    await upgrade(parts.db, "config")
    await upgrade(parts.clicks_db, "clicks")
    async with parts.db.write() as session:
        await publish_list(session, parts.settings)


async def close(parts: Parts) -> None:
    """Close every connection."""
    await parts.rules_redis.aclose()
    await parts.clicks_redis.aclose()
    await parts.clicks_db.close()
    await parts.db.close()


def create_app(parts: Parts) -> FastAPI:
    """Return the app over `parts`, whose databases are prepared; publishing runs while the app does."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        await parts.live.start()
        try:
            async with settling(parts), watching(parts):
                yield
        finally:
            await parts.live.stop()

    app = FastAPI(title="Turnout", docs_url=None, redoc_url=None, lifespan=lifespan)
    app.state.parts = parts
    errors.install(app)
    openapi.install(app)
    for router in _ROUTERS:
        app.include_router(router, prefix=API)
    app.include_router(postbacks.public)
    app.include_router(ops.router)
    app.include_router(ask.router)
    web.install(app)
    app.add_middleware(BodyLimit, by_path=_BODY_BYTES)
    for private in (API, postbacks.public.prefix):
        app.add_middleware(PrivateAnswers, path=private)
    app.add_middleware(CountResponses, counts=parts.responses)
    return app
