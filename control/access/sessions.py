"""Logging in and out: a session lives in SQL, its cookie is random and says nothing."""

from dataclasses import dataclass
from typing import Final

from control.access import store, tokens
from control.access.models import SessionRow
from control.access.roles import Caller, Role
from control.db import now_ms
from control.errors import Problem
from control.ids import new_secret
from control.parts import Parts

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
    if wait_s := max(parts.logins.wait_s(name) for name in names):
        raise Problem.too_many(wait_s)
    async with parts.db.read() as session:
        user = await store.user_by_login(session, login)
    if not await tokens.password_fits(user.password if user else None, password) or user is None:
        for name in names:
            parts.logins.fail(name)
        raise Problem.unauthorized("Login or password is wrong.")
    for name in names:
        parts.logins.forgive(name)
    return await _start(parts, Caller(user.id, user.name, Role(user.role), "user", csrf=new_secret("csrf")))


async def log_out(parts: Parts, cookie: str) -> None:
    """End the session of `cookie`, if there is one."""
    async with parts.db.write() as session:
        await store.end_session(session, tokens.digest_of(cookie))


async def _start(parts: Parts, caller: Caller) -> LoggedIn:
    cookie = new_secret("s")
    now = now_ms()
    hours = parts.settings.session_hours
    async with parts.db.write() as session:
        await store.drop_expired(session, now)
        session.add(
            SessionRow(
                digest=tokens.digest_of(cookie),
                user_id=caller.id,
                csrf=caller.csrf,
                created_at=now,
                expires_at=now + hours * _HOUR_MS,
            )
        )
    return LoggedIn(cookie, hours * 3600, caller)
