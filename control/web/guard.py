"""Who is looking at a page: a logged-in person, or a redirect to the login; and forms that only our pages can send."""

from collections.abc import Mapping
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import Depends, FastAPI, Request
from fastapi.responses import RedirectResponse, Response

from control.access.guard import SESSION_COOKIE, require_csrf, session_caller
from control.access.roles import Caller
from control.errors import Problem
from control.parts import PartsDep
from control.web.counts import counts

MAX_FIELDS: Final = 200


class LoginNeeded(Exception):
    """Nobody is logged in; the handler sends them to the login, and afterwards back."""


async def _person(request: Request, parts: PartsDep) -> Caller:
    cookie = request.cookies.get(SESSION_COOKIE)
    caller = await session_caller(cookie, parts) if cookie else None
    if caller is None:
        raise LoginNeeded
    request.state.counts = await counts(parts)  # what the side bar of every page shows
    return caller


Person = Annotated[Caller, Depends(_person)]
"""Whoever is logged in; what they may do, the services and the templates decide."""


async def _form(request: Request, caller: Person) -> Mapping[str, str]:
    """Return a form's text fields. Raises Problem 403 without the session's token."""
    fields = await _fields(request)
    require_csrf(caller, fields.pop("csrf", ""))
    return fields


Form = Annotated[Mapping[str, str], Depends(_form)]


async def _strangers_form(request: Request) -> Mapping[str, str]:
    """Return the text fields of a form that needs no login. Raises Problem 403 where another site sent it."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem.forbidden("Send this from this site's own page.", code="csrf")
    return await _fields(request)


StrangersForm = Annotated[Mapping[str, str], Depends(_strangers_form)]


async def _fields(request: Request) -> dict[str, str]:
    form = await request.form(max_files=0, max_fields=MAX_FIELDS)
    return {name: value for name, value in form.items() if isinstance(value, str)}


def safe_next(target: str) -> str:
    """Return where to go after the login: a path of this site, never another one."""
    own = target.startswith("/") and not target.startswith(("//", "/\\")) and target.isprintable()
    return target if own else "/"


def install(app: FastAPI) -> None:
    """Make `app` send whoever must log in to the login."""
    app.add_exception_handler(LoginNeeded, _to_login)


async def _to_login(request: Request, _exc: Exception) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = "/login" if wanted == "/" or request.method != "GET" else f"/login?next={quote(wanted, safe='')}"
    return RedirectResponse(target, 303)
