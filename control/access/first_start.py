"""The first start: an admin to log in as and a key to call with, taken from the settings or made up and told once."""

from dataclasses import dataclass
from typing import Final

from pydantic import SecretStr

from control.access import keys, store, tokens, users
from control.access.roles import SYSTEM, Role
from control.access.schemas import UserIn
from control.db import Database
from control.ids import new_secret
from control.settings import ControlSettings

ADMIN_LOGIN: Final = "admin"


@dataclass(frozen=True, slots=True)
class FirstAccess:
    """What was made up at the first start and is to be told once; "" for what the settings gave."""

    api_key: str
    password: str


async def ensure_access(db: Database, settings: ControlSettings) -> FirstAccess | None:
    """Make the first admin and the first key where there are neither people nor keys; else None.

    Two controls that start at once make them once.
    """
    async with db.read() as session:
        if not await store.is_first_start(session):
            return None
    given_key = settings.bootstrap_api_key.get_secret_value()
    given_password = settings.admin_password.get_secret_value()
    made = FirstAccess("" if given_key else new_secret("tn"), "" if given_password else new_secret("pw"))
    password_hash = await tokens.hash_password(given_password or made.password)
    async with db.write() as session:
        if not await store.is_first_start(session):
            return None
        await keys.add(session, SYSTEM, "First start", Role.ADMIN, given_key or made.api_key)
        password = SecretStr(given_password or made.password)
        admin = UserIn.model_construct(login=ADMIN_LOGIN, name="Admin", role=Role.ADMIN, password=password)
        await users.add(session, SYSTEM, admin, password_hash)
    return made


async def ignored_settings(db: Database, settings: ControlSettings) -> str | None:
    """Return a sentence where the settings give a key that does not work, for it came after the first start."""
    token = settings.bootstrap_api_key.get_secret_value()
    if not token:
        return None
    async with db.read() as session:
        if await store.key_by_digest(session, tokens.digest_of(token)):
            return None
    return "TURNOUT_BOOTSTRAP_API_KEY is ignored: it counts at the first start only, and there are keys already."
