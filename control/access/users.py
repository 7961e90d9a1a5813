"""People: added, changed, removed. The last admin stays."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from control.access import store, tokens
from control.access.models import UserRow
from control.access.roles import Caller, Role
from control.access.schemas import User, UserIn, UserPatch
from control.audit.service import record
from control.db import now_ms
from control.errors import Problem
from control.fields import utc
from control.ids import new_id
from control.pagination import Cursor, Page, as_page, page_of
from control.parts import Parts


def show(row: UserRow) -> User:
    """Return a person as the API gives them."""
    return User(
        id=row.id,
        login=row.login,
        name=row.name,
        role=Role(row.role),
        created_at=utc(row.created_at),
        last_login_at=None if row.last_login_at is None else utc(row.last_login_at),
    )


async def page(parts: Parts, cursor: Cursor) -> Page[User]:
    """Return one page of people."""
    async with parts.db.read() as session:
        rows, following = await page_of(session, select(UserRow), UserRow.number, cursor)
    return as_page(rows, following, show)


async def get(parts: Parts, user_id: str) -> User:
    """Return one person. Raises Problem 404."""
    async with parts.db.read() as session:
        return show(await require(session, user_id))


async def create(parts: Parts, caller: Caller, wanted: UserIn) -> User:
    """Add a person. Raises Problem 409 where the login is taken."""
    password = await tokens.hash_password(wanted.password.get_secret_value()) if wanted.password else ""
    async with parts.db.write() as session:
        await require_free(session, wanted.login)
        return show(await add(session, caller, wanted, password))


async def add(session: AsyncSession, caller: Caller, wanted: UserIn, password_hash: str) -> UserRow:
    """Store a person in the caller's transaction."""
    row = UserRow(
        id=new_id("u"),
        login=wanted.login,
        name=wanted.name or wanted.login,
        role=wanted.role,
        password=password_hash,
        created_at=now_ms(),
    )
    session.add(row)
    await session.flush()
    await record(session, caller, "user.create", row.id, before=None, after=show(row))
    return row


async def update(parts: Parts, caller: Caller, user_id: str, wanted: UserPatch) -> User:
    """Change a person. Raises Problem 404; 409 where the last admin would be none any more."""
    given = wanted.given()
    if password := given.pop("password", None):
        given["password"] = await tokens.hash_password(password.get_secret_value())
    async with parts.db.write() as session:
        row = await require(session, user_id)
        before = show(row)
        if given.get("role", row.role) != Role.ADMIN:
            await _require_another_admin(session, row)
        for name, value in given.items():
            setattr(row, name, value)
        if "password" in given or "role" in given:
            await store.end_sessions_of(session, row.id)
        if "password" in given:
            await store.drop_links_of(session, row.id)
        await record(session, caller, "user.update", row.id, before=before, after=_state(show(row), given))
    return show(row)


async def delete(parts: Parts, caller: Caller, user_id: str) -> User:
    """Remove a person and end their sessions. Raises Problem 404; 409 for the last admin."""
    async with parts.db.write() as session:
        row = await require(session, user_id)
        await _require_another_admin(session, row)
        await store.end_sessions_of(session, row.id)
        await store.drop_links_of(session, row.id)
        await session.delete(row)
        await record(session, caller, "user.delete", row.id, before=show(row), after=None)
    return show(row)


async def _require_another_admin(session: AsyncSession, row: UserRow) -> None:
    if row.role == Role.ADMIN and len(await store.admins(session)) == 1:
        raise Problem.conflict("last_admin", f"{row.name} is the only admin: make somebody else one first.", "role")


def _state(user: User, given: dict[str, object]) -> dict[str, object]:
    """Return what the audit log keeps: that a password changed, never to what."""
    return user.model_dump(mode="json") | ({"password_changed": True} if "password" in given else {})


async def require(session: AsyncSession, user_id: str) -> UserRow:
    """Return a person. Raises Problem 404."""
    row = await store.user_by_id(session, user_id)
    if row is None:
        raise Problem.not_found("user")
    return row


async def require_free(session: AsyncSession, login: str) -> None:
    """Raise Problem 409 where somebody logs in as `login`."""
    if await store.user_by_login(session, login):
        raise Problem.conflict("login_taken", f"{login} is somebody's login already.", "login")
