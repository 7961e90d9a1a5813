"""Passwords after the first one: one's own changed, and links by which a person sets a new one, once."""

from typing import Final

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncSession

from control.access import sessions, store, tokens, users
from control.access.models import PasswordLinkRow, UserRow
from control.access.roles import Caller, Role
from control.access.schemas import PasswordChange, PasswordLink, User
from control.access.sessions import LoggedIn
from control.audit.service import record
from control.db import now_ms
from control.errors import FieldError, Problem
from control.fields import utc
from control.ids import new_secret
from control.parts import Parts

LINK_HOURS: Final = 24
"""How long a password link works: long enough to be told on another channel, and no longer."""

_HOUR_MS: Final = 3_600_000


async def change_own(parts: Parts, caller: Caller, cookie: str, wanted: PasswordChange) -> None:
    """Give the caller another password and end their sessions but that of `cookie`.

    Raises Problem 403 for a key, 422 where the present password is wrong, 429 after many wrong ones.
    """
    if caller.kind != "user":
        raise Problem.forbidden("Only a person has a password; this is a key.")
    guesser = f"password of {caller.id}"
    parts.logins.require(guesser)
    async with parts.db.read() as session:
        present = (await users.require(session, caller.id)).password
    if not await tokens.password_fits(present, wanted.present_password.get_secret_value()):
        parts.logins.fail(guesser)
        raise Problem.invalid([FieldError("present_password", "wrong_password", "This is not your present password.")])
    parts.logins.forgive(guesser)
    password = await tokens.hash_password(wanted.new_password.get_secret_value())
    async with parts.db.write() as session:
        row = await users.require(session, caller.id)
        await _set(session, caller, row, password, but=tokens.digest_of(cookie))


async def make_link(parts: Parts, caller: Caller, user_id: str, base_url: str) -> PasswordLink:
    """Return a new password link for a person, at `base_url`; the ones before stop working. Raises Problem 404.

    Their password and sessions go on until the link is used: whoever asked for it may not have been them.
    """
    token = new_secret("set")
    expires_at = now_ms() + LINK_HOURS * _HOUR_MS
    async with parts.db.write() as session:
        row = await users.require(session, user_id)
        await store.drop_links_of(session, row.id)
        session.add(PasswordLinkRow(digest=tokens.digest_of(token), user_id=row.id, expires_at=expires_at))
        await record(session, caller, "user.make_password_link", row.id, before=None, after=None)
    return PasswordLink(url=f"{base_url.rstrip('/')}/password/{token}", expires_at=utc(expires_at))


async def owner_of(parts: Parts, token: str) -> User:
    """Return whose password a link sets. Raises Problem 410 for one that was used, is too old or never was."""
    async with parts.db.read() as session:
        return users.show(await _owner(session, token))


async def use_link(parts: Parts, token: str, password: SecretStr) -> LoggedIn:
    """Set the password of the link's owner, end their sessions and the link, and log them in. Raises Problem 410."""
    await owner_of(parts, token)  # before a hash is paid for
    hashed = await tokens.hash_password(password.get_secret_value())
    async with parts.db.write() as session:
        row = await _owner(session, token)
        await _set(session, Caller(row.id, row.name, Role(row.role), "user"), row, hashed)
        return await sessions.start(session, parts.settings, row)


async def _owner(session: AsyncSession, token: str) -> UserRow:
    row = await store.user_by_link(session, tokens.digest_of(token), now_ms())
    if row is None:
        raise Problem(410, "link_spent", "This link was used already or is too old. Ask an admin for a new one.")
    return row


async def _set(session: AsyncSession, caller: Caller, row: UserRow, password_hash: str, but: str = "") -> None:
    row.password = password_hash
    await store.end_sessions_of(session, row.id, but)
    await store.drop_links_of(session, row.id)
    await record(session, caller, "user.set_password", row.id, before=None, after={"password_changed": True})
