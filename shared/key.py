"""Which link a request asks for: the slug alphabet, the host's namespace, and the key both name in Redis."""

import re
from collections.abc import Container
from typing import Final, NamedTuple
from urllib.parse import unquote_to_bytes

DEFAULT_DOMAIN: Final = "_"
"""The namespace of every Host that is not a registered domain; no host name can be spelled so."""

SLUG_PATTERN: Final = r"[a-z0-9][a-z0-9_-]{0,63}"
_SLUG: Final = re.compile(SLUG_PATTERN.encode())
_PORT: Final = re.compile(r":\d*\Z")
_MAX_RAW_PATH_BYTES: Final = 1 + 64 * 3 + 1  # every byte of the longest slug percent-encoded, and two slashes


class Key(NamedTuple):
    """A slug inside the namespace of one domain; `domain` is a registered host or `_`."""

    domain: str
    slug: str


def key_of(host: str, raw_path: bytes, domains: Container[str]) -> Key | None:
    """Return the key a request's Host and undecoded path ask for, or None where the path can be no slug.

    `domains` holds the registered hosts in the form `normalise_host` gives.
    """
    slug = slug_of(raw_path)
    if slug is None:
        return None
    name = normalise_host(host)
    return Key(name if name in domains else DEFAULT_DOMAIN, slug)


def slug_of(raw_path: bytes) -> str | None:
    """Return the slug in an undecoded path (`/saas`, `/SaaS/`, `/%73aas`), or None.

    The path is decoded once, lower-cased as ASCII (a Kelvin sign is not a k) and must then be a slug, whole. One
    trailing slash is ignored where it was sent as a slash: `%2F` is data, never a separator.
    """
    if not raw_path.startswith(b"/") or len(raw_path) > _MAX_RAW_PATH_BYTES:
        return None
    name = raw_path[1:].removesuffix(b"/")
    if b"%" in name:
        name = unquote_to_bytes(name)
    name = name.lower()
    return name.decode("ascii") if _SLUG.fullmatch(name) else None


def is_slug(text: str) -> bool:
    """Tell whether `text` is a slug as it is stored: lower case, 1 to 64 characters."""
    return text.isascii() and _SLUG.fullmatch(text.encode()) is not None


def normalise_host(host: str) -> str:
    """Return a Host header as domains are stored: lower case, without port and without the root's dot."""
    return _PORT.sub("", host).lower().removesuffix(".")
