"""What a destination may be: read as a browser reads it, once, when it is written.

The API keeps what was typed; the edges get the WHATWG form, all ASCII, with macros put back. What a person reads as the
host must be what a browser makes of it, so that no reviewer is ever shown another site than visitors get.
"""

import re
from collections.abc import Collection
from typing import Final, NamedTuple

import ada_url
import idna

from control.errors import FieldError
from shared.destination import MACROS, Destination, InvalidDestination

MAX_CHARS: Final = 2048

_FORBIDDEN: Final = re.compile(r"[\x00-\x20\x7f]")
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_AUTHORITY: Final = re.compile(r"//([^/?#]*)")
_PORT: Final = re.compile(r":[0-9]*\Z")
_MACRO: Final = re.compile(r"\{([A-Za-z0-9_]*)\}")
_OTHER_DOTS: Final = re.compile("[\u3002\uff0e\uff61]")
_ASCII_HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:.]+\]")


class InvalidUrl(ValueError):
    """A URL that no visitor must be sent to: a stable code, and a sentence that says what would be right."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class FinalUrl(NamedTuple):
    """A destination as the edge sends it: `url` in ASCII with macros in braces; `host` and `port` are "" where none."""

    url: str
    scheme: str
    host: str
    port: str


class UrlRules(NamedTuple):
    """What this installation allows: schemes besides http and https; macros or none (a root URL has none)."""

    app_schemes: Collection[str] = ()
    macros: bool = True


def finalise(typed: str, rules: UrlRules) -> FinalUrl:
    """Return the destination that `typed` is to a browser. Raises InvalidUrl."""
    scheme = _require_scheme(typed, rules)
    authority = _require_authority(typed, scheme)
    parked, macros = _park_macros(typed, rules)
    parsed = _parse(parked)
    _require_same_host(authority, parsed.hostname)
    url = parsed.href
    for place, macro in macros.items():
        url = url.replace(place, macro)
    _require_sendable(url)
    return FinalUrl(url, scheme, parsed.hostname, parsed.port)


def check(typed: str, path: str, rules: UrlRules, faults: list[FieldError]) -> FinalUrl | None:
    """Return what `finalise` does; None where it refuses, having noted why at `path` in `faults`."""
    try:
        return finalise(typed, rules)
    except InvalidUrl as exc:
        faults.append(FieldError(path, exc.code, exc.message))
        return None


def _require_scheme(typed: str, rules: UrlRules) -> str:
    if len(typed) > MAX_CHARS:
        raise InvalidUrl("url_too_long", f"A destination has at most {MAX_CHARS} characters.")
    if _FORBIDDEN.search(typed):
        raise InvalidUrl("url_character", "A destination has no spaces, line breaks or control characters.")
    if "\\" in typed:
        raise InvalidUrl("url_character", "A destination has no backslash: browsers read it as a slash.")
    match = _SCHEME.match(typed)
    scheme = match[1].lower() if match else ""
    if not scheme:
        raise InvalidUrl("url_not_absolute", "A destination begins with its scheme, such as https://example.com/.")
    if scheme not in ("http", "https") and scheme not in rules.app_schemes:
        raise InvalidUrl("url_scheme", f"A destination begins with https:// or http://, not with {scheme[:40]}:.")
    return scheme


def _require_authority(typed: str, scheme: str) -> str:
    """Return host and port as typed. An app scheme may have none (`tel:+1555`)."""
    rest = typed[len(scheme) + 1 :]
    match = _AUTHORITY.match(rest)
    authority = match[1] if match else ""
    if not authority and scheme in ("http", "https"):
        raise InvalidUrl("url_host", f"Write {scheme}:// and a host, such as {scheme}://example.com/.")
    if "@" in authority:
        raise InvalidUrl("url_userinfo", "A destination has no user name or password before its host.")
    if "{" in authority or "}" in authority:
        raise InvalidUrl("macro_place", "A macro stands only in the path, query or fragment, never in the host.")
    return authority


def _park_macros(typed: str, rules: UrlRules) -> tuple[str, dict[str, str]]:
    """Return `typed` with a harmless word in place of each macro, and word -> macro."""
    unknown = next((name for name in _MACRO.findall(typed) if name not in MACROS), None)
    if unknown is not None:
        known = ", ".join(f"{{{name}}}" for name in MACROS)
        raise InvalidUrl("unknown_macro", f"{{{unknown[:40]}}} is no macro; these are: {known}.")
    if not rules.macros and _MACRO.search(typed):
        raise InvalidUrl("macro_place", "There are no macros here: nobody has clicked a link yet.")
    word = "tnmacro"
    while word in typed.lower():
        word += "x"
    macros = {f"{word}{number}z": f"{{{name}}}" for number, name in enumerate(MACROS)}
    parked = typed
    for place, macro in macros.items():
        parked = parked.replace(macro, place)
    return parked, macros


def _parse(parked: str) -> ada_url.URL:
    try:
        return ada_url.URL(parked)
    except ValueError as exc:
        raise InvalidUrl("invalid_url", "No browser can open this: check host and port.") from exc


def _require_same_host(authority: str, host: str) -> None:
    """Refuse a host that browsers turn into another one (`ex%61mple.com`, `0x7f.1`, full-width letters)."""
    typed = _PORT.sub("", authority).lower()
    if typed.isascii():
        same = typed.removesuffix(".") == host.removesuffix(".") and (not host or _ASCII_HOST.fullmatch(host))
    else:
        same = _a_label(typed) == host
    if not same:
        raise InvalidUrl("ambiguous_host", f"Browsers read this host as {host[:255]}: write it so.")


def _a_label(typed: str) -> str | None:
    """Return the ASCII form of an international host spelt properly (IDNA 2008, plain dots), else None."""
    if _OTHER_DOTS.search(typed):
        return None
    try:
        return idna.encode(typed, uts46=False).decode()
    except (idna.IDNAError, UnicodeError):
        return None


def _require_sendable(url: str) -> None:
    if len(url) > MAX_CHARS:
        raise InvalidUrl("url_too_long", f"A destination has at most {MAX_CHARS} characters once encoded.")
    try:
        Destination(url)
    except InvalidDestination as exc:
        raise InvalidUrl("invalid_url", f"This cannot be sent: {exc}.") from exc
