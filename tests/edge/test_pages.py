"""The plain road: well-known places, domain roots, errors, and what ASGI can be asked."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from edge.http.pages import as_messages
from edge.http.responses import GONE, NOT_FOUND, ROBOTS, UNAVAILABLE, Response
from tests import builders
from tests.edge.roads import Edge, header_of, status_of
from tests.fakes import FakeLinks


def ask(edge: Edge, head: bytes) -> bytes:
    """The bytes uvicorn sends for one request to the app."""

    async def main() -> bytes:
        return await edge.plain().send(head)

    return asyncio.run(main())


def call(edge: Edge, on_send: Callable[[], None] = lambda: None, **scope: Any) -> list[Any]:
    """The messages the app sends for an ASGI scope; `on_send` is called at each."""
    messages: list[Any] = []
    full = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "path": "/saas",
        "raw_path": b"/saas",
        "query_string": b"",
        "headers": [(b"host", b"a")],
        "client": ("8.8.8.8", 1),
        **scope,
    }

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)
        on_send()

    asyncio.run(edge.app(full, receive, send))
    return messages


def test_robots_may_follow_links() -> None:
    answer = ask(Edge(), builders.head("/robots.txt"))

    assert status_of(answer) == 200
    assert answer.endswith(b"\r\n\r\n" + ROBOTS.body)


@pytest.mark.parametrize("target", ["/.well-known/security.txt", "/.well-known/", "/a/b", "/%2e", "//", "/sa%2fas"])
def test_what_is_no_slug_is_404_without_asking_anybody(target: str) -> None:
    edge = Edge()
    answer = ask(edge, builders.head(target))

    assert status_of(answer) == 404
    assert edge.links.fetches == []


def test_every_404_is_the_same() -> None:
    edge = Edge([builders.entry()])
    answers = {
        ask(edge, builders.head(target))
        for target in ("/unknown", "/UNKNOWN2/", "/a/b", "/.well-known/x", "/%00", "/", "/" + "a" * 65)
    }

    assert len(answers) == 1


class TestRoots:
    """The root of a domain goes where its owner said."""

    LINKS = FakeLinks(domains={"go.brand.example": "https://brand.example/", "_": None, "go.other.example": None})

    @pytest.mark.parametrize(
        ("host", "location"),
        [("go.brand.example", "https://brand.example/"), ("go.other.example", None), ("else.example", None)],
    )
    def test_root(self, host: str, location: str | None) -> None:
        edge = Edge(links=self.LINKS)
        answer = ask(edge, builders.head("/", host=host))

        assert status_of(answer) == (404 if location is None else 302)
        assert header_of(answer, "location") == location
        assert edge.spool.recorded == []

    def test_the_default_root_serves_every_unregistered_host(self) -> None:
        edge = Edge(links=FakeLinks(domains={"_": "https://home.example/"}))

        assert header_of(ask(edge, builders.head("/", host="anything")), "location") == "https://home.example/"


@pytest.mark.parametrize("pages", [NOT_FOUND, GONE, UNAVAILABLE], ids=["404", "410", "503"])
def test_errors_are_small_private_and_in_two_languages(pages: tuple[Response, Response]) -> None:
    for response, kind in zip(pages, (b"text/html; charset=utf-8", b"application/json"), strict=True):
        headers = dict(response.headers)
        assert headers[b"content-type"] == kind
        assert headers[b"cache-control"] == b"private, no-store"
        assert headers[b"vary"] == b"accept"
        assert int(headers[b"content-length"]) == len(response.body) < 1000


def test_a_redirect_is_private_and_not_indexed() -> None:
    answer = ask(Edge([builders.entry()]), builders.head())

    assert answer.split(b"\r\n")[0] == b"HTTP/1.1 302 Found"
    assert header_of(answer, "cache-control") == "private, no-store"
    assert header_of(answer, "referrer-policy") == "strict-origin-when-cross-origin"
    assert header_of(answer, "x-robots-tag") == "noindex"
    assert header_of(answer, "content-length") == "0"


def test_the_click_is_recorded_before_its_redirect_is_sent() -> None:
    edge = Edge([builders.entry()])
    recorded: list[int] = []
    call(edge, on_send=lambda: recorded.append(len(edge.spool.recorded)))

    assert recorded == [1, 1]


@pytest.mark.parametrize(
    ("scope", "status"),
    [
        ({"headers": []}, 400),
        ({"headers": [(b"host", b"a"), (b"host", b"a")]}, 400),
        ({"http_version": "2.0"}, 400),
        ({"method": "POST"}, 405),
        ({"query_string": b"a" * 9000}, 414),
        ({"headers": [(b"host", b"a"), *[(b"x", b"y")] * 64]}, 431),
        ({"headers": [(b"host", b"a"), (b"x", b"y" * 17_000)]}, 431),
        ({}, 302),
    ],
)
def test_limits_hold_without_the_fast_road(scope: dict[str, Any], status: int) -> None:
    start, body = call(Edge([builders.entry()]), **scope)

    assert start["status"] == status
    assert ((b"connection", b"close") in start["headers"]) == (status != 302)
    assert body["type"] == "http.response.body"


def test_a_websocket_is_turned_away() -> None:
    assert [message["type"] for message in call(Edge(), type="websocket")] == ["websocket.close"]


def test_messages_carry_the_response() -> None:
    start, body = as_messages(ROBOTS)

    assert start["headers"] == list(ROBOTS.headers)
    assert body == {"type": "http.response.body", "body": ROBOTS.body}
