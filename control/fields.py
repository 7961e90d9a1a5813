"""Field types that several nouns share: how texts, times and unset fields look in requests and answers."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

import orjson
from fastapi import Path, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic import StringConstraints as Text
from pydantic_core import PydanticCustomError

from shared.key import SLUG_PATTERN

_MAX_JSON: Final = 64 * 1024

MAX_URL_CHARS: Final = 2048
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ]")
_PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"


class Input(BaseModel):
    """A request's body: unknown fields are refused, for they are mostly misspelt known ones."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def given(self) -> dict[str, Any]:
        """Return the fields that the request named, as a PATCH means them."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def example(**fields: Any) -> ConfigDict:
    """Return the configuration of an `Input` with an example of the whole, for OpenAPI."""
    return ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [fields]})


class Output(BaseModel):
    """An answer's body."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


def unset() -> Any:
    """Give the default of a field that a PATCH leaves alone; it is never read (see `Input.given`)."""
    return None


def utc(ms: int) -> datetime:
    """Return a stored time as an aware datetime."""
    return _EPOCH + timedelta(milliseconds=ms)


def to_ms(time: datetime) -> int:
    """Return an aware datetime as it is stored."""
    return (time - _EPOCH) // timedelta(milliseconds=1)


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _require_text(value: Any) -> Any:
    if not isinstance(value, str | datetime) or (isinstance(value, str) and not _TIME.match(value)):
        raise ValueError("a time is written as 2026-11-22T10:00:00Z")
    return value


def _require_storable(value: datetime) -> datetime:
    try:
        utc(to_ms(value))
    except (OverflowError, ValueError) as exc:
        raise ValueError("a time lies between the years 1 and 9999") from exc
    return value


def _require_small(value: Any) -> Any:
    if _is_surely_small(value):
        return value
    try:
        size = len(json.dumps(value))
    except RecursionError as exc:
        raise ValueError("this is nested too deeply") from exc
    if size > _MAX_JSON:
        raise ValueError("this is too large")
    return value


def _is_surely_small(value: Any) -> bool:
    """Tell without writing it out as `json` does: that escapes, and puts blanks, and is at most three times as long.

    Pages read hundreds of rules, each of which is asked for.
    """
    try:
        return len(orjson.dumps(value)) * 3 <= _MAX_JSON
    except orjson.JSONEncodeError:
        return False


def _require_plain(value: Any) -> Any:
    """Refuse control characters at the ends, too, where some of them would be stripped as blanks."""
    if isinstance(value, str) and not re.fullmatch(_PLAIN, value):
        raise PydanticCustomError("string_pattern_mismatch", "String should have no control characters")
    return value


Name = Annotated[
    str, Text(strip_whitespace=True, min_length=1, max_length=200, pattern=_PLAIN), BeforeValidator(_require_plain)
]
OptionalName = Annotated[
    str, Text(strip_whitespace=True, max_length=200, pattern=_PLAIN), BeforeValidator(_require_plain)
]
Slug = Annotated[str, Text(pattern=f"^{SLUG_PATTERN}$", max_length=64)]
Url = Annotated[str, Text(min_length=1, max_length=MAX_URL_CHARS)]
Preset = Annotated[str, Text(max_length=200, pattern=_PLAIN)]
Id = Annotated[str, Text(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
PathId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="An id, as the list gives it")]
Currency = Annotated[str, Text(pattern=r"^[A-Z]{3}$")]
TimeIn = Annotated[AwareDatetime, BeforeValidator(_require_text), AfterValidator(_require_storable)]
TimeOut = Annotated[datetime, PlainSerializer(_iso, return_type=str), Field(examples=["2026-11-22T10:00:00.000Z"])]
SmallJson = Annotated[dict[str, Any], BeforeValidator(_require_small)]
SlugQuery = Annotated[str | None, Query(max_length=64, pattern=_PLAIN, description="Only the one with this slug")]
OverrideQuery = Annotated[
    bool,
    Query(description="Admins only: save although saved tests fail; it is on the record, here and in the audit log"),
]
IdQuery = Annotated[str | None, Query(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="Only those of this one")]
WordQuery = Annotated[str | None, Query(max_length=253, pattern=_PLAIN)]
