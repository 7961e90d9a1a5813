"""What an import did, or would do."""

from typing import Any, Literal

from pydantic import Field

from control.fields import Output


class FieldChange(Output):
    """One field that differs."""

    field: str
    before: Any
    after: Any


class Change(Output):
    """One thing created or changed; `key` is its slug, host or code."""

    kind: Literal["domain", "partner", "offer", "link", "coupon"]
    action: Literal["create", "update"]
    key: str = Field(examples=["saas"])
    fields: list[FieldChange]


class ImportResult(Output):
    """What was done, or, with `plan`, what would be; the changes are cut at 1,000, the counts are not."""

    planned: bool
    created: int
    updated: int
    unchanged: int
    changes: list[Change]
