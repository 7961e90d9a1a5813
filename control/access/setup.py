"""Setting up: whoever has the password of the first start makes the first admin their own, in the browser.

Open until somebody has logged in or a second person was added. A stranger who finds the page lacks that password.
"""

from pydantic import SecretStr

from control.access import sessions, store, tokens, users
from control.access.models import UserRow
from control.access.roles import Caller, Role
from control.access.schemas import FirstAdmin
from control.access.sessions import LoggedIn
from control.audit.service import record
from control.errors import FieldError, Problem
from control.parts import Parts


async def is_open(parts: Parts) -> bool:
    """Tell whether nobody has set this installation up yet."""
    async with parts.db.read() as session:
        return await store.first_admin(session) is not None


async def claim(parts: Parts, wanted: FirstAdmin, source: str) -> LoggedIn:
    """Give the first admin a login, a name and a password, and log them in.

    Raises Problem 409 once it was done, 422 for a wrong secret, 429 after many: they count as wrong logins do.
    """
    async with parts.db.read() as session:
        admin = await store.first_admin(session)
    if admin is None:
        raise _done()
    await _require_secret(parts, admin, wanted.secret, source)
    password = await tokens.hash_password(wanted.password.get_secret_value())
    async with parts.db.write() as session:
        row = await store.first_admin(session)
        if row is None or row.password != admin.password:
            raise _done()
        before = users.show(row)
        row.login, row.name, row.password = wanted.login, wanted.name, password
        entered = await sessions.start(session, parts.settings, row)
        caller = Caller(row.id, row.name, Role(row.role), "user")
        await record(session, caller, "user.set_up", row.id, before=before, after=users.show(row))
    return entered


async def _require_secret(parts: Parts, admin: UserRow, secret: SecretStr, source: str) -> None:
    guessers = (f"from {source}", f"as {admin.login}")
    parts.logins.require(*guessers)
    if not await tokens.password_fits(admin.password, secret.get_secret_value()):
        parts.logins.fail(*guessers)
        fault = "This is not the password that was printed, or given, at the first start."
        raise Problem.invalid([FieldError("secret", "wrong_secret", fault)])


def _done() -> Problem:
    return Problem.conflict("set_up_already", "This installation was set up already: log in.")
