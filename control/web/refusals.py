"""Refusals for people: a plain page where a browser asked for one, problem details for everybody else."""

from collections.abc import Awaitable, Callable
from typing import Final, cast

from fastapi import FastAPI, Request
from fastapi.responses import Response

from control.errors import Problem
from control.web.render import page

_Handler = Callable[[Request, Exception], Awaitable[Response]]

_WORDS: Final = {
    403: ("This is not yours to change", ""),
    404: ("There is nothing here", "The address is wrong, or what was here has been deleted."),
    410: ("This link no longer works", ""),
    405: ("There is nothing here", "The address is wrong."),
    422: ("This address does not fit", "Something in it is not what this page understands."),
    500: ("This did not work", "It is our fault, and it is in the log. Nothing of yours was changed."),
    503: ("Not available right now", "The database does not answer. Edges go on redirecting; try again in a moment."),
}


def install(app: FastAPI) -> None:
    """Give browsers pages in place of what `app` answers by now; call it after `control.errors.install`."""
    for kind, otherwise in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _for_people(cast(_Handler, otherwise)))


def _for_people(otherwise: _Handler) -> _Handler:
    async def handle(request: Request, exc: Exception) -> Response:
        answer = await otherwise(request, exc)
        if not _wants_page(request):
            return answer
        title, words = _WORDS.get(answer.status_code, ("This did not work", ""))
        detail = words or (exc.detail if isinstance(exc, Problem) else "")
        shown: Response = page(request, "refusal.html", code=answer.status_code, title=title, detail=detail)
        return shown

    return handle


def _wants_page(request: Request) -> bool:
    path = request.url.path
    return not path.startswith(("/api/", "/ui/", "/static/")) and "text/html" in request.headers.get("Accept", "")
