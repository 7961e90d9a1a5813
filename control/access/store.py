"""All queries on keys, people, their sessions and password links."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Row, ScalarResult, bindparam, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from control.access.models import KeyRow, PasswordLinkRow, SessionRow, UserRow
from control.access.roles import Role

_KEY: Final = select(KeyRow.id, KeyRow.name, KeyRow.role).where(KeyRow.digest == bindparam("digest"))
_SESSION: Final = (
    select(SessionRow, UserRow)
    .join(UserRow, UserRow.id == SessionRow.user_id)
    .where(SessionRow.digest == bindparam("digest"), SessionRow.expires_at > bindparam("now"))
)
"""Made once: every call asks one of them, and making a question takes longer than the answer."""


async def key_by_digest(connection: AsyncConnection | AsyncSession, digest: str) -> Row[str, str, str] | None:
    """Return id, name and role of the key whose token has this digest."""
    return (await connection.execute(_KEY, {"digest": digest})).one_or_none()


async def key_by_id(session: AsyncSession, key_id: str) -> KeyRow | None:
    """Return a key."""
    return (await session.scalars(select(KeyRow).where(KeyRow.id == key_id))).one_or_none()


async def user_by_id(session: AsyncSession, user_id: str) -> UserRow | None:
    """Return a person."""
    return (await session.scalars(select(UserRow).where(UserRow.id == user_id))).one_or_none()


async def user_by_login(session: AsyncSession, login: str) -> UserRow | None:
    """Return the person who logs in as `login` (lower case)."""
    return (await session.scalars(select(UserRow).where(UserRow.login == login))).one_or_none()


async def session_by_digest(session: AsyncSession, digest: str, now_ms: int) -> tuple[SessionRow, UserRow] | None:
    """Return a live session and whose it is."""
    row = (await session.execute(_SESSION, {"digest": digest, "now": now_ms})).one_or_none()
    return None if row is None else (row[0], row[1])


async def end_session(session: AsyncSession, digest: str) -> None:
    """Forget one session."""
    await session.execute(delete(SessionRow).where(SessionRow.digest == digest))


async def end_sessions_of(session: AsyncSession, user_id: str, but: str = "") -> None:
    """Forget every session of a person, except the one with the digest `but`."""
    await session.execute(delete(SessionRow).where(SessionRow.user_id == user_id, SessionRow.digest != but))


async def drop_expired(session: AsyncSession, now_ms: int) -> None:
    """Forget sessions and password links that are over."""
    await session.execute(delete(SessionRow).where(SessionRow.expires_at <= now_ms))
    await session.execute(delete(PasswordLinkRow).where(PasswordLinkRow.expires_at <= now_ms))


async def user_by_link(session: AsyncSession, digest: str, now_ms: int) -> UserRow | None:
    """Return whose password the link with this digest sets, None where it was used or is too old."""
    query = (
        select(UserRow)
        .join(PasswordLinkRow, PasswordLinkRow.user_id == UserRow.id)
        .where(PasswordLinkRow.digest == digest, PasswordLinkRow.expires_at > now_ms)
    )
    return (await session.scalars(query)).one_or_none()


async def drop_links_of(session: AsyncSession, user_id: str) -> None:
    """Forget every password link of a person."""
    await session.execute(delete(PasswordLinkRow).where(PasswordLinkRow.user_id == user_id))


async def first_admin(session: AsyncSession) -> UserRow | None:
    """Return the only person there is, as long as they have never logged in: nobody has set this up yet."""
    people = (await session.scalars(select(UserRow).limit(2))).all()
    return people[0] if len(people) == 1 and people[0].last_login_at is None else None


async def admins(session: AsyncSession) -> Sequence[UserRow]:
    """Return every person who is an admin."""
    found: ScalarResult[UserRow] = await session.scalars(select(UserRow).where(UserRow.role == Role.ADMIN))
    return found.all()


async def is_first_start(session: AsyncSession) -> bool:
    """Tell whether there is neither a key nor a person yet."""
    keys = await session.scalar(select(func.count()).select_from(KeyRow))
    people = await session.scalar(select(func.count()).select_from(UserRow))
    return not keys and not people
