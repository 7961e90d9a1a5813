"""The OpenAPI document: what FastAPI derives, with every refusal as problem details, and bodies of lines described."""

from copy import deepcopy
from typing import Any, Final, get_args

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel

from control.access.guard import Admin, Editor, Viewer
from control.access.roles import Role
from control.errors import MEDIA_TYPE

_METHODS: Final = ("get", "put", "post", "patch", "delete")
_REFUSALS: Final = {
    400: "The request cannot be read as HTTP should be",
    401: "No credentials, or wrong ones",
    403: "The role does not allow this",
    404: "There is no such thing",
    409: "This contradicts something that exists",
    412: "Somebody else edited this in the meantime; `current` is how it stands",
    413: "The body is too large",
    415: "This media type is not taken here",
    422: "The request is not valid; `errors` says where and why",
    429: "Too many failed attempts",
    503: "The database does not answer",
}
_ALWAYS: Final = frozenset({400, 404, 413, 422, 429, 503})
_ROLES: Final = {
    get_args(dependency)[1].dependency: role
    for dependency, role in ((Viewer, Role.VIEWER), (Editor, Role.EDITOR), (Admin, Role.ADMIN))
}
_DESCRIPTION: Final = """\
Smart links: one URL, every visitor down the right track.

Send an API key as `Authorization: Bearer tn_...`; `security` names the role that a call needs at least. Lists are
newest first and paged by `cursor`. Times are UTC. Refusals are problem details (RFC 9457) with a stable `code`."""

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
    schema["components"]["responses"] = {str(status): _refusal(text) for status, text in _REFUSALS.items()}
    _name_roles(app, schema["paths"])
    for path, item in schema["paths"].items():
        for method in _METHODS:
            if method in item:
                _gather_definitions(item[method], schemas)
                for status in sorted(_refusals(path, method, item[method])):
                    item[method]["responses"][str(status)] = {"$ref": f"#/components/responses/{status}"}
    return schema


def _name_roles(app: FastAPI, paths: dict[str, Any]) -> None:
    """Name the role that each call needs beside every way to prove it, as OpenAPI 3.1 has it."""
    for route in iter_route_contexts(app.routes):
        guards = [it.call for it in route.dependant.dependencies] if route.path_format in paths else []
        for role in (_ROLES[guard] for guard in guards if guard in _ROLES):
            for method in route.methods or ():
                operation = paths[str(route.path_format)][method.lower()]
                operation["security"] = [{scheme: [role.value] for scheme in one} for one in operation["security"]]


def _gather_definitions(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Move what hand-written bodies define for themselves to where references look for it."""
    for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in holder.get("content", {}).values():
            schemas.update(content.get("schema", {}).pop("$defs", {}))


def _refusals(path: str, method: str, operation: dict[str, Any]) -> set[int]:
    """Return the statuses with which a call may be refused."""
    found = set(_ALWAYS)
    if "security" in operation:
        found |= {401, 403}
    if path.endswith("/login"):
        found.add(401)
    if method in ("post", "patch", "delete", "put"):
        found.add(409)
    if any(parameter["name"].lower() == "if-match" for parameter in operation.get("parameters", ())):
        found.add(412)
    if "requestBody" in operation:
        found.add(415)
    return found


def _refusal(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
