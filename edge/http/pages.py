"""The plain road: the Starlette app that answers whatever the fast road hands over, one request at a time.

There is no table of routes: but for two well-known places every path is a slug or a 404, told by its undecoded bytes.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Final

from starlette.applications import Starlette
from starlette.types import Message, Receive, Scope, Send

from edge.clicks.click import Clicks
from edge.http import responses
from edge.http.head import Head, Peer, least_bytes, refusal
from edge.http.responses import Response

Lifespan = Callable[[Starlette], AbstractAsyncContextManager[None]]

_VERSIONS: Final = ("1.0", "1.1")


def build_app(clicks: Clicks, lifespan: Lifespan | None = None) -> Starlette:
    """Return the app. Its answers are those of the fast road, byte for byte once uvicorn has written them."""
    app = Starlette(lifespan=lifespan)
    app.router.default = Pages(clicks)
    return app


class Pages:
    """The one endpoint, plain ASGI: no Request and no URL object is built for a click."""

    def __init__(self, clicks: Clicks) -> None:
        self._clicks = clicks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; refuse everything but HTTP."""
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        head, peer = read_scope(scope), self._peer(scope)
        response = self._refusal(scope, head) or await self._answer(head, peer)
        self._clicks.flush()  # the click is recorded before its redirect is sent
        for message in as_messages(response):
            await send(message)

    def _refusal(self, scope: Scope, head: Head) -> Response | None:
        answer = responses.BAD_REQUEST if scope["http_version"] not in _VERSIONS else refusal(head, least_bytes(head))
        if answer is not None:
            self._clicks.counters.answered(answer.status)
        return answer

    async def _answer(self, head: Head, peer: Peer) -> Response:
        clicks = self._clicks
        if head.slug is not None:
            response = clicks.answer(head, peer) or await clicks.complete(head, peer)
        elif head.path == b"/":
            response = clicks.root(head)
        elif head.path == b"/robots.txt":
            response = clicks.robots()
        else:
            response = clicks.not_found(head)
        return responses.ending(response) if head.has_body else response

    def _peer(self, scope: Scope) -> Peer:
        address = scope["client"][0] if scope.get("client") else ""
        return Peer(address, address in self._clicks.visitors.trusted)


def read_scope(scope: Scope) -> Head:
    """Return the head of a request from its ASGI scope."""
    return Head(scope["method"].encode(), scope["raw_path"], scope["query_string"], list(scope["headers"]))


def as_messages(response: Response) -> tuple[Message, Message]:
    """Return the two ASGI messages of a response."""
    start: dict[str, Any] = {"type": "http.response.start", "status": response.status}
    return {**start, "headers": list(response.headers)}, {"type": "http.response.body", "body": response.body}
