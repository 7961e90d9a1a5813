"""Logging in and out: a session lives in SQL, its cookie is random and says nothing."""

from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from control.access import store, tokens, users
from control.access.models import SessionRow, UserRow
from control.access.roles import Caller, Role
from control.db import now_ms
from control.errors import Problem
from control.ids import new_secret
from control.parts import Parts
from control.settings import ControlSettings

_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A new session: its cookie's value, how long it lasts, and who it is."""

    cookie: str
    max_age_s: int
    caller: Caller


async def log_in(parts: Parts, login: str, password: str, source: str) -> LoggedIn:
    """Start a session. Raises Problem 401 for a wrong login or password; 429 after many by a `source` or for a login.

    Whoever is made to wait waits even with the right password, or guessing would go on.
    """
    login = login.strip().lower()
    names = (f"from {source}", f"as {login[:200]}")
    parts.logins.require(*names)
    async with parts.db.read() as session:
        user = await store.user_by_login(session, login)
    if not await tokens.password_fits(user.password if user else None, password) or user is None:
        parts.logins.fail(*names)
        raise Problem.unauthorized("Login or password is wrong.")
    parts.logins.forgive(*names)
    async with parts.db.write() as session:
        return await start(session, parts.settings, await users.require(session, user.id))


async def log_out(parts: Parts, cookie: str) -> None:
    """End the session of `cookie`, if there is one."""
    async with parts.db.write() as session:
        await store.end_session(session, tokens.digest_of(cookie))


async def start(session: AsyncSession, settings: ControlSettings, user: UserRow) -> LoggedIn:
    """Start a session of `user`, who has shown who they are, in the caller's transaction."""
    cookie, csrf = new_secret("s"), new_secret("csrf")
    now, hours = now_ms(), settings.session_hours
    await store.drop_expired(session, now)
    expires_at = now + hours * _HOUR_MS
    digest = tokens.digest_of(cookie)
    session.add(SessionRow(digest=digest, user_id=user.id, csrf=csrf, created_at=now, expires_at=expires_at))
    user.last_login_at = now
    return LoggedIn(cookie, hours * 3600, Caller(user.id, user.name, Role(user.role), "user", csrf))
