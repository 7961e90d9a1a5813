"""Refusals for people: a plain page where a browser asked for one, problem details for everybody else."""

from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from control.errors import Problem
from control.web.render import page

_Handler = Callable[[Request, Exception], Awaitable[Response]]

_WORDS: Final = {
    403: ("This is not yours to change", ""),
    404: ("There is nothing here", "The address is wrong, or what was here has been deleted."),
    405: ("There is nothing here", "The address is wrong."),
    422: ("This address does not fit", ""),
    503: ("Not available right now", ""),
}


def install(app: FastAPI) -> None:
    """Give browsers pages in place of what `app` answers by now; call it after `control.errors.install`."""
    for kind in (Problem, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _for_people(cast(_Handler, app.exception_handlers[kind])))


def _for_people(otherwise: _Handler) -> _Handler:
    async def handle(request: Request, exc: Exception) -> Response:
        if not _wants_page(request):
            return await otherwise(request, exc)
        status, detail = _status_of(exc)
        title, words = _WORDS.get(status, ("This did not work", ""))
        answer: Response = page(request, "refusal.html", code=status, title=title, detail=words or detail)
        return answer

    return handle


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.startswith(("/api/", "/ui/", "/static/")) and "text/html" in request.headers.get("Accept", "")


def _status_of(exc: Exception) -> tuple[int, str]:
    if isinstance(exc, Problem):
        return exc.status, exc.detail
    if isinstance(exc, HTTPException):
        return exc.status_code, ""
    return 422, "Something in it is not what this page understands."
