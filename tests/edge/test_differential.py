"""Both roads answer byte for byte the same, and record the same clicks, whatever is asked and however it arrives."""

import asyncio
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import builders
from tests.edge.roads import PROXY, STRANGER, Edge, cut
from tests.fakes import FakeLinks

TABLE = builders.table()
MACROS = "https://m.example/{country}/{device}/{os}/{sub1}?p={partner}&c={coupon}&o={offer}&l={link}&r={rule}&i={click_id}#{sub2}"


def some_links() -> FakeLinks:
    """Links of every sort: plain, presetting, with macros, closed, and two that only a fetch finds."""
    of = builders.offer
    macros = of("macros", builders.smart_link(builders.rule("r_m", MACROS, device=["mobile"]), fallback_url=MACROS))
    twice = of(
        "twice", link=builders.smart_link(enabled=False), destination_url="https://t.example/{click_id}/{click_id}"
    )
    return FakeLinks(
        [
            builders.entry("saas", TABLE),
            builders.entry("saas", TABLE, domain="go.brand.example"),
            builders.entry("jane", TABLE, link="l_1", partner="jane", coupon="J 10%", subs=("a\tb", "", "", "", "é")),
            builders.entry("macros", macros, link="l_2"),
            builders.entry("twice", twice),
            builders.entry("bare", of("bare", append_click_id=False, pass_query=False, redirect_status=307)),
            builders.entry("paused", of("paused", status="paused")),
            builders.entry("moved", of("moved", status="paused", inactive_url="https://later.example/")),
            builders.entry("off", TABLE, link="l_3", enabled=False),
            builders.entry("expired", TABLE, link="l_4", expires_at=1),
        ],
        remote=[builders.entry("far", TABLE, link="l_5"), builders.entry("farther", TABLE, link="l_6")],
        domains={"go.brand.example": "https://brand.example/", "_": None},
        salts={"2026-11-18": b"s" * 16},
    )


SLUGS = ["saas", "jane", "macros", "twice", "bare", "paused", "moved", "off", "expired", "far", "farther", "unknown"]
spelt: st.SearchStrategy[Callable[[str], str]] = st.sampled_from([str, str.lower, str.upper, str.title])
hosts = st.sampled_from(["go.example.com", "go.brand.example", "GO.Brand.Example:8080", "go.brand.example.", ""])
agents = st.sampled_from([builders.CHROME, builders.IPHONE, builders.GOOGLEBOT, "", "\x80\xff odd", "curl/8.4.0"])
paths = st.one_of(
    st.sampled_from(SLUGS).map("/{}".format),
    st.sampled_from(SLUGS).map(lambda slug: f"/{slug.upper()}/"),
    st.sampled_from(SLUGS).map(lambda slug: f"/%{ord(slug[0]):02x}{slug[1:]}"),
    st.sampled_from(
        ["/", "/robots.txt", "/.well-known/x", "//saas", "/saas//", "/sa%2Fas", "/sa%0Aas", "/%", "/a/b", "/-x"]
    ),
    st.sampled_from(["/saas#part", "/" + "a" * 64, "/" + "a" * 65]),
)
params = st.sampled_from(
    [
        "via=jane",
        "via=",
        "via",
        "sub1=a%20b",
        "SUB1=x",
        "s%75b2=y+z",
        "sub1=again",
        "coupon=TEN",
        "click_id=fake",
        "a=1",
        "utm_source=news",
        "utm_source=b",
        "=",
        "",
        "x=%zz",
        "quote=\"'<>\\^`{|}",
        "?",
        "sub5=" + "%C3%A9" * 250,
    ]
)
queries = st.lists(params, max_size=5).map("&".join)
fields = st.sampled_from(
    [
        ("Accept", "application/json"), ("Accept", "text/html"), ("Accept-Language", "de"), ("Cookie", "a=1; b=2"),
        ("Referer", "https://News.Example.com:8443/a?b"), ("Referer", "android-app://x"), ("Referer", "https://u@h/"),
        ("Sec-Purpose", "prefetch;prerender"), ("Purpose", "prefetch"), ("Connection", "keep-alive"),
        ("Connection", "close"), ("Connection", "Keep-Alive, X-Thing"), ("sec-ch-ua-mobile", "?1"),
        ("sec-ch-ua-platform", '"Android"'), ("X-Forwarded-For", "203.0.113.9"), ("X-Country", "fr"),
        ("X-Country", "XX"),
        ("X-Request-Id", "4711"), ("X-Request-Id", "4712"), ("Upgrade-Insecure-Requests", "1"),
        ("X-Empty", ""), ("X-Space", "  padded  "), ("Priority", "u=0, i"),
    ]
)  # fmt: skip


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """One well-formed head, its fields in any order and spelling."""
    query = draw(queries)
    target = draw(paths) + (f"?{query}" if query else "")
    host = draw(hosts)
    if host and draw(st.integers(0, 9)) == 0:
        target = f"http://{host.lower()}{target}"
    given_fields = [("Host", host), ("User-Agent", draw(agents)), *draw(st.lists(fields, max_size=6))]
    forwarded = draw(st.sampled_from([None, builders.US_ADDRESS, builders.GB_ADDRESS, "bad", "8.8.8.8, 10.1.1.1"]))
    if forwarded is not None:
        given_fields.append(("X-Forwarded-For", forwarded))
    if draw(st.integers(0, 9)) == 0:
        given_fields.append(("Content-Length", draw(st.sampled_from(["0", "00"]))))
    odd = draw(st.booleans())
    shuffled = draw(st.permutations(given_fields)) if odd else given_fields
    lines = [f"{draw(spelt)(name) if odd else name}: {value}" for name, value in shuffled]
    method = draw(st.sampled_from(["GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "DELETE"]))
    version = draw(st.sampled_from(["1.1", "1.1", "1.1", "1.1", "1.0"]))
    return "\r\n".join([f"{method} {target} HTTP/{version}", *lines, "", ""]).encode("latin-1")


def new_edge() -> Edge:
    """An edge on which nothing has been asked yet."""
    return Edge(links=some_links(), country_header="x-country", edge_name="edge-1", dedupe_seconds=2)


async def on_both_roads(heads: list[bytes], places: list[int], peer: str, *, rounds: int) -> None:
    """Ask both roads the same, `rounds` times over, so that heads come to be known, and compare."""
    fast, plain = new_edge(), new_edge()
    for _ in range(rounds):
        here, there = fast.fast(peer), plain.plain(peer)
        data = b"".join(heads)
        for piece in cut(data, places):
            await here.send(piece)
            await there.send(piece)
        assert b"".join(here.transport.written) == b"".join(there.transport.written)
        assert here.ends == there.ends
        fast.now_ms += 1500
        plain.now_ms += 1500
    assert fast.spool.recorded == plain.spool.recorded
    assert not fast.spool.pending
    assert fast.counters.clicks == plain.counters.clicks
    assert fast.counters.responses == plain.counters.responses


@settings(max_examples=1000)
@given(requests(), st.sampled_from([PROXY, STRANGER]))
def test_one_request_has_one_answer_on_both_roads(head: bytes, peer: str) -> None:
    asyncio.run(on_both_roads([head], [], peer, rounds=4))


@settings(max_examples=700)
@given(
    st.lists(requests(), min_size=1, max_size=5),
    st.lists(st.integers(0, 5000), max_size=6),
    st.sampled_from([PROXY, STRANGER]),
)
def test_pipelined_requests_cut_anywhere_have_the_same_answers(
    heads: list[bytes], places: list[int], peer: str
) -> None:
    asyncio.run(on_both_roads(heads, places, peer, rounds=2))


@pytest.mark.parametrize("slug", ["saas", "jane", "macros", "unknown"])
def test_a_head_cut_at_any_byte_has_the_same_answer(slug: str) -> None:
    head = builders.head(f"/{slug}?via=jane&a=b", {"Cookie": "x=1", "Accept": "application/json"})

    async def cut_everywhere() -> None:
        edge = new_edge()
        whole = _without_id(await edge.fast().send(head))
        for place in range(1, len(head)):
            assert _without_id(await edge.fast().send(head[:place], head[place:])) == whole
        one_by_one = await edge.fast().send(*[head[place : place + 1] for place in range(len(head))])
        assert _without_id(one_by_one) == whole

    asyncio.run(cut_everywhere())


@pytest.mark.parametrize("peer", [PROXY, STRANGER])
def test_known_and_pipelined_heads_cut_at_any_byte_have_the_same_answers_on_both_roads(peer: str) -> None:
    heads = [
        builders.head(f"/{target}", {"Cookie": f"n={number}", "Accept": "*/*"})
        for number, target in enumerate(["saas?via=jane", "unknown", "macros?a=b&sub1=c", "robots.txt", "jane"])
    ]
    data = b"".join(heads)

    async def cut_everywhere() -> None:
        fast, plain = new_edge(), new_edge()
        for head in heads * 3:
            await fast.fast(peer).send(head)
        expected = _without_id(await plain.plain(peer).send(data))
        for place in range(1, len(data)):
            assert _without_id(await fast.fast(peer).send(data[:place], data[place:])) == expected

    asyncio.run(cut_everywhere())


def _without_id(answer: bytes) -> bytes:
    return re.sub(rb"1m7q5cqg[0-9a-z]{18}", b"<click id>", answer)
