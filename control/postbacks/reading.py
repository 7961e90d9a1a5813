"""What a postback says: parameters from the query, and from a form or a JSON object in the body."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from fastapi import Request

from control.errors import FieldError, Problem

MAX_BODY_BYTES: Final = 64 * 1024
MAX_PARAMS: Final = 100
MAX_IGNORED: Final = 20

NAMES: Final = ("click_id", "coupon", "txn_id", "amount", "currency", "event", "refund_id")
ALIASES: Final = {"coupon_code": "coupon"}
SECRET: Final = "secret"  # noqa: S105  # a parameter's name
SECRET_HEADER: Final = "X-Turnout-Secret"  # noqa: S105  # a header's name


@dataclass(slots=True)
class Said:
    """Parameters by name, without blanks at the ends; an empty one counts as absent. `secrets` are all that were sent.

    `faults` are those of reading: a parameter said twice in two ways, a value that is no text.
    """

    params: dict[str, str] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    faults: list[FieldError] = field(default_factory=list)

    def take(self, pairs: Iterable[tuple[str, Any]]) -> None:
        """Add parameters; numbers are those of JSON, as they were written."""
        for name, value in pairs:
            known = ALIASES.get(name, name)
            if known not in (*NAMES, SECRET):
                self._ignore(name)
            elif value is None or isinstance(value, str):
                self._take(known, (value or "").strip())
            else:
                self.faults.append(FieldError(known, "not_a_text", "Send a text or a number."))

    def _take(self, name: str, value: str) -> None:
        if not value:
            return
        if name == SECRET:
            self.secrets.append(value)
        elif self.params.setdefault(name, value) != value:
            self.faults.append(FieldError(name, "ambiguous", "This is said twice, and not alike."))

    def _ignore(self, name: str) -> None:
        if len(self.ignored) < MAX_IGNORED and name not in self.ignored:
            self.ignored.append(name[:100])


async def read(request: Request, said: Said) -> None:
    """Take what a request says into `said`; a body that cannot be read is a fault. Raises Problem 413, 415."""
    _take_headers(said, request)
    said.take(request.query_params.multi_items()[:MAX_PARAMS])
    body = await _body(request) if request.method == "POST" else b""
    if body:
        try:
            said.take(_pairs(request, body)[:MAX_PARAMS])
        except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError among them
            said.faults.append(FieldError("", "malformed_body", "The body is not what its Content-Type says."))


def _take_headers(said: Said, request: Request) -> None:
    said.take([(SECRET, request.headers.get(SECRET_HEADER))])
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        said.take([(SECRET, token)])


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise Problem(413, "too_large", f"A postback's body has at most {MAX_BODY_BYTES:,} bytes.")
    return bytes(body)


def _pairs(request: Request, body: bytes) -> list[tuple[str, Any]]:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == "application/x-www-form-urlencoded":
        return list(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MAX_PARAMS))
    if media_type == "application/json":
        # numbers stay as they were written: an amount is never a binary fraction
        read_ = json.loads(body, parse_float=str, parse_int=str, parse_constant=str)
        if not isinstance(read_, dict):
            raise ValueError("no object")
        return [(_text(name), _text(value)) for name, value in read_.items()]
    raise Problem(415, "unsupported_media_type", "Send application/x-www-form-urlencoded or application/json.")


def _text(value: Any) -> Any:
    """Return a value as it is, half a surrogate pair in a text replaced: it is no character."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
