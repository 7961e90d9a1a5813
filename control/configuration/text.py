"""The document as YAML or JSON, in both directions."""

import re
from typing import Any, Final

import orjson
import yaml
from pydantic import ValidationError

from control.configuration.document import Document
from control.errors import FieldError, Problem, field_errors

try:
    from yaml import CSafeDumper as SafeDumper
    from yaml import CSafeLoader as SafeLoader
except ImportError:  # PyYAML built without libyaml: the same, slower
    from yaml import SafeDumper, SafeLoader  # type: ignore[assignment]

YAML_TYPE: Final = "application/yaml"

_MAYBE_ALIAS: Final = re.compile(rb"(?:^|[\s\[\]{},:?-])\*[^\s]")
"""Where this does not match is no alias: looking for one properly takes as long as reading the document."""


def as_yaml(document: Document) -> bytes:
    """Return `document` as YAML, what is at its default left out."""
    text: str = yaml.dump(plain(document), Dumper=SafeDumper, sort_keys=False, allow_unicode=True, width=4096)
    return text.encode()


def as_json(document: Document) -> bytes:
    """Return `document` as JSON, what is at its default left out."""
    return orjson.dumps(plain(document), option=orjson.OPT_INDENT_2)


def plain(document: Document) -> dict[str, Any]:
    """Return `document` as plain values."""
    return {"turnout": 1, **document.model_dump(mode="json", exclude_defaults=True)}


def read(raw: bytes, media_type: str) -> Document:
    """Return the document in `raw`. Raises Problem 422."""
    fields = _yaml(raw) if "yaml" in media_type else _json(raw)
    try:
        return Document.model_validate(fields)
    except ValidationError as exc:
        raise Problem.invalid(field_errors(exc.errors(include_url=False, include_input=False))) from exc


def _json(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as exc:
        raise _malformed("malformed_json", f"The document is not JSON: {exc}.") from exc


def _yaml(raw: bytes) -> Any:
    """Aliases are refused: a few of them can make a few bytes into gigabytes."""
    try:
        if _MAYBE_ALIAS.search(raw) and any(
            isinstance(event, yaml.AliasEvent) for event in yaml.parse(raw, Loader=SafeLoader)
        ):
            raise _malformed("yaml_alias", "The document must not use YAML aliases (*name).")
        return yaml.load(raw, Loader=SafeLoader)  # it is the safe one
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        where = getattr(exc, "problem_mark", None)
        line = f" at line {where.line + 1}" if where else ""
        raise _malformed("malformed_yaml", f"The document is not YAML{line}.") from exc


def _malformed(code: str, message: str) -> Problem:
    return Problem.invalid([FieldError("", code, message)])
