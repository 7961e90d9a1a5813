"""Every page, in the order in which addresses are looked up, and what they need around them."""

from typing import Final

from fastapi import APIRouter, FastAPI

from control.web import (
    access,
    account,
    analytics,
    clicks,
    conversions,
    coupons,
    domains,
    edges,
    guard,
    history,
    links,
    login,
    offer_settings,
    offers,
    overview,
    partners,
    preview,
    refusals,
    search,
    setup,
    smart_link,
    trial,
)
from control.web.static_files import StaticFolder
from control.web.timing import ServerTiming

_ROUTERS: Final[tuple[APIRouter, ...]] = (
    login.router,
    setup.router,
    offers.router,
    smart_link.router,
    trial.router,
    preview.router,
    links.router,
    partners.router,
    coupons.router,
    domains.router,
    history.router,
    analytics.router,
    clicks.router,
    conversions.router,
    overview.router,
    offer_settings.router,
    edges.router,
    access.router,
    account.router,
    search.router,
)


def install(app: FastAPI) -> None:
    """Put the admin UI onto `app`, which answers errors by `control.errors` already."""
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFolder(packages=[("control.web", "static")]), name="static")
    refusals.install(app)
    guard.install(app)
    app.add_middleware(ServerTiming)
