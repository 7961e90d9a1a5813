"""From a template to a response: autoescaped Jinja2, and the headers that keep stored text from ever running."""

from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote

import orjson
from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from control.access.roles import Caller, Role

SECURITY_HEADERS: Final = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private, no-store",
}


def page(request: Request, template: str, *, code: int = 200, caller: Caller | None = None, **context: Any) -> Any:
    """Return `template` rendered for `caller` as a response."""
    can = caller.role if caller else Role.VIEWER
    text = _ENVIRONMENT.get_template(template).render(
        caller=caller,
        may_edit=can.includes(Role.EDITOR),
        is_admin=can.includes(Role.ADMIN),
        here=request.url.path,
        nav_counts=getattr(request.state, "counts", {}),
        theme=request.cookies.get("turnout_theme", "") if request.cookies.get("turnout_theme") in _THEMES else "",
        **context,
    )
    return HTMLResponse(text, code, SECURITY_HEADERS)


_THEMES: Final = ("light", "dark")


def _static(name: str) -> str:
    return f"/static/{quote(name)}"


def _utc(moment: datetime | int) -> str:
    """Return a time as people without scripts read it."""
    return _moment(moment).strftime("%d %b %Y, %H:%M UTC")


def _iso(moment: datetime | int) -> str:
    return _moment(moment).isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(moment: datetime | int) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment / 1000, UTC)


def _data(value: Any) -> Markup:
    """Return JSON for a data block: what could end the block is spelled as escapes."""
    text = orjson.dumps(value).decode()
    return Markup(text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026"))  # noqa: S704


def _thousands(number: int | None) -> str:
    return "none" if number is None else f"{number:,}"


def _span(ms: float) -> str:
    """Return a length of time as people say it: the largest unit that fills it, one decimal below ten."""
    value, unit = ms, "ms"
    for size, larger in ((1_000, "s"), (60, "min"), (60, "h"), (24, "days")):
        if value < size:
            break
        value, unit = value / size, larger
    return f"{value:.1f} {unit}" if value < 10 and value % 1 and unit != "ms" else f"{value:,.0f} {unit}"


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("control.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"utc": _utc, "iso": _iso, "data": _data, "thousands": _thousands, "span": _span}
    environment.globals |= {"static": _static}
    return environment


_ENVIRONMENT: Final = _environment()
