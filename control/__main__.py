"""`python -m control`: the API, the publisher beside it, and the click ingester in a process of its own."""

import asyncio
import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final

import uvicorn
import uvloop
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Lifespan

from control import app as root
from control import logs
from control.access.first_start import ADMIN_LOGIN, FirstAccess, ensure_access, ignored_settings
from control.auditor.auditor import auditing
from control.db import UnusableDatabase
from control.errors import Problem
from control.ingest.process import ingester
from control.parts import Parts
from control.settings import ControlSettings

_STOP_S: Final = 5


def main() -> int:
    """Run until a signal; return the exit status. What stands in the way is said in one sentence."""
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(_settings()))
    except (CannotStart, UnusableDatabase) as exc:
        print(f"turnout control: {exc}", file=sys.stderr)  # noqa: T201  # the user's answer, not a log line
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


class CannotStart(Exception):
    """Why control does not start, in one sentence."""


def _settings() -> ControlSettings:
    try:
        return ControlSettings()
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        name = "TURNOUT_" + "_".join(str(part) for part in first["loc"]).upper().removeprefix("TURNOUT_")
        raise CannotStart(f"{name}: {first['msg'].removeprefix('Value error, ')}") from exc


async def _run(settings: ControlSettings) -> None:
    logs.configure(settings.log_format, settings.log_level)
    listener = _listen(settings.host, settings.control_port)
    parts = _open(settings)
    try:
        await _prepare(parts)
        _tell(settings, await ensure_access(parts.db, settings), await ignored_settings(parts.db, settings))
        await _serve(parts, listener)
    finally:
        listener.close()
        await root.close(parts)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=512)
    except OSError as exc:
        reason = exc.strerror or str(exc)
        raise CannotStart(f"cannot listen on {host} port {port} (TURNOUT_CONTROL_PORT): {reason.lower()}") from exc


def _open(settings: ControlSettings) -> Parts:
    try:
        return root.open_parts(settings)
    except ValueError as exc:
        raise CannotStart(f"TURNOUT_REDIS_URL or TURNOUT_CLICKS_REDIS_URL: {exc}") from exc


async def _prepare(parts: Parts) -> None:
    try:
        await root.prepare(parts)
    except Problem as problem:
        raise CannotStart(f"TURNOUT_ROOT_URL: {problem.errors[0].message}") from problem
    except (SQLAlchemyError, OSError) as exc:
        cause = getattr(exc, "orig", None) or exc
        raise CannotStart(f"the database cannot be used: {str(cause).strip().splitlines()[0]}") from exc


def _tell(settings: ControlSettings, made: FirstAccess | None, ignored: str | None) -> None:
    """Say once, on standard output, how to get in for the first time."""
    address = f"http://{settings.host}:{settings.control_port}"
    lines = [f"Control runs on {address}"]
    if made is not None:
        lines.append("First start. These are shown this once:" if made.password or made.api_key else "First start.")
        secret = f"#{made.password}" if made.password else ""
        lines.append(f"  open       {address}/setup{secret}  to make the admin your own")
        lines.append(f"  or log in as  {ADMIN_LOGIN}  with the password  {made.password or '(TURNOUT_ADMIN_PASSWORD)'}")
        lines.append(f"  API key    {made.api_key or '(TURNOUT_BOOTSTRAP_API_KEY)'}")
    if ignored:
        lines.append(ignored)
    print("\n".join(lines), flush=True)  # noqa: T201  # for the person who started it


async def _serve(parts: Parts, listener: socket.socket) -> None:
    settings = parts.settings
    app = root.create_app(parts)
    app.router.lifespan_context = _with_more(app.router.lifespan_context, parts)
    config = uvicorn.Config(
        app,
        log_config=None,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        server_header=False,
        timeout_graceful_shutdown=_STOP_S,
        lifespan="on",
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)  # while uvicorn serves it has its own; it raises them again afterwards
    gc.freeze()  # a collector that walks what the start made holds up an answer by 0.1 s
    await uvicorn.Server(config).serve(sockets=[listener])


def _with_more(lifespan: Lifespan[Any], parts: Parts) -> Lifespan[Any]:
    """Run ingester and auditor as long as the app; inside its lifespan, for uvicorn ends the process right after it."""

    @asynccontextmanager
    async def all_of_it(app: Any) -> AsyncIterator[None]:
        audit = auditing(parts.auditor) if parts.settings.audit_edges else nullcontext()
        async with lifespan(app), ingester({}), audit:
            yield

    return all_of_it


if __name__ == "__main__":
    sys.exit(main())
