"""Writing the audit log, inside the transaction of the change itself."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from control.access.roles import Caller
from control.audit.models import AUDIT
from control.db import now_ms

_ADD: Final = insert(AUDIT)
"""Made once, and no object: who waits for an edit waits for it."""

_SECRET: Final = ("password", "postback_secret", "token", "digest")


async def record(
    session: AsyncSession,
    caller: Caller,
    action: str,
    target: str,
    *,
    before: BaseModel | Mapping[str, Any] | None,
    after: BaseModel | Mapping[str, Any] | None,
) -> None:
    """Add one entry: `action` such as `offer.update`, `target` the id of what changed, its state before and after.

    Secrets are left out of both states.
    """
    entry = {
        "at": now_ms(),
        "actor_kind": caller.kind,
        "actor_id": caller.id,
        "actor_name": caller.name,
        "action": action,
        "target": target,
        "before": _plain(before),
        "after": _plain(after),
    }
    await session.execute(_ADD, entry)


def _plain(state: BaseModel | Mapping[str, Any] | None) -> dict[str, Any] | None:
    if state is None:
        return None
    fields = state.model_dump(mode="json") if isinstance(state, BaseModel) else dict(state)
    return {name: value for name, value in fields.items() if name not in _SECRET}
