"""Bulk work: JSON lines or CSV, read as they arrive, done five hundred at a time, answered line by line."""

import codecs
import csv
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson
from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from control.errors import FieldError, Problem, field_errors
from control.fields import Output

MAX_LINES_AT_ONCE: Final = 500
MAX_LINE_CHARS: Final = 16 * 1024
_BOOLEANS: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

T = TypeVar("T", bound=BaseModel)


class LineError(Output):
    """One fault of a line."""

    path: str
    code: str
    message: str


class LineResult(Output):
    """How one line fared: 201 with what was made, or 409 or 422 with why not."""

    line: int = Field(description="From 1; a CSV's header is line 1")
    status: int
    id: str | None = None
    slug: str | None = None
    url: str | None = None
    code: str | None = None
    errors: list[LineError] = Field(default_factory=list)


class BulkResult(Output):
    """How a body fared, in its order."""

    created: int
    failed: int
    results: list[LineResult]


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one of many was not added: 409 or 422, and its faults."""

    status: int
    errors: tuple[FieldError, ...]

    @property
    def problem(self) -> Problem:
        """The answer where it was the only one."""
        first = self.errors[0]
        return (
            Problem.conflict(first.code, first.message, first.path)
            if self.status == 409
            else Problem.invalid(self.errors)
        )


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """One line: what it asks for, or what is wrong with it."""

    number: int
    wanted: T | None
    errors: tuple[FieldError, ...] = ()


def failed(number: int, status: int, errors: Sequence[FieldError]) -> LineResult:
    """Return the answer to a line that was refused."""
    shown = [LineError(path=error.path, code=error.code, message=error.message) for error in errors[:10]]
    return LineResult(line=number, status=status, code=shown[0].code if shown else "invalid", errors=shown)


async def run(
    request: Request, model: type[T], work: Callable[[Sequence[Line[T]]], Awaitable[list[LineResult]]]
) -> BulkResult:
    """Read `request`'s lines as `model` and hand at most 500 at a time to `work`, which answers each of them.

    Lines that cannot be read are answered here. What was done stays done when a later part of the body is bad.
    """
    results: list[LineResult] = []
    async for chunk in _chunks(request, model):
        good = [line for line in chunk if line.wanted is not None]
        answers = {answer.line: answer for answer in (await work(good) if good else [])}
        results += [answers.get(line.number) or failed(line.number, 422, line.errors) for line in chunk]
    if not results:
        raise Problem.invalid([FieldError("", "empty", "Send at least one line.")])
    created = sum(result.status == 201 for result in results)
    return BulkResult(created=created, failed=len(results) - created, results=results)


async def _chunks(request: Request, model: type[T]) -> AsyncIterator[list[Line[T]]]:
    read = _reader(request, model)
    chunk: list[Line[T]] = []
    number = 0
    async for text in _lines(request):
        number += 1
        line = read(number, text)
        if line is not None:
            chunk.append(line)
        if len(chunk) == MAX_LINES_AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


async def _lines(request: Request) -> AsyncIterator[str]:
    """Give the body's lines, without their ends; one that is too long is given cut, so that it cannot be read."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
    rest = ""
    async for part in request.stream():
        *whole, rest = (rest + decoder.decode(part)).split("\n")
        for text in whole:
            yield text
        if len(rest) > MAX_LINE_CHARS:
            rest = rest[: MAX_LINE_CHARS + 1]
    rest += decoder.decode(b"", final=True)
    if rest:
        yield rest


def _reader(request: Request, model: type[T]) -> Callable[[int, str], Line[T] | None]:
    """Return what reads one line of this request's media type; None for a line that asks for nothing."""
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type == "text/csv":
        return _CsvReader(model)
    if media_type in ("application/x-ndjson", "application/jsonl", "application/json", "text/plain", ""):
        return lambda number, text: _json_line(model, number, text)
    raise Problem(415, "unsupported_media_type", "Send application/x-ndjson (JSON lines) or text/csv.")


def _json_line(model: type[T], number: int, text: str) -> Line[T] | None:
    if not text.strip():
        return None
    if len(text) > MAX_LINE_CHARS:
        return Line(number, None, (FieldError("", "line_too_long", "This line is too long."),))
    try:
        fields = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Line(number, None, (FieldError("", "malformed_json", "This line is not JSON."),))
    return _validated(model, number, fields)


class _CsvReader(Generic[T]):
    """Reads CSV lines: the first one names the fields; an empty cell leaves its field out."""

    def __init__(self, model: type[T]) -> None:
        self._model = model
        self._header: list[str] = []
        self._booleans = {name for name, field in model.model_fields.items() if field.annotation is bool}

    def __call__(self, number: int, text: str) -> Line[T] | None:
        if not text.strip():
            return None
        if len(text) > MAX_LINE_CHARS:
            return Line(number, None, (FieldError("", "line_too_long", "This line is too long."),))
        try:
            (cells,) = csv.reader([text.rstrip("\r")], strict=True)
        except (csv.Error, ValueError):
            return Line(number, None, (FieldError("", "malformed_csv", "This line is not CSV."),))
        if not self._header:
            self._header = [cell.strip() for cell in cells]
            return None
        if len(cells) != len(self._header):
            message = f"This line has {len(cells)} cells, the header {len(self._header)}."
            return Line(number, None, (FieldError("", "malformed_csv", message),))
        named = zip(self._header, (cell.strip() for cell in cells), strict=True)
        return _validated(self._model, number, {name: self._value(name, cell) for name, cell in named if cell})

    def _value(self, name: str, cell: str) -> Any:
        return _BOOLEANS.get(cell.lower(), cell) if name in self._booleans else cell


def _validated(model: type[T], number: int, fields: Any) -> Line[T]:
    try:
        return Line(number, model.model_validate(fields))
    except ValidationError as exc:
        return Line(number, None, tuple(field_errors(exc.errors(include_url=False, include_input=False))))
