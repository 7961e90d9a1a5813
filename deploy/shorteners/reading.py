"""A file of another shortener's links -> its entries: what its API answered, in pages or gathered, or a line each."""

import json
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from deploy.refusal import Refusal
from deploy.shorteners.shorturl import CannotMove

MAX_BYTES: Final = 256 * 1024 * 1024
Model = TypeVar("Model", bound=BaseModel)


def entries_in(file: Path) -> list[Any]:
    """Return the entries of a file, in order. Raises Refusal where the file as a whole cannot be read."""
    if file.stat().st_size > MAX_BYTES:
        raise Refusal(f"{file} is larger than {MAX_BYTES >> 20} MiB: import it in parts.")
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Refusal(f"{file} is not UTF-8 text.") from exc
    return [entry for page in _documents(file, text) for entry in _entries(file, page)]


def _documents(file: Path, text: str) -> list[Any]:
    """Return the JSON documents in a file: one, or one a line."""
    try:
        return [json.loads(text)]
    except (ValueError, RecursionError) as exc:
        lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:
            raise Refusal(f"{file} is not JSON: {exc}.") from exc
    return [_line(file, number, line) for number, line in lines]


def _line(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise Refusal(f"{file} is not JSON, nor is line {number} of it: {exc}.") from exc


def _entries(file: Path, document: Any) -> list[Any]:
    """Return what a page lists, or the one entry that it is."""
    if isinstance(document, list):
        return [entry for page in document for entry in _entries(file, page)]
    if not isinstance(document, dict):
        raise Refusal(f"{file} holds {type(document).__name__}s where links should be.")
    listed = document.get("shortUrls", document)
    data = listed.get("data") if isinstance(listed, dict) else None
    return list(data) if isinstance(data, list) else [document]


def checked(model: type[Model], entry: Any) -> Model:
    """Return an entry as `model`. Raises CannotMove that names the field at fault."""
    try:
        return model.model_validate(entry)
    except ValidationError as exc:
        fault = exc.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise CannotMove(f"{where or 'the entry'}: {fault['msg'].lower()}") from exc
