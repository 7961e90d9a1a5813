"""All the edge can answer, and its bytes: the plain road sends a Response through ASGI, the fast one writes it."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final, NamedTuple

Header = tuple[bytes, bytes]


class Response(NamedTuple):
    """One answer. `closes`: the connection ends with it. Header names are in lower case, as uvicorn sends them."""

    status: int
    headers: tuple[Header, ...]
    body: bytes = b""
    closes: bool = False


CLOSE: Final = (b"connection", b"close")
_CONTENT_LENGTH_0: Final = (b"content-length", b"0")
_PRIVATE: Final = (
    (b"cache-control", b"private, no-store"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"x-robots-tag", b"noindex"),
)
DEBUG_HEADER: Final = b"x-turnout-edge"

_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>{title}</title><style>body{{font:16px/1.5 system-ui,sans-serif;margin:20vh auto;max-width:32em;"
    "padding:0 1em;text-align:center}}</style><h1>{title}</h1><p>{text}</p></html>\n"
)
_RETRY_AFTER_S: Final = b"1"


def redirect(status: int, location: bytes, *more: Header) -> Response:
    """Return a redirect that no browser or proxy keeps."""
    return Response(status, ((b"location", location), *_PRIVATE, _CONTENT_LENGTH_0, *more))


def page(
    status: int, code: str, title: str, text: str, *more: Header, closes: bool = False
) -> tuple[Response, Response]:
    """Return an error as HTML and as JSON."""
    html = _PAGE.format(title=title, text=text).encode()
    json = f'{{"status":{status},"code":"{code}","title":"{title}"}}\n'.encode()
    return (
        _with_body(status, b"text/html; charset=utf-8", html, more, closes=closes),
        _with_body(status, b"application/json", json, more, closes=closes),
    )


def _with_body(status: int, kind: bytes, body: bytes, more: Iterable[Header], *, closes: bool = False) -> Response:
    length = (b"content-length", b"%d" % len(body))
    nosniff = (b"x-content-type-options", b"nosniff")
    headers = (*more, (b"content-type", kind), length, *_PRIVATE, nosniff, *([CLOSE] if closes else []))
    return Response(status, headers, body, closes)


_VARY: Final = (b"vary", b"accept")
NOT_FOUND: Final = page(404, "not_found", "Not found", "There is no such link.", _VARY)
GONE: Final = page(410, "gone", "No longer available", "This link has ended.", _VARY)
UNAVAILABLE: Final = page(
    503,
    "unavailable",
    "Try again in a moment",
    "This link cannot be looked up just now.",
    _VARY,
    (b"retry-after", _RETRY_AFTER_S),
)
ROBOTS: Final = _with_body(200, b"text/plain; charset=utf-8", b"User-agent: *\nDisallow:\n", ())
"""Crawlers may follow: previews need it, and `x-robots-tag` keeps the links themselves out of the index."""


def _refusal(status: int, text: str, *more: Header) -> Response:
    """Return a refusal that ends the connection: what follows on it cannot be trusted to be what it seems."""
    body = text.encode() + b"\n"
    return _with_body(status, b"text/plain; charset=utf-8", body, more, closes=True)


BAD_REQUEST: Final = _refusal(400, "This is not a request that can be answered.")
BAD_HOST: Final = _refusal(400, "A request names exactly one Host.")
METHOD_NOT_ALLOWED: Final = _refusal(405, "Links are for GET and HEAD.", (b"allow", b"GET, HEAD"))
TIMEOUT: Final = _refusal(408, "The request did not come in time.")
TARGET_TOO_LONG: Final = _refusal(414, "The address is longer than 8 KiB.")
HEAD_TOO_LARGE: Final = _refusal(431, "The head has more than 64 fields or 16 KiB.")


def wants_json(accept: bytes) -> bool:
    """Tell whether an Accept header prefers JSON to HTML."""
    accept = accept.lower()
    return b"application/json" in accept and b"text/html" not in accept


def ending(response: Response) -> Response:
    """Return `response` as the last one of its connection."""
    return response if response.closes else response._replace(headers=(*response.headers, CLOSE), closes=True)


def render(response: Response, default_headers: Iterable[Header] = (), *, body: bool = True) -> bytes:
    """Return the bytes of `response`, as uvicorn writes them. `body` is false in the answer to HEAD."""
    lines = [b"%b: %b\r\n" % header for header in (*default_headers, *response.headers)]
    content = response.body if body else b""
    return b"".join([_STATUS_LINES[response.status], *lines, b"\r\n", content])


_STATUS_LINES: Final = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus if status >= 200
}
REDIRECT_STATUSES: Final = (302, 307)
_CUT: Final = b"\0"


def after_location(*more: Header) -> bytes:
    """Return all that follows the Location of a redirect, the same for each."""
    return render(redirect(302, _CUT, *more)).partition(_CUT)[2]


ENDING: Final = after_location()


def opening(status: int, default_headers: Iterable[Header]) -> bytes:
    """Return all that goes before the Location of a redirect."""
    return render(redirect(status, _CUT), default_headers).partition(_CUT)[0]
