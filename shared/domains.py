"""The two values that every worker holds at all times: registered hosts, and the salts of visitor hashes."""

from collections.abc import Mapping
from typing import Any, Final

import orjson

from shared.table import RefusedTable

SCHEMA: Final = 1
PAUSED_SCHEMA: Final = 2
"""Of `domains` where a host is paused. An edge that does not know it refuses the value, and says so: better than to
take no notice of a domain that was switched off."""

PAUSED: Final = "!"
"""Begins the namespace of a paused host, in which no link lives; no host can be spelled so."""


def compile_domains(root_urls: Mapping[str, str | None], paused: Mapping[str, str | None] | None = None) -> bytes:
    """Return the body of `domains`: registered host (and `_`) -> where its root redirects, None for 404.

    paused: those of the hosts that are switched off -> where all of their visitors are sent, None for 410.
    """
    if not paused:
        return orjson.dumps({"schema": SCHEMA, "domains": dict(root_urls)})
    return orjson.dumps({"schema": PAUSED_SCHEMA, "domains": dict(root_urls), "paused": dict(paused)})


def decode_domains(body: object) -> dict[str, str | None]:
    """Return namespace -> URL: a host (and `_`) where its root redirects; `!` and a paused host, where all visitors go.

    Raises RefusedTable.
    """
    has_paused = isinstance(body, Mapping) and body.get("schema") == PAUSED_SCHEMA
    schema = PAUSED_SCHEMA if has_paused else SCHEMA
    domains = _mapping(body, "domains", schema)
    paused = _mapping(body, "paused", schema) if has_paused else {}
    if not all(url is None or _is_sendable(url) for url in (*domains.values(), *paused.values())):
        raise RefusedTable("a domain's URL cannot be sent")
    return {host: url for host, url in domains.items() if host not in paused} | {
        PAUSED + host: url for host, url in paused.items()
    }


def compile_salts(salts: Mapping[str, str]) -> bytes:
    """Return the body of `salts`: UTC day (`2026-11-22`) -> 32 hex digits."""
    return orjson.dumps({"schema": SCHEMA, "salts": dict(salts)})


def decode_salts(body: object) -> dict[str, bytes]:
    """Return UTC day -> 16 bytes. Raises RefusedTable."""
    try:
        return {day: bytes.fromhex(salt) for day, salt in _mapping(body, "salts", SCHEMA).items()}
    except (TypeError, ValueError) as exc:
        raise RefusedTable("a salt is not hexadecimal") from exc


def _mapping(body: object, name: str, schema: int) -> dict[str, Any]:
    value = body.get(name) if isinstance(body, Mapping) and body.get("schema") == schema else None
    if not isinstance(value, dict):
        raise RefusedTable(f"{name} is not an object of a schema that is understood here")
    return value


def _is_sendable(url: object) -> bool:
    return isinstance(url, str) and url.isascii() and url.isprintable() and " " not in url
