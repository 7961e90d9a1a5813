"""The audit log as the API gives it."""

from typing import Any

from pydantic import Field

from control.fields import Output, TimeOut


class Actor(Output):
    """Who made a change: an API key, a person, or the system."""

    kind: str
    id: str
    name: str


class AuditEntry(Output):
    """One change; `before` is null where there was nothing, `after` where nothing is left."""

    at: TimeOut
    actor: Actor
    action: str = Field(examples=["smart_link.update"])
    target: str = Field(examples=["o_mfzwizltoq2dgnbt"])
    before: dict[str, Any] | None
    after: dict[str, Any] | None
