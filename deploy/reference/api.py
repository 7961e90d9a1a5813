"""The page of the API, from its OpenAPI document: every call by subject, then every object that calls take and give."""

import re
from collections.abc import Iterator
from typing import Any, Final

Schema = dict[str, Any]

_METHODS: Final = ("get", "post", "put", "patch", "delete")
_HEAD: Final = """\
# API

<!-- Made by `python -m deploy.reference` from the code of control. -->

{description}

Control serves this description for programs at `/openapi.json`, without a key; the one of this release is
[openapi.json](openapi.json). A role in brackets is the least that a call needs: `viewer` reads, `editor` changes offers
and what belongs to them, `admin` everything. A star marks what cannot be left out, and in answers what is always there.

Refused is with 401 who has no key or a wrong one, 403 whose role is too small, 404 what is not there, 409 what is taken
or in use, 412 an edit that would overwrite somebody else's, 422 what is not valid. The body is a [Problem](#problem).
"""
_ALIAS: Final = "/api/v1/postback/"
"""The same calls as at /postback, which is the address that shops are given."""


def page(document: Schema) -> str:
    """Return the page as Markdown."""
    subjects = _by_subject(document["paths"])
    lines = [_HEAD.format(description=document["info"]["description"])]
    lines += [f"- [{subject}](#{_anchor(subject)})" for subject in subjects]
    lines += ["- [objects](#objects)"]
    for subject, calls in subjects.items():
        lines += [f"\n## {subject}"]
        for method, path, operation in calls:
            lines += _call(method, path, operation)
    lines += ["\n## objects"]
    for name, schema in sorted(document["components"]["schemas"].items()):
        lines += _object(name, schema)
    return "\n".join(lines) + "\n"


def _by_subject(paths: Schema) -> dict[str, list[tuple[str, str, Schema]]]:
    found: dict[str, list[tuple[str, str, Schema]]] = {}
    for path, item in paths.items():
        for method in _METHODS:
            if method in item and not path.startswith(_ALIAS):
                found.setdefault(item[method]["tags"][0], []).append((method, path, item[method]))
    return found


def _call(method: str, path: str, operation: Schema) -> Iterator[str]:
    """Yield the lines of one call: what it is, what it takes, what it answers."""
    yield f"\n### {operation['summary']}\n"
    yield f"`{method.upper()} {path}`{_role(operation)}"
    if text := _words(operation.get("description", "")):
        yield f"\n{text}"
    parameters = [it for it in operation.get("parameters", ()) if it["in"] != "path"]
    if parameters:
        yield "\n| parameter | in | type | |\n| --- | --- | --- | --- |"
    for it in parameters:
        yield f"| `{it['name']}`{_star(it)} | {it['in']} | {_type(it['schema'])} | {_says(it, it['schema'])} |"
    body = operation.get("requestBody", {}).get("content", {})
    if body:
        yield f"\nTakes {_contents(body)}."
    good = [(status, it) for status, it in operation["responses"].items() if status.startswith("2")]
    for status, response in good:
        yield f"\nAnswers {status}: {_contents(response.get('content', {})) or 'nothing'}."


def _role(operation: Schema) -> str:
    if "security" not in operation:
        return " (no key)"
    roles = {role for one in operation["security"] for role in next(iter(one.values()))}
    return f" ({', '.join(sorted(roles))})"


def _contents(content: Schema) -> str:
    """Return the types of a body: `Offer`, or `text/csv`."""
    return " or ".join(dict.fromkeys(_content(media_type, it.get("schema", {})) for media_type, it in content.items()))


def _content(media_type: str, schema: Schema) -> str:
    kind = _type(schema)
    if media_type == "application/json":
        return kind
    return f"{kind} as `{media_type}`" if kind.startswith("[") else f"`{media_type}`"


def _object(name: str, schema: Schema) -> Iterator[str]:
    yield f"\n### {name}\n"
    if text := _words(schema.get("description", "")):
        yield f"{text}\n"
    if "properties" not in schema:
        yield _type(schema)
        return
    yield "| field | type | |\n| --- | --- | --- |"
    for field, it in schema["properties"].items():
        star = " \\*" if field in schema.get("required", ()) else ""
        yield f"| `{field}`{star} | {_type(it)} | {_says(it, it)} |"


def _star(parameter: Schema) -> str:
    return " \\*" if parameter.get("required") else ""


def _type(schema: Schema) -> str:
    """Return a type in words: `[Offer](#offer)`, `list of string`, `integer or null`, `302, 307`."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{_anchor(name)})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(dict.fromkeys(_type(it) for it in schema[several]))
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    words = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return f"{words} ({schema['format']})" if "format" in schema and schema["format"] != "binary" else words


def _says(holder: Schema, schema: Schema) -> str:
    """Return what is said about a value, its limits and its default."""
    limits = {name: _deep(schema, name) for name in ("minLength", "maxLength", "minimum", "maximum", "maxItems")}
    said = [_words(holder.get("description", ""))]
    if limits["maxLength"]:
        said.append(f"at most {limits['maxLength']} characters")
    if limits["minimum"] is not None and limits["maximum"] is not None:
        said.append(f"{limits['minimum']} to {limits['maximum']}")
    if limits["maxItems"]:
        said.append(f"at most {limits['maxItems']}")
    if schema.get("default") not in (None, "", []):
        said.append(f"default `{_plain(schema['default'])}`")
    return "; ".join(it.rstrip(".") for it in said if it).replace("|", "\\|")


def _deep(schema: Schema, name: str) -> Any:
    """Return a limit of a schema or of one of its alternatives."""
    return next((it[name] for it in (schema, *schema.get("anyOf", ())) if name in it), None)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _words(text: str) -> str:
    return " ".join(text.split())


def _anchor(title: str) -> str:
    """Return the fragment that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
