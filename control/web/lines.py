"""Many things pasted at once: a table from a spreadsheet or CSV, its first line naming the columns."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.types import Message

from control.bulk import BulkResult, LineResult
from control.errors import FieldError, Problem
from control.web import forms

MAX_TOLD: Final = 200
"""Failed lines that a page lists; all of them stay in the field."""


@dataclass(frozen=True, slots=True)
class ToldLine:
    """One line that was refused: what it was and why."""

    number: int
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Told:
    """How a paste fared, for people."""

    created: int
    failed: int
    lines: Sequence[ToldLine]


@dataclass(frozen=True, slots=True)
class Pasted:
    """Lines to be done: `texts` as they were typed, header first; `request` gives them to the bulk services as CSV."""

    texts: Sequence[str]
    request: Request

    def left(self, result: BulkResult) -> str:
        """Return what stays in the field: the header and the lines that failed, to be mended and sent again."""
        failed = [self.texts[line.line - 1] for line in result.results if line.status != 201]
        return "\n".join([self.texts[0], *failed])

    def told(self, result: BulkResult) -> Told:
        """Return `result` with what was typed beside each refusal."""
        failed = [line for line in result.results if line.status != 201][:MAX_TOLD]
        told = [ToldLine(line.line, self.texts[line.line - 1], _why(line)) for line in failed]
        return Told(result.created, result.failed, told)


def header(columns: Sequence[str]) -> str:
    """Return the first line of an empty paste."""
    return ",".join(columns) + "\n"


def read(text: str, columns: Sequence[str], always: Mapping[str, str]) -> Pasted:
    """Return pasted `text` whose columns are among `columns`, with the columns `always` added to each line.

    Tabs, as spreadsheets copy them, part cells as well as commas do. Raises Problem 422 about the field `lines`.
    """
    texts = [line.rstrip("\r") for line in text.strip("\n").split("\n")]
    tabs = "\t" in texts[0]
    names = [name.strip().lower() for name in _cells(texts[0], tabs)]
    _check_header(names, columns)
    if not any(line.strip() for line in texts[1:]):
        raise _refusal("There is nothing below the first line yet: one line is one of them.")
    extra = {name: value for name, value in always.items() if name not in names}
    rows = [_row([*names, *extra]), *(_line(line, tabs, list(extra.values())) for line in texts[1:])]
    return Pasted(texts, _as_request("\n".join(rows).encode()))


def missing(name: str) -> FieldError:
    """Return the fault of a field that must not be empty."""
    return FieldError(name, "missing", f"This needs a {name}.")


def _check_header(names: Sequence[str], columns: Sequence[str]) -> None:
    unknown = next((name for name in names if name not in columns), None)
    if unknown is not None:
        known = ", ".join(columns)
        raise _refusal(f"The first line names the columns, and “{unknown[:40]}” is none. They are: {known}.")


def _line(text: str, tabs: bool, extra: list[str]) -> str:
    """Return one line as CSV; what cannot be read is passed on, for the bulk services answer it line by line."""
    if not text.strip():
        return ""
    cells = _cells(text, tabs)
    return _row([*cells, *extra]) if cells else text


def _cells(text: str, tabs: bool) -> list[str]:
    if tabs:
        return [cell.strip() for cell in text.split("\t")]
    try:
        return next(iter(csv.reader([text], strict=True)), [])
    except csv.Error:
        return []


def _row(cells: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="").writerow(cells)
    return written.getvalue()


def _as_request(body: bytes) -> Request:
    """Return the request that the API would have got with this CSV."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request({"type": "http", "method": "POST", "headers": [(b"content-type", b"text/csv")]}, receive)


def _why(line: LineResult) -> str:
    faults = [FieldError(error.path, error.code, error.message) for error in line.errors]
    return " ".join(f"{fault.path}: {forms.say(fault)}" if fault.path else forms.say(fault) for fault in faults)


def _refusal(message: str) -> Problem:
    return Problem.invalid([FieldError("lines", "malformed", message)])
