"""Logging in and out through the page."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from control.access import sessions, setup
from control.access.api import set_cookie
from control.access.guard import SESSION_COOKIE, session_caller, source_of
from control.access.sessions import LoggedIn
from control.errors import Problem
from control.parts import Parts, PartsDep
from control.web import guard
from control.web.guard import StrangersForm, safe_next
from control.web.render import page

router = APIRouter(include_in_schema=False)

_MAX_LOGIN_CHARS: Final = 200
_MAX_PASSWORD_CHARS: Final = 1000


@router.get("/login")
async def show_login(request: Request, parts: PartsDep, next: str = "/") -> Any:
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and await session_caller(cookie, parts):
        return RedirectResponse(safe_next(next), 303)
    return await _login_page(request, parts, safe_next(next))


@router.post("/login")
async def log_in(request: Request, parts: PartsDep, form: StrangersForm) -> Any:
    login, password = form.get("login", "")[:_MAX_LOGIN_CHARS], form.get("password", "")[:_MAX_PASSWORD_CHARS]
    target = safe_next(form.get("next", "/"))
    try:
        entered = await sessions.log_in(parts, login, password, source_of(request))
    except Problem as problem:
        return await _login_page(request, parts, target, login, problem)
    return let_in(request, entered, target)


@router.post("/logout")
async def log_out(request: Request, parts: PartsDep, _form: guard.Form) -> Response:
    await sessions.log_out(parts, request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return response


def let_in(request: Request, entered: LoggedIn, target: str) -> Response:
    """Return the answer to somebody who has shown who they are: their session's cookie, and where they go."""
    response = RedirectResponse(target, 303)
    set_cookie(request, response, entered)
    return response


async def _login_page(
    request: Request, parts: Parts, target: str, login: str = "", problem: Problem | None = None
) -> Any:
    code, error = (problem.status, problem.detail) if problem else (200, "")
    is_new = await setup.is_open(parts)
    return page(request, "login.html", code=code, next=target, login=login, error=error, is_new=is_new)
