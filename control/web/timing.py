"""How long each page took to make, told to the browser's own tools as Server-Timing."""

import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class ServerTiming:
    """Adds `Server-Timing: app;dur=<ms>` to every response."""

    def __init__(self, app: ASGIApp) -> None:
        """Take the app to measure."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and measure until its response begins."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def send_timed(message: Message) -> None:
            if message["type"] == "http.response.start":
                spent_ms = (time.perf_counter() - started) * 1000
                message["headers"] = [*message["headers"], (b"server-timing", f"app;dur={spent_ms:.1f}".encode())]
            await send(message)

        await self._app(scope, receive, send_timed)
