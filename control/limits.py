"""What every request and answer of the API is held to: a largest size, and headers that keep answers private."""

from collections.abc import Mapping
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from control.errors import Problem, respond

MIB: Final = 1024 * 1024
DEFAULT_BYTES: Final = MIB


class BodyLimit:
    """Answers 413 to a body that is larger than its path may have."""

    def __init__(self, app: ASGIApp, by_path: Mapping[str, int]) -> None:
        """Take the app to guard and the paths that may have more than 1 MiB, with their limits in bytes."""
        self._app = app
        self._by_path = by_path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._by_path.get(scope["path"], DEFAULT_BYTES)
        announced = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if announced.isdigit() and int(announced[:20]) > limit:
            await respond(_too_large(limit))(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)


def _counted(receive: Receive, limit: int) -> Receive:
    received = 0

    async def receive_counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > limit:
            raise HTTPException(413, _too_large(limit).detail)
        return message

    return receive_counted


def _too_large(limit: int) -> Problem:
    return Problem(413, "too_large", f"A body here has at most {limit:,} bytes.")


_PRIVATE: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class PrivateAnswers:
    """Keeps answers under a path out of every cache, and browsers from guessing what they are."""

    def __init__(self, app: ASGIApp, path: str) -> None:
        """Take the app and how the paths concerned begin."""
        self._app = app
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and add to its answer's headers."""
        if scope["type"] != "http" or not scope["path"].startswith(self._path):
            await self._app(scope, receive, send)
            return

        async def send_private(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_PRIVATE]
            await send(message)

        await self._app(scope, receive, send_private)
