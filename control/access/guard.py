"""The guard in front of every call: who is asking, and whether their role is enough.

`Viewer`, `Editor` and `Admin` are FastAPI dependencies that give the Caller or answer 401 or 403.
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer

from control.access import store, tokens
from control.access.roles import Caller, Role
from control.db import now_ms
from control.errors import Problem
from control.parts import Parts, PartsDep

SESSION_COOKIE: Final = "turnout_session"
CSRF_HEADER: Final = "X-CSRF-Token"
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key, `tn_...`")
_cookie = APIKeyCookie(
    name=SESSION_COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"A logged-in browser; anything but GET also needs the header {CSRF_HEADER}",
)


async def authenticate(request: Request, parts: Parts) -> Caller | None:
    """Return who makes `request`, by Bearer key or else by session cookie; None when it carries neither.

    Raises Problem 401 (429 after many failures) for a key that does not exist. CSRF is not checked here.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return await _caller_with_key(token.strip(), source_of(request), parts)
    cookie = request.cookies.get(SESSION_COOKIE)
    return await session_caller(cookie, parts) if cookie else None


def source_of(request: Request) -> str:
    """Return what failed attempts are counted by: the peer's address (uvicorn has resolved trusted proxies)."""
    return request.client.host if request.client else "unknown"


def require_csrf(caller: Caller, token: str) -> None:
    """Raise Problem 403 unless a session's `token` fits; a key needs none, for no browser sends it unasked."""
    if caller.kind == "user" and not hmac.compare_digest(caller.csrf.encode(), token.encode()):
        raise Problem.forbidden(f"The header {CSRF_HEADER} does not fit this session.", code="csrf")


async def session_caller(cookie: str, parts: Parts) -> Caller | None:
    """Return whose live session `cookie` is, or None."""
    async with parts.db.read() as session:
        found = await store.session_by_digest(session, tokens.digest_of(cookie), now_ms())
    if found is None:
        return None
    row, user = found
    return Caller(id=user.id, name=user.name, role=Role(user.role), kind="user", csrf=row.csrf)


async def _caller_with_key(token: str, source: str, parts: Parts) -> Caller:
    async with parts.db.glance() as connection:
        key = await store.key_by_digest(connection, tokens.digest_of(token)) if token else None
    if key is not None:
        return Caller(id=key.id, name=key.name, role=Role(key.role), kind="key")
    parts.keys.require(source)
    parts.keys.fail(source)
    raise Problem.unauthorized("There is no such API key.")


async def _caller(
    request: Request,
    parts: PartsDep,
    _key: Annotated[object, Depends(_bearer)],
    _session: Annotated[object, Depends(_cookie)],
) -> Caller:
    """The last two only tell OpenAPI how to authenticate; `authenticate` reads the request itself."""
    caller = await authenticate(request, parts)
    if caller is None:
        raise Problem.unauthorized()
    if request.method not in _SAFE_METHODS:
        require_csrf(caller, request.headers.get(CSRF_HEADER, ""))
    return caller


_CallerDep = Annotated[Caller, Depends(_caller)]


def require_role(caller: Caller, role: Role) -> None:
    """Raise Problem 403 unless `caller` may do what `role` may."""
    if not caller.role.includes(role):
        raise Problem.forbidden(f"This needs the role {role}; yours is {caller.role}.")


def _at_least(role: Role) -> Callable[[Caller], Awaitable[Caller]]:
    async def guard(caller: _CallerDep) -> Caller:
        require_role(caller, role)
        return caller

    return guard


Viewer = Annotated[Caller, Depends(_at_least(Role.VIEWER))]
Editor = Annotated[Caller, Depends(_at_least(Role.EDITOR))]
Admin = Annotated[Caller, Depends(_at_least(Role.ADMIN))]
