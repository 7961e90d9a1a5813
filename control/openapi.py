"""The OpenAPI document: what FastAPI derives, with every refusal as problem details, and bodies of lines described."""

from copy import deepcopy
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from control.errors import MEDIA_TYPE

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_ALWAYS: Final = {
    400: "The request cannot be read as HTTP should be",
    404: "There is no such thing",
    413: "The body is too large",
    422: "The request is not valid; `errors` says where and why",
    429: "Too many failed attempts",
    503: "The database does not answer",
}
_SECURED: Final = {401: "No credentials, or wrong ones", 403: "The role does not allow this"}
_DESCRIPTION: Final = """\
Smart links: one URL, every visitor down the right track.

Send an API key as `Authorization: Bearer tn_...`. Lists are newest first and paged by `cursor`. Times are UTC. Refusals
are problem details (RFC 9457) with a stable `code`."""

_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "title": "Problem",
    "required": ["type", "title", "status", "code", "detail", "errors"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "examples": ["slug_taken"]},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "code", "message"],
                "properties": {
                    "path": {"type": "string", "examples": ["rules.0.destination_url"]},
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                },
            },
        },
    },
}


def lines_body(model: type[BaseModel], csv_example: str) -> dict[str, Any]:
    """Return what tells OpenAPI that a body is JSON lines, each like `model`, or CSV."""
    line = model.model_json_schema(ref_template="#/components/schemas/{model}")
    content = {
        "application/x-ndjson": {
            "schema": {"type": "string", "description": "One JSON object a line, each like this: " + _said(line)}
        },
        "text/csv": {"schema": {"type": "string"}, "example": csv_example},
    }
    return {"requestBody": {"required": True, "content": content}}


def _said(schema: dict[str, Any]) -> str:
    return ", ".join(f"`{name}`" for name in schema["properties"])


def install(app: FastAPI) -> None:
    """Make `app` describe itself by `document`."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way of extending it


def document(app: FastAPI) -> dict[str, Any]:
    """Return the whole document."""
    schema = deepcopy(get_openapi(title="Turnout", version=app.version, description=_DESCRIPTION, routes=app.routes))
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    schemas["Problem"] = _PROBLEM
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                _describe_refusals(path, method, item[method])
                _gather_definitions(item[method], schemas)
    return schema


def _gather_definitions(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Move what hand-written bodies define for themselves to where references look for it."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in holder.get("content", {}).values():
            schemas.update(content.get("schema", {}).pop("$defs", {}))


def _describe_refusals(path: str, method: str, operation: dict[str, Any]) -> None:
    refusals = dict(_ALWAYS)
    if "security" in operation:
        refusals |= _SECURED
    if path.endswith("/login"):
        refusals[401] = _SECURED[401]
    if method in ("post", "patch", "delete", "put"):
        refusals[409] = "This contradicts something that exists"
    if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ())):
        refusals[412] = "Somebody else edited this in the meantime; `current` is how it stands"
    if "requestBody" in operation:
        refusals[415] = "This media type is not taken here"
    for status, description in refusals.items():
        operation["responses"][str(status)] = _refusal(description)


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
