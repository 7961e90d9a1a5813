"""Logging in and out through the page."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from control.access import sessions
from control.access.api import set_cookie
from control.access.guard import SESSION_COOKIE, session_caller, source_of
from control.errors import Problem
from control.parts import PartsDep
from control.web import guard
from control.web.guard import safe_next
from control.web.render import page

router = APIRouter(include_in_schema=False)


@router.get("/login")
async def show_login(request: Request, parts: PartsDep, next: str = "/") -> Any:
    cookie = request.cookies.get(SESSION_COOKIE)
    if cookie and await session_caller(cookie, parts):
        return RedirectResponse(safe_next(next), 303)
    return page(request, "login.html", next=safe_next(next), login="", error="")


@router.post("/login")
async def log_in(
    request: Request,
    parts: PartsDep,
    login: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form(max_length=2000)] = "/",
) -> Any:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem.forbidden("Log in on this site's own page.", code="csrf")
    try:
        entered = await sessions.log_in(parts, login, password, source_of(request))
    except Problem as problem:
        return page(request, "login.html", code=problem.status, next=safe_next(next), login=login, error=problem.detail)
    response = RedirectResponse(safe_next(next), 303)
    set_cookie(request, response, entered)
    return response


@router.post("/logout")
async def log_out(request: Request, parts: PartsDep, _form: guard.Form) -> Response:
    await sessions.log_out(parts, request.cookies.get(SESSION_COOKIE, ""))
    response = RedirectResponse("/login", 303)
    response.delete_cookie(SESSION_COOKIE, httponly=True, samesite="lax", secure=request.url.scheme == "https")
    return response
