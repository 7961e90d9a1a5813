"""The fast road: what it reads, refuses, holds open and closes, on a transport without a socket."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.http.conversation import HEAD_TIMEOUT_S, LINGER_S, MAX_ANSWERS_PER_TURN, MAX_PENDING_BYTES, WRITE_TIMEOUT_S
from tests import builders
from tests.edge.roads import NOW_MS, PROXY, STRANGER, Edge, cut, header_of, settle, status_of
from tests.fakes import FakeLinks

HEAD = builders.head("/saas")
CLOSING = "connection"


def run(test: Coroutine[Any, Any, None]) -> None:
    """Run a test's loop; an exception that reaches the loop itself fails the test."""
    strays: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: strays.append(context))
        await test
        await settle()

    asyncio.run(main())
    assert strays == []


def edge(**settings_: Any) -> Edge:
    """An edge with the example, a preset link, and a link that only a fetch finds."""
    links = FakeLinks([builders.entry(), builders.entry("jane", partner="jane")], remote=[builders.entry("far")])
    return Edge(links=links, **settings_)


class TestKeptConnections:
    """A connection that answers clicks goes on answering them."""

    def test_a_known_head_is_not_read_again(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            answers = [await connection.send(HEAD) for _ in range(4)]

            assert [status_of(answer) for answer in answers] == [302] * 4
            assert parts.counters.heads_read == 2
            assert [event.kind for event in parts.spool.events] == ["person"] * 4

        run(test())

    def test_a_known_head_is_told_the_age_of_the_rules(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            told = []
            for age_s in (0.0, 0.0, 0.0, 1.25, 1.25, 0.0):
                parts.links.age_s = age_s
                told.append(str(header_of(await connection.send(HEAD), "x-turnout-edge")).rpartition("age=")[2])

            assert told == ["0.000", "0.000", "0.000", "1.250", "1.250", "0.000"]
            assert parts.counters.heads_read == 2

        run(test())

    @pytest.mark.parametrize("peer", [PROXY, STRANGER])
    def test_personal_fields_do_not_make_a_head_unknown(self, peer: str) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast(peer)
            for number in range(6):
                personal = {"Cookie": f"_ga={number}", "X-Request-Id": f"{number}", "Accept": "*/*"}
                assert (
                    status_of(
                        await connection.send(
                            builders.head("/saas", personal, forwarded_for=None if peer == STRANGER else "8.8.8.8")
                        )
                    )
                    == 302
                )

            assert parts.counters.heads_read == 2

        run(test())

    @pytest.mark.parametrize("value", ["a\x00b", "a\rb", "a\x7fb", "\x01"])
    def test_a_personal_field_with_a_forbidden_byte_is_refused_though_the_rest_is_known(self, value: str) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            for number in range(4):
                await connection.send(builders.head("/saas", {"Cookie": f"a={number}"}))

            assert status_of(await connection.send(builders.head("/saas", {"Cookie": value}))) == 400
            assert connection.ends

        run(test())

    @pytest.mark.parametrize(
        "fields",
        [
            [("Connection", "close")],
            [("Connection", "Upgrade"), ("Upgrade", "h2c")],
            [("Content-Length", "0")],
            [("Expect", "100-continue")],
            [("Accept", "a"), ("Accept", "b")],
            [("X-Forwarded-For", "10.1.1.1")],
            [(f"X-{number}", "") for number in range(40)],
            [("X-Large", "a" * 4000)],
        ],
        ids=["close", "upgrade", "length", "expect", "twice", "two addresses", "many fields", "large"],
    )
    def test_a_head_that_is_not_like_others_is_read_every_time(self, fields: list[tuple[str, str]]) -> None:
        async def test() -> None:
            parts = edge()
            answers = []
            for _ in range(4):
                connection = parts.fast()
                answers.append(await connection.send(builders.head("/saas", fields)))
                assert connection.ends == (("Connection", "close") in fields)

            assert parts.counters.heads_read == 4
            assert {status_of(answer) for answer in answers} == {302}

        run(test())

    def test_a_link_that_memory_lacks_is_fetched_and_answered_on_the_same_connection(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            for _ in range(3):
                await connection.send(HEAD)
            read = parts.counters.heads_read

            assert status_of(await connection.send(builders.head("/far"))) == 302
            assert status_of(await connection.send(builders.head("/far"))) == 302
            assert parts.links.fetches == [builders.key("far")]
            assert parts.counters.heads_read == read + 1

        run(test())

    def test_what_is_no_click_is_answered_by_the_app_and_the_connection_comes_back(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            answers = await connection.send(HEAD, builders.head("/robots.txt") + HEAD, HEAD)

            assert answers.count(b"HTTP/1.1 302 Found") == 3
            assert answers.count(b"HTTP/1.1 200 OK") == 1
            assert answers.index(b"200 OK") > answers.index(b"302 Found")
            assert parts.counters.plain == 1
            assert parts.state.connections == {connection.protocol}
            assert not connection.ends

        run(test())

    def test_pipelined_requests_are_answered_in_order_though_one_must_be_fetched(self) -> None:
        async def test() -> None:
            parts = edge()
            parts.links.gate = asyncio.Event()
            connection = parts.fast()
            none_yet = await connection.send(
                builders.head("/far?n=1") + builders.head("/?n=2") + builders.head("/saas?n=3")
            )
            assert none_yet == b""

            parts.links.gate.set()
            await settle()
            answers = b"".join(connection.transport.written)
            assert [answers.find(b"n=1"), answers.find(b"404 Not"), answers.find(b"n=3")] == sorted(
                [answers.find(b"n=1"), answers.find(b"404 Not"), answers.find(b"n=3")]
            )
            assert -1 not in (answers.find(b"n=1"), answers.find(b"404 Not"), answers.find(b"n=3"))

        run(test())

    def test_a_long_pipeline_is_answered_whole_but_lets_others_have_their_turn(self) -> None:
        async def test() -> None:
            parts = edge()
            long, short = parts.fast(), parts.fast()
            count = 3 * MAX_ANSWERS_PER_TURN + 1
            long.protocol.data_received(HEAD * count)
            short.protocol.data_received(HEAD)
            await asyncio.sleep(0)
            assert len(short.transport.written) == 1
            assert len(long.transport.written) == MAX_ANSWERS_PER_TURN

            for _ in range(10):
                await settle()
            assert b"".join(long.transport.written).count(b"302 Found") == count
            assert not long.transport.paused

        run(test())


class TestOneTurn:
    """What arrives between two polls of the sockets is recorded with one write, and only then answered."""

    def test_clicks_of_many_connections_are_recorded_together_before_any_is_answered(self) -> None:
        async def test() -> None:
            parts = edge()
            connections = [parts.fast() for _ in range(5)]
            order: list[str] = []
            parts.spool.on_flush = lambda: order.append("recorded")
            for connection in connections:
                connection.transport.write = lambda data: order.append("answered")  # type: ignore[method-assign]
                connection.protocol.write = connection.transport.write
                connection.protocol.data_received(HEAD)
            assert order == []

            await asyncio.sleep(0)
            assert order == ["recorded"] + ["answered"] * 5
            assert len(parts.spool.recorded) == 5

        run(test())

    def test_a_spool_that_takes_nothing_delays_nobody(self) -> None:
        async def test() -> None:
            parts = edge()
            parts.spool.full = True

            assert status_of(await parts.fast().send(HEAD)) == 302
            assert parts.spool.recorded == []

        run(test())

    def test_a_connection_lost_within_the_turn_does_not_keep_others_from_their_answers(self) -> None:
        async def test() -> None:
            parts = edge()
            lost, other = parts.fast(), parts.fast()
            lost.protocol.data_received(HEAD)
            other.protocol.data_received(HEAD)
            lost.transport.ended = True  # every write raises from here on
            await settle()

            assert status_of(b"".join(other.transport.written)) == 302

        run(test())

    def test_what_has_come_counts_before_a_deadline_does(self) -> None:
        async def test() -> None:
            parts = edge()
            idle, trickling = parts.fast(timeout_keep_alive=5), parts.fast()
            now = asyncio.get_running_loop().time()
            await trickling.send(HEAD[:40])
            idle.protocol.data_received(HEAD)
            trickling.protocol.data_received(HEAD[40:])
            for connection in (idle, trickling):
                connection.protocol.expire(now + HEAD_TIMEOUT_S + 1)
            await settle()

            assert [status_of(b"".join(each.transport.written)) for each in (idle, trickling)] == [302, 302]
            assert [idle.ends, trickling.ends] == [False, False]

        run(test())

    def test_a_fault_of_ours_costs_one_connection_and_is_told(self) -> None:
        async def test() -> None:
            parts = edge()
            told: list[dict[str, Any]] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
            before, faulty, after = (parts.fast() for _ in range(3))
            faulty.protocol.known = None
            for connection in (before, faulty, after):
                connection.protocol.data_received(HEAD)
            await settle()

            assert faulty.transport.aborted
            assert [context["protocol"] for context in told] == [faulty.protocol]
            assert isinstance(told[0]["exception"], AttributeError)
            assert [status_of(b"".join(each.transport.written)) for each in (before, after)] == [302, 302]
            assert len(parts.spool.recorded) == 2

        run(test())

    def test_new_user_agents_beyond_what_a_turn_may_read_wait_for_the_next(self) -> None:
        async def test() -> None:
            parts = edge()
            connections = [parts.fast() for _ in range(100)]
            for number, connection in enumerate(connections):
                connection.protocol.data_received(builders.head("/saas", user_agent=f"agent/{number}"))
            assert parts.counters.agents_read < 100
            for _ in range(4):
                await settle()

            assert [status_of(b"".join(connection.transport.written)) for connection in connections] == [302] * 100
            assert parts.counters.agents_read == 100
            assert parts.counters.agents_deferred > 0

        run(test())


BAD_REQUESTS = {
    "no host": b"GET /saas HTTP/1.1\r\n\r\n",
    "two hosts": b"GET /saas HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
    "absolute target of another host": b"GET http://evil/saas HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute target with user info": b"GET http://a@b/saas HTTP/1.1\r\nHost: b\r\n\r\n",
    "target without slash": b"GET saas HTTP/1.1\r\nHost: a\r\n\r\n",
    "asterisk": b"GET * HTTP/1.1\r\nHost: a\r\n\r\n",
    "content-length and transfer-encoding": b"GET / HTTP/1.1\r\nHost: a\r\n"
    b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
    "two content-lengths": b"GET /saas HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "signed content-length": b"GET /saas HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n",
    "unknown transfer-encoding": b"POST /saas HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "bare line feeds": b"GET /saas HTTP/1.1\nHost: a\n\n",
    "folded field": b"GET /saas HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "space before colon": b"GET /saas HTTP/1.1\r\nHost : a\r\n\r\n",
    "nul in value": b"GET /saas HTTP/1.1\r\nHost: a\x00b\r\n\r\n",
    "carriage return in value": b"GET /saas HTTP/1.1\r\nHost: a\rb\r\n\r\n",
    "unknown version": b"GET /saas HTTP/1.9\r\nHost: a\r\n\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "version 2.0": b"GET /saas HTTP/2.0\r\nHost: a\r\n\r\n",
    "no version": b"GET /saas\r\nHost: a\r\n\r\n",
    "raw utf-8 path": "GET /sääs HTTP/1.1\r\nHost: a\r\n\r\n".encode(),
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "space in target": b"GET /sa as HTTP/1.1\r\nHost: a\r\n\r\n",
}


class TestRefusals:
    """A request that breaks a rule or a limit gets its status, and nothing after it is read."""

    @pytest.mark.parametrize("data", BAD_REQUESTS.values(), ids=BAD_REQUESTS)
    def test_a_malformed_request_is_400_and_the_end(self, data: bytes) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            answer = await connection.send(data, HEAD)

            assert status_of(answer) == 400 or (data.startswith(b"PRI") and status_of(answer) in (400, 405))
            assert header_of(answer, CLOSING) == "close"
            assert answer.count(b"HTTP/1.1") == 1
            assert connection.ends
            assert parts.spool.recorded == []

        run(test())

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "FOO", "M-SEARCH"])
    def test_another_method_is_405_with_allow_and_the_end(self, method: str) -> None:
        async def test() -> None:
            connection = edge().fast()
            answer = await connection.send(
                builders.head("/saas", {"Content-Length": "3"}, method=method) + b"abc", HEAD
            )

            assert status_of(answer) == 405
            assert header_of(answer, "allow") == "GET, HEAD"
            assert answer.count(b"HTTP/1.1") == 1
            assert connection.ends

        run(test())

    @pytest.mark.parametrize(
        ("target", "status"), [("http://a/saas", 302), ("http://A:80/robots.txt", 200), ("http://a", 404)]
    )
    def test_an_absolute_target_of_the_same_host_is_as_good(self, target: str, status: int) -> None:
        async def test() -> None:
            connection = edge().fast()

            assert status_of(await connection.send(builders.head(target, host="a"))) == status
            assert not connection.ends

        run(test())

    @pytest.mark.parametrize("lines", range(1, 6))
    def test_empty_lines_before_a_request_are_ignored(self, lines: int) -> None:
        async def test() -> None:
            connection = edge().fast()
            for _ in range(3):
                assert status_of(await connection.send(b"\r\n" * lines + HEAD)) == 302
                assert status_of(await connection.send(b"\r\n" * lines, builders.head("/robots.txt"))) == 200

        run(test())

    def test_connect_is_405(self) -> None:
        async def test() -> None:
            assert status_of(await edge().fast().send(b"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n")) == 405

        run(test())

    @pytest.mark.parametrize(
        ("data", "status"),
        [
            (builders.head("/saas?" + "a" * (8 * 1024 - 6)), 302),
            (builders.head("/saas?" + "a" * (8 * 1024 - 5)), 414),
            (b"GET /" + b"a" * 9000, 414),
            (builders.head("/saas", [("X-A", "a" * 15_000)]), 302),
            (builders.head("/saas", [("X-A", "a" * 16_384)]), 431),
            (builders.head("/saas", [("X-A", "a")] * 61), 302),
            (builders.head("/saas", [("X-A", "a")] * 62), 431),
            (b"GET /saas HTTP/1.1\r\nHost: a\r\n" + b"A: b\r\n" * 20_000, 431),
            (b"GET /saas HTTP/1.1\r\nHost: a\r\nA: " + b"b" * 5_000_000, 431),
        ],
        ids=["8 KiB", "more", "endless target", "15 KB", "16 KiB", "64 fields", "65", "20,000 fields", "5 MB"],
    )
    def test_limits_of_target_and_head(self, data: bytes, status: int) -> None:
        async def test() -> None:
            for pieces in ([data], cut(data, range(0, len(data), 60_000)), cut(data, [100, 200, 4000, 8200])):
                connection = edge().fast()
                answer = await connection.send(*pieces)
                assert status_of(answer) == status
                assert connection.ends == (status != 302)

        run(test())

    def test_limits_hold_for_heads_that_are_known(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            for number in range(4):
                await connection.send(builders.head("/saas?a", {"Cookie": f"{number}"}))
            assert parts.counters.heads_read == 2

            too_long = builders.head("/saas?" + "a" * 8190, {"Cookie": "1"})
            assert status_of(await connection.send(too_long)) == 414
            many_hops = builders.head("/saas?a", {"Cookie": "1"}, forwarded_for="1" * 17_000)
            assert status_of(await parts.fast().send(many_hops)) == 431
            too_large = builders.head("/saas?a", {"Cookie": "a" * 17_000})
            assert status_of(await parts.fast().send(too_large)) == 431

        run(test())

    @pytest.mark.parametrize("method", ["PUT", "HEAD", "POST", "get", "FOO"])
    def test_a_known_head_is_not_another_methods(self, method: str) -> None:
        async def test() -> None:
            parts, fresh = edge(), edge()
            connection = parts.fast()
            for _ in range(3):
                await connection.send(HEAD)
            head = builders.head(method=method)

            known, unknown = await connection.send(head), await fresh.fast().send(head)
            assert known[:40] == unknown[:40]
            assert len(parts.spool.recorded) == 3

        run(test())

    @pytest.mark.parametrize("address", ["8.8.8.8\x00", "8.8.8.8\r", "8.8\x7f", "", " 8.8.8.8", "8.8.8.8 ", "x"])
    def test_an_address_is_what_httptools_takes_though_the_head_is_known(self, address: str) -> None:
        async def test() -> None:
            parts, fresh = edge(), edge()
            connection = parts.fast()
            for _ in range(3):
                await connection.send(HEAD)
            head = builders.head(forwarded_for=address)

            known, unknown = await connection.send(head), await fresh.fast().send(head)
            assert status_of(known) == status_of(unknown)
            assert [event.ip for event in parts.spool.events[3:]] == [event.ip for event in fresh.spool.events]

        run(test())

    def test_a_link_that_expires_is_gone_though_its_head_is_known(self) -> None:
        async def test() -> None:
            parts = Edge([builders.entry(expires_at=NOW_MS + 1)])
            connection = parts.fast()
            for _ in range(3):
                assert status_of(await connection.send(HEAD)) == 302
            parts.now_ms += 1

            assert status_of(await connection.send(HEAD)) == 410
            assert not connection.ends

        run(test())

    @pytest.mark.parametrize("query", ["a b", "a\x00", "a#b", "a\x7f", "\x80", "a\r\nX: y", "a\tb"])
    def test_a_query_is_what_httptools_takes_though_the_head_is_known(self, query: str) -> None:
        async def test() -> None:
            parts, fresh = edge(), edge()
            connection = parts.fast()
            for _ in range(3):
                await connection.send(HEAD)
            head = builders.head(f"/saas?{query}")

            known, unknown = await connection.send(head), await fresh.fast().send(head)
            assert status_of(known) == status_of(unknown)
            assert [event.sub1 for event in parts.spool.events[3:]] == [event.sub1 for event in fresh.spool.events]

        run(test())


class TestBodies:
    """A GET with a body is answered and is the last of its connection: nothing in the body is ever a request."""

    @pytest.mark.parametrize(
        "body",
        [
            b"Content-Length: 200\r\n\r\n" + HEAD,
            b"Content-Length: 4\r\n\r\nabcd" + HEAD,
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + HEAD,
            b"Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n" + HEAD,
            b"Content-Length: 4\r\nExpect: 100-continue\r\n\r\n" + HEAD,
        ],
        ids=["swallows the next head", "ends before it", "empty chunks", "chunks", "expecting"],
    )
    @pytest.mark.parametrize("target", ["/saas", "/", "/robots.txt", "/unknown"])
    def test_only_the_first_request_is_answered(self, target: str, body: bytes) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            answer = await connection.send(b"GET %b HTTP/1.1\r\nHost: a\r\n" % target.encode() + body, HEAD)

            assert answer.count(b"HTTP/1.1 ") == 1
            assert header_of(answer, CLOSING) == "close"
            assert connection.ends
            assert len(parts.spool.recorded) == (target == "/saas")

        run(test())

    def test_an_offer_to_upgrade_is_not_taken_up(self) -> None:
        async def test() -> None:
            connection = edge().fast()
            upgrade = {
                "Connection": "Upgrade, HTTP2-Settings",
                "Upgrade": "h2c",
                "HTTP2-Settings": "AAMAAABkAAQAoAAAAAIAAAAA",
            }
            for target, status in (("/saas", 302), ("/robots.txt", 200), ("/saas", 302)):
                assert status_of(await connection.send(builders.head(target, upgrade))) == status
            assert not connection.ends

        run(test())


class TestEndings:
    """How connections end: politely, and in time."""

    @pytest.mark.parametrize(
        "head",
        [builders.head("/saas", {"Connection": "close"}), builders.head("/saas", version="1.0")],
        ids=["connection: close", "http/1.0"],
    )
    def test_the_last_request_of_a_connection_is_answered_and_closes_it(self, head: bytes) -> None:
        async def test() -> None:
            connection = edge().fast()
            answer = await connection.send(head)

            assert status_of(answer) == 302
            assert header_of(answer, CLOSING) == "close"
            assert connection.transport.closed

        run(test())

    def test_a_peer_that_closed_its_half_gets_its_answer(self) -> None:
        async def test() -> None:
            parts = edge()
            for target in ("/saas", "/far", "/robots.txt"):
                connection = parts.fast()
                connection.protocol.data_received(builders.head(target))
                stays_open = connection.protocol.eof_received()
                await settle()

                assert stays_open
                assert status_of(b"".join(connection.transport.written)) in (302, 200)
                assert connection.transport.closed

        run(test())

    def test_a_head_that_does_not_come_in_time_is_408_however_it_trickles(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            now = asyncio.get_running_loop().time()
            await connection.send(HEAD[:5])
            connection.protocol.expire(now + HEAD_TIMEOUT_S / 2)
            assert await connection.send(HEAD[5:6]) == b""
            connection.protocol.expire(now + HEAD_TIMEOUT_S + 0.1)
            await settle()

            assert status_of(b"".join(connection.transport.written)) == 408
            assert connection.ends
            assert parts.counters.timeouts == 1
            connection.protocol.expire(now + 2 * HEAD_TIMEOUT_S + LINGER_S)
            assert connection.transport.closed

        run(test())

    def test_a_refused_peer_that_closes_too_is_not_waited_for(self) -> None:
        async def test() -> None:
            connection = edge().fast()
            connection.protocol.data_received(builders.head(method="POST"))
            connection.protocol.eof_received()
            await settle()
            assert status_of(b"".join(connection.transport.written)) == 405
            assert connection.transport.closed

            connection = edge().fast()
            await connection.send(builders.head(method="POST"))
            assert not connection.transport.closed
            connection.protocol.eof_received()
            await settle()
            assert connection.transport.closed

        run(test())

    def test_an_idle_connection_is_closed_in_silence_and_a_used_one_is_not(self) -> None:
        async def test() -> None:
            parts = edge()
            idle, used = parts.fast(timeout_keep_alive=5), parts.fast(timeout_keep_alive=5)
            now = asyncio.get_running_loop().time()
            idle.protocol.expire(now + 4)
            assert not idle.ends

            await used.send(HEAD)
            for connection in (idle, used):
                connection.protocol.expire(now + 6)
            assert idle.transport.closed
            assert idle.transport.written == []
            assert not used.ends

        run(test())

    def test_a_peer_that_does_not_read_is_read_no_more_and_is_dropped_in_the_end(self) -> None:
        async def test() -> None:
            parts = edge()
            connection = parts.fast()
            connection.protocol.pause_writing()
            assert connection.transport.paused
            assert await connection.send(HEAD) == b""

            connection.protocol.resume_writing()
            await settle()
            assert status_of(b"".join(connection.transport.written)) == 302
            assert not connection.transport.paused

            connection.protocol.pause_writing()
            now = asyncio.get_running_loop().time()
            connection.protocol.expire(now + 1)
            connection.protocol.expire(now + WRITE_TIMEOUT_S + 2)
            assert connection.transport.aborted

        run(test())

    def test_what_comes_while_a_link_is_fetched_is_held_and_bounded(self) -> None:
        async def test() -> None:
            parts = edge()
            parts.links.gate = asyncio.Event()
            connection = parts.fast()
            await connection.send(builders.head("/far"), HEAD)
            assert not connection.transport.paused
            await connection.send(HEAD * (MAX_PENDING_BYTES // len(HEAD) + 1))
            assert connection.transport.paused

            parts.links.gate.set()
            for _ in range(50):
                await settle()
            assert b"".join(connection.transport.written).count(b"302 Found") == MAX_PENDING_BYTES // len(HEAD) + 3
            assert not connection.transport.paused

        run(test())

    def test_a_connection_lost_while_its_link_is_fetched_is_forgotten(self) -> None:
        async def test() -> None:
            parts = edge()
            parts.links.gate = asyncio.Event()
            connection = parts.fast()
            await connection.send(builders.head("/far"))
            connection.transport.abort()
            await settle()
            parts.links.gate.set()
            await settle()

            assert connection.transport.written == []
            assert parts.counters.connections == 0
            assert parts.state.connections == set()
            assert parts.state.tasks == set()

        run(test())

    def test_shutdown_closes_idle_connections_and_answers_what_is_in_flight(self) -> None:
        async def test() -> None:
            parts = edge()
            parts.links.gate = asyncio.Event()
            idle, waiting, arriving = parts.fast(), parts.fast(), parts.fast()
            await idle.send(HEAD)
            await waiting.send(builders.head("/far"))
            await arriving.send(HEAD[:40])
            just_asked = parts.fast()
            just_asked.protocol.data_received(HEAD)
            for connection in (idle, waiting, arriving, just_asked):
                connection.protocol.shutdown()
            await settle()
            assert idle.transport.closed
            assert status_of(b"".join(just_asked.transport.written)) == 302
            assert just_asked.transport.closed
            assert not waiting.ends
            assert not arriving.ends

            parts.links.gate.set()
            answers = await waiting.send(), await arriving.send(HEAD[40:])
            for connection, answer in zip((waiting, arriving), answers, strict=True):
                assert status_of(answer) == 302
                assert header_of(answer, CLOSING) == "close"
                assert connection.transport.closed
            assert len(parts.spool.recorded) == 4

        run(test())

    def test_the_app_too_ends_a_connection_that_is_being_shut_down(self) -> None:
        async def test() -> None:
            connection = edge().fast()
            connection.protocol.data_received(builders.head("/robots.txt"))
            connection.protocol.shutdown()
            await settle()

            assert status_of(b"".join(connection.transport.written)) == 200
            assert connection.transport.closed

        run(test())


some_bytes = st.one_of(
    st.binary(max_size=200),
    st.lists(
        st.sampled_from(
            [
                b"GET ",
                b"HEAD ",
                b"POST ",
                b"/saas",
                b"/",
                b"?",
                b"a=b",
                b" HTTP/1.1",
                b"\r\n",
                b"\r\n\r\n",
                b"\n",
                b"Host: a",
                b"Host:",
                b"X-Forwarded-For: 8.8.8.8",
                b"Content-Length: 3",
                b"Transfer-Encoding: chunked",
                b"0\r\n\r\n",
                b"\x00",
                b"Connection: close",
                b"Cookie: a",
                b"%",
                b"#",
                b"http://a/",
                b" ",
                b":",
                HEAD,
                HEAD[:-2],
                b"Upgrade: h2c",
            ]
        ),
        max_size=12,
    ).map(b"".join),
)
PLANNED = {200, 302, 400, 404, 405, 414, 431}


@settings(max_examples=600)
@given(some_bytes, st.lists(st.integers(0, 400), max_size=4), st.sampled_from([PROXY, STRANGER]))
def test_any_bytes_get_a_planned_answer_or_none(data: bytes, places: list[int], peer: str) -> None:
    async def test() -> None:
        parts = edge()
        connection = parts.fast(peer)
        for _ in range(3):
            await parts.fast(peer).send(HEAD)
        answers = await connection.send(*cut(data, places))
        for answer in answers.split(b"HTTP/1.1 ")[1:]:
            assert int(answer[:3]) in PLANNED
        connection.protocol.eof_received()
        await settle()
        assert connection.transport.closed or connection.transport.ended

    run(test())


def test_nothing_is_logged_for_what_strangers_send(caplog: pytest.LogCaptureFixture) -> None:
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket"}

    async def test() -> None:
        for data in (*BAD_REQUESTS.values(), builders.head("/nothing/here"), builders.head("/", upgrade)):
            await edge().fast().send(data)

    with caplog.at_level(logging.INFO):
        run(test())
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
