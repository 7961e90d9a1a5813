"""The two values that every worker holds at all times: registered hosts, and the salts of visitor hashes."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from shared.table import RefusedTable

SCHEMA: Final = 1


def compile_domains(root_urls: Mapping[str, str | None]) -> bytes:
    """Return the body of `domains`: registered host (and `_`) -> where its root redirects, None for 404."""
    return orjson.dumps({"schema": SCHEMA, "domains": dict(root_urls)})


def decode_domains(body: object) -> dict[str, str | None]:
    """Return host -> root URL. Raises RefusedTable."""
    domains = _mapping(body, "domains")
    if not all(url is None or _is_sendable(url) for url in domains.values()):
        raise RefusedTable("a domain's root URL cannot be sent")
    return domains


def compile_salts(salts: Mapping[str, str]) -> bytes:
    """Return the body of `salts`: UTC day (`2026-11-22`) -> 32 hex digits."""
    return orjson.dumps({"schema": SCHEMA, "salts": dict(salts)})


def decode_salts(body: object) -> dict[str, bytes]:
    """Return UTC day -> 16 bytes. Raises RefusedTable."""
    try:
        return {day: bytes.fromhex(salt) for day, salt in _mapping(body, "salts").items()}
    except (TypeError, ValueError) as exc:
        raise RefusedTable("a salt is not hexadecimal") from exc


def _mapping(body: object, name: str) -> dict[str, Any]:
    value = body.get(name) if isinstance(body, Mapping) and body.get("schema") == SCHEMA else None
    if not isinstance(value, dict):
        raise RefusedTable(f"{name} is not an object of a schema that is understood here")
    return value


def _is_sendable(url: object) -> bool:
    return isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url
