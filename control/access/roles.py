"""Roles, and who is asking."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal


class Role(StrEnum):
    """What a key or a person may do: look; also edit; also manage access, domains and secrets."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"

    def includes(self, other: "Role") -> bool:
        """Tell whether this role may do whatever `other` may."""
        return _ORDER.index(self) >= _ORDER.index(other)


_ORDER: Final = list(Role)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who makes a call, as the audit log names them. `csrf` is a session's token, "" for a key."""

    id: str
    name: str
    role: Role
    kind: Literal["key", "user", "system"]
    csrf: str = ""


SYSTEM: Final = Caller(id="system", name="Turnout", role=Role.ADMIN, kind="system")
"""The author of what nobody asked for by hand: the first start."""
