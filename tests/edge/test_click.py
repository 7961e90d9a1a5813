"""What a click gets and what is recorded of it, held against the readable way to say the same."""

import asyncio
import gc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.http.head import Head, Peer
from edge.http.responses import Response
from edge.rules.cache import Entry
from shared.decision import decide
from shared.destination import SUBS, param_name, param_value
from shared.events import ClickEvent, decode_event, encode_event
from shared.table import Table
from shared.visitor import Visitor
from tests import builders
from tests.edge.roads import NOW_MS, PROXY, SALTS, Edge
from tests.fakes import FakeLinks
from tests.shared.strategies import smart_links

TRUSTED = Peer(PROXY, True)


def ask(edge: Edge, target: str = "/saas", *, method: str = "GET", peer: Peer = TRUSTED, **fields: str) -> Response:
    """The answer to one request, as either road gets it."""
    path, _, query = target.encode("latin-1").partition(b"?")
    given_fields = {"host": "go.example.com", "user-agent": builders.CHROME, "x-forwarded-for": builders.US_ADDRESS}
    given_fields |= {name.replace("_", "-"): value for name, value in fields.items()}
    head = Head(
        method.encode(), path, query, [(name.encode(), value.encode("latin-1")) for name, value in given_fields.items()]
    )

    async def main() -> Response:
        answer = edge.clicks.answer(head, peer) or await edge.clicks.complete(head, peer)
        edge.clicks.flush()
        return answer

    return asyncio.run(main())


def location(response: Response) -> str:
    """Where a redirect goes, its click id set aside."""
    assert response.status in (302, 307)
    return dict(response.headers)[b"location"].decode()


def one(edge: Edge) -> ClickEvent:
    """The only click recorded."""
    (event,) = edge.spool.events
    return event


raw_values = st.text(st.sampled_from("ab%2059+~'\"<é"), max_size=8).map(lambda text: text.encode("utf-8", "replace"))
raw_names = st.sampled_from(
    [b"via", b"coupon", b"sub1", b"s%75b2", b"sub5", b"SUB1", b"utm", b"click_id", b"via+", b""]
)
raw_queries = st.lists(st.tuples(raw_names, raw_values).map(b"=".join), max_size=6).map(b"&".join)
presets = st.fixed_dictionaries(
    {},
    optional={
        "partner": st.sampled_from(["jane", "bob"]),
        "coupon": st.sampled_from(["TEN", "50 % off\t"]),
        "subs": st.tuples(*[st.sampled_from(["", "x", "y z", "é/?&"])] * 5),
    },
)


@settings(max_examples=300)
@given(smart_links(), presets, raw_queries, st.sampled_from([builders.US_ADDRESS, builders.GB_ADDRESS, "bad"]))
def test_the_event_is_what_the_readable_way_says(
    smart_link: Any, preset: dict[str, Any], query: bytes, address: str
) -> None:
    table = builders.table(builders.offer("saas", smart_link))
    edge = Edge([builders.entry("jane", table, link="l_1", **preset)])
    response = ask(edge, "/jane?" + query.decode("latin-1"), x_forwarded_for=address, referer="https://News.example/x")

    sent: dict[str, str] = {}
    for param in query.split(b"&"):
        sent.setdefault(param_name(param).decode("latin-1"), param_value(param.partition(b"=")[2]))
    set_by_link = {
        "via": preset.get("partner"),
        "coupon": preset.get("coupon"),
        **dict(zip(SUBS, preset.get("subs", ()), strict=False)),
    }
    given_ = {name: set_by_link.get(name) or sent.get(name, "") for name in ("via", "coupon", *SUBS)}
    client = PROXY if address == "bad" else address
    country = builders.COUNTRIES.get(address, "ZZ")
    decision = decide(table, Visitor(country, "desktop", "windows", "Chrome"))
    assert decision is not None
    event = one(edge)
    expected = ClickEvent(
        click_id=event.click_id,
        time_ms=NOW_MS,
        domain="_",
        slug="jane",
        offer="o_saas",
        link="l_1",
        revision=7,
        rule=decision.rule,
        country=country,
        device="desktop",
        os="windows",
        browser="Chrome",
        kind="person",
        **given_,
        referrer="news.example",
        ip=client.rsplit(".", 1)[0] + ".0",
        visitor=event.visitor,
    )
    assert event == expected
    assert decode_event(encode_event(expected)) == expected
    macros = {**given_, "partner": given_["via"], "country": country, "device": "desktop", "os": "windows"}
    macros |= {"offer": "saas", "link": "jane", "rule": decision.rule}
    wanted = decision.destination.location(event.click_id.encode(), query, macros)
    assert location(response).encode() == wanted


class TestDecisions:
    """The example that every test knows, and what offers and links can be."""

    @pytest.mark.parametrize(
        ("address", "agent", "rule", "destination"),
        [
            (builders.US_ADDRESS, builders.IPHONE, "r_us_mobile", builders.APP_STORE),
            (builders.US_ADDRESS, builders.CHROME, "r_us_desktop", builders.LANDING),
            (builders.GB_ADDRESS, builders.IPHONE, "r_uk", builders.UK_LANDING),
            (builders.GB_ADDRESS, builders.CHROME, "r_uk", builders.UK_LANDING),
            ("192.0.2.1", builders.CHROME, "fallback", builders.HOME),
        ],
    )
    def test_the_first_matching_rule_wins(self, address: str, agent: str, rule: str, destination: str) -> None:
        edge = Edge([builders.entry()])
        response = ask(edge, x_forwarded_for=address, user_agent=agent)

        assert location(response) == f"{destination}?click_id={one(edge).click_id}"
        assert one(edge).rule == rule

    @pytest.mark.parametrize(
        ("offer", "status", "rule"),
        [
            ({"status": "paused"}, 410, None),
            ({"status": "paused", "inactive_url": "https://later.example/"}, 302, "inactive"),
            ({"status": "archived", "inactive_url": "https://later.example/"}, 410, None),
            ({"link": builders.smart_link(enabled=False)}, 302, "off"),
            ({"redirect_status": 307}, 307, "r_us_desktop"),
        ],
        ids=["paused", "paused with inactive_url", "archived", "smart link off", "307"],
    )
    def test_what_an_offer_can_be(self, offer: dict[str, Any], status: int, rule: str | None) -> None:
        edge = Edge([builders.entry("saas", builders.offer("saas", **offer))])

        assert ask(edge).status == status
        assert [event.rule for event in edge.spool.events] == ([rule] if rule else [])
        assert edge.counters.responses == ({status: 1} if rule is None else {})

    @pytest.mark.parametrize(
        ("pointer", "status"),
        [({"enabled": False}, 410), ({"expires_at": NOW_MS}, 410), ({"expires_at": NOW_MS + 1}, 302)],
    )
    def test_a_disabled_or_expired_link_is_gone(self, pointer: dict[str, Any], status: int) -> None:
        assert ask(Edge([builders.entry(**pointer)])).status == status

    def test_an_edit_is_seen_by_the_next_click(self) -> None:
        edge = Edge([builders.entry()])
        assert location(ask(edge)).startswith(builders.LANDING)
        edited = builders.smart_link(builders.rule("r_new", "https://new.example/"))
        edge.links.put(builders.entry("saas", builders.offer("saas", edited, revision=8)))

        assert location(ask(edge)).startswith("https://new.example/")
        assert [event.revision for event in edge.spool.events] == [7, 8]

    def test_a_domain_has_slugs_of_its_own(self) -> None:
        links = FakeLinks([builders.entry(domain="go.brand.example")], domains={"go.brand.example": None})
        edge = Edge(links=links)

        assert ask(edge, host="GO.brand.example.:8443").status == 302
        assert ask(edge).status == 404
        assert one(edge).domain == "go.brand.example"

    def test_a_domain_registered_later_is_seen_though_its_head_was_known(self) -> None:
        links = FakeLinks([builders.entry(), builders.entry(domain="go.example.com", link="l_own")])
        edge = Edge(links=links)
        head = builders.head()

        async def main() -> None:
            connection = edge.fast()
            for _ in range(3):
                await connection.send(head)
            links.domains = {"go.example.com": None}
            await connection.send(head)

        asyncio.run(main())
        assert [event.link for event in edge.spool.events] == ["", "", "", "l_own"]


class TestWhatCounts:
    """Every GET answered with a redirect is one event; nothing else is."""

    @pytest.mark.parametrize(
        ("target", "method", "status"),
        [("/saas", "HEAD", 302), ("/unknown", "GET", 404), ("/off", "GET", 410), ("/%00", "GET", 404)],
    )
    def test_head_and_errors_make_no_event(self, target: str, method: str, status: int) -> None:
        edge = Edge([builders.entry(), builders.entry("off", enabled=False)])
        head = Head(method.encode(), target.encode(), b"", [(b"host", b"a")])
        if head.is_click:
            assert ask(edge, target, method=method).status == status
        assert edge.spool.recorded == []
        assert edge.counters.clicks == [0, 0, 0, 0]

    def test_kinds_are_counted(self) -> None:
        edge = Edge([builders.entry()])
        ask(edge)
        ask(edge, user_agent=builders.GOOGLEBOT)
        ask(edge, sec_purpose="prefetch")
        ask(edge)

        assert edge.counters.clicks == [2, 0, 1, 1]
        assert edge.counters.redirects == len(edge.spool.recorded) == 4

    def test_a_repeated_click_is_a_duplicate_for_as_long_as_was_set(self) -> None:
        edge = Edge([builders.entry(), builders.entry("other")], dedupe_seconds=10)
        for seconds, target, address in (
            (0, "/saas", "8.8.8.8"),
            (9, "/saas", "8.8.8.8"),
            (9, "/other", "8.8.8.8"),
            (9, "/saas", "8.8.8.9"),
            (10, "/saas", "8.8.8.8"),
            (19, "/saas", "8.8.8.8"),
        ):
            edge.now_ms = NOW_MS + seconds * 1000
            ask(edge, target, x_forwarded_for=address)

        kinds = [event.kind for event in edge.spool.events]
        assert kinds == ["person", "duplicate", "person", "person", "person", "duplicate"]
        assert edge.counters.clicks == [4, 2, 0, 0]

    def test_a_clock_that_steps_back_makes_no_duplicates_of_people(self) -> None:
        edge = Edge([builders.entry()], dedupe_seconds=10)
        ask(edge)
        edge.now_ms = NOW_MS - 86_400_000
        ask(edge)

        assert [event.kind for event in edge.spool.events] == ["person", "person"]

    def test_bots_are_never_duplicates(self) -> None:
        edge = Edge([builders.entry()], dedupe_seconds=10)
        for _ in range(2):
            ask(edge, user_agent=builders.GOOGLEBOT)

        assert edge.counters.clicks == [0, 0, 2, 0]

    def test_values_are_cut_where_they_are_read_and_no_line_grows_without_bound(self) -> None:
        edge = Edge([builders.entry()])
        ask(edge, "/saas?sub1=" + "%C3%A9" * 1300)

        assert one(edge).sub1 == "é" * 200
        assert len(edge.spool.recorded[0]) < 3000


class TestUnavailable:
    """A link that memory lacks is asked for; what nobody can vouch for is never a 404."""

    def test_503_with_retry_after_while_the_rules_cannot_be_reached(self) -> None:
        edge = Edge([builders.entry()])
        edge.links.reachable = False
        response = ask(edge, "/unknown")

        assert response.status == 503
        assert int(dict(response.headers)[b"retry-after"]) >= 1
        assert ask(edge).status == 302, "what is in memory goes on"

    def test_the_clients_network_is_charged_for_a_miss(self) -> None:
        edge = Edge()
        ask(edge, "/unknown", x_forwarded_for="81.2.69.142")

        assert edge.links.clients == ["81.2.69.0"]

    def test_all_unknown_slugs_get_the_same_answer(self) -> None:
        edge = Edge()

        assert ask(edge, "/unknown") == ask(edge, "/another", user_agent=builders.IPHONE)
        assert ask(edge, "/unknown", accept="application/json") != ask(edge, "/unknown")

    def test_a_flood_of_unknown_slugs_reads_no_user_agent(self) -> None:
        edge = Edge()
        for number in range(50):
            ask(edge, f"/no{number}", user_agent=f"scanner/{number}")

        assert edge.counters.agents_read == 0


class TestDebugHeader:
    """`X-Turnout-Edge` is for trusted peers: proxies of ours, which may show it or drop it."""

    @pytest.mark.parametrize(("peer", "shown"), [(TRUSTED, True), (Peer("8.8.8.8", False), False)])
    @pytest.mark.parametrize("forwarded_for", ["", "10.7.7.7", "8.8.8.8"])
    def test_who_gets_it(self, peer: Peer, forwarded_for: str, shown: bool) -> None:
        edge = Edge([builders.entry()], edge_name="edge-1/0")
        edge.links.age_s = 1.25
        response = ask(edge, peer=peer, x_forwarded_for=forwarded_for)

        header = dict(response.headers).get(b"x-turnout-edge")
        assert header == (b"edge=edge-1/0; revision=7; age=1.250" if shown else None)

    @pytest.mark.parametrize(
        ("path", "status", "header"),
        [
            ("/saas", 302, b"edge=edge-1/0; revision=7; age=0.000; table=1.5; link=1.5"),
            ("/ended", 410, b"edge=edge-1/0; revision=7; age=0.000; table=1.6; link=1.6"),
            ("/nothing", 404, b"edge=edge-1/0; age=0.000"),
        ],
    )
    def test_head_also_tells_which_publishes_are_served(self, path: str, status: int, header: bytes) -> None:
        entries = [builders.entry(sequence=5), builders.entry("ended", sequence=6, enabled=False)]
        edge = Edge(entries, edge_name="edge-1/0")
        for peer, expected in ((TRUSTED, header), (Peer("8.8.8.8", False), None)):
            response = ask(edge, path, method="HEAD", peer=peer)

            assert response.status == status
            assert dict(response.headers).get(b"x-turnout-edge") == expected
        assert edge.spool.events == []


def test_decisions_are_forgotten_once_there_are_very_many() -> None:
    edge = Edge([builders.entry()])
    edge.clicks._choices_left = 2
    for address in (builders.US_ADDRESS, builders.GB_ADDRESS, "192.0.2.1"):
        ask(edge, x_forwarded_for=address)

    assert [event.rule for event in edge.spool.events] == ["r_us_desktop", "r_uk", "fallback"]
    entry = edge.links.entries[builders.key()]
    assert isinstance(entry, Entry)
    assert len(edge.clicks.link_of(entry).plan.choices) == 1


def test_tables_of_long_ago_are_not_kept() -> None:
    edge = Edge([builders.entry()])
    ask(edge)
    before = _tables_in_memory()
    for revision in range(8, 28):
        edge.links.put(builders.entry("saas", builders.offer(revision=revision)))
        ask(edge)

    assert _tables_in_memory() == before


def _tables_in_memory() -> int:
    gc.collect()
    return sum(type(each) is Table for each in gc.get_objects())


def test_ten_thousand_queries_leave_memory_bounded() -> None:
    off = builders.offer("saas", builders.smart_link(enabled=False))
    edge = Edge([builders.entry("saas", off)])

    async def main() -> None:
        for number in range(10_000):
            edge.clicks.answer(Head(b"GET", b"/saas", b"gclid=%d" % number, [(b"host", b"a")]), TRUSTED)

    asyncio.run(main())
    assert len(edge.clicks.queries) <= 2 * 4096
    assert len(edge.clicks._around) <= 2 * 4096


class TestPausedDomain:
    """All of a paused domain goes to one page, or is gone; other domains do not notice."""

    HOST = "go.brand.com"

    def edge(self, url: str | None) -> Edge:
        entries = [builders.entry(), builders.entry(domain=self.HOST), builders.entry("jane", domain=self.HOST)]
        links = FakeLinks(entries, domains={"_": None, f"!{self.HOST}": url}, salts=SALTS)
        return Edge(links=links, edge_name="edge-1/0")

    @pytest.mark.parametrize("target", ["/saas", "/jane?x=1", "/never-heard-of"])
    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_every_slug_goes_to_the_safe_page_and_none_counts(self, target: str, method: str) -> None:
        edge = self.edge("https://brand.com/sorry")
        response = ask(edge, target, host=self.HOST, method=method)

        assert (response.status, dict(response.headers)[b"location"]) == (302, b"https://brand.com/sorry")
        assert edge.spool.events == []
        assert edge.links.fetches == []

    def test_without_a_safe_page_it_is_gone(self) -> None:
        assert ask(self.edge(None), host=self.HOST).status == 410

    def test_its_root_goes_where_its_slugs_go(self) -> None:
        head = Head(b"GET", b"/", b"", [(b"host", self.HOST.encode())])

        assert (
            dict(self.edge("https://brand.com/sorry").clicks.root(head).headers)[b"location"]
            == b"https://brand.com/sorry"
        )
        assert self.edge(None).clicks.root(head).status == 410

    def test_other_hosts_go_on(self) -> None:
        edge = self.edge(None)

        assert ask(edge).status == 302
        assert len(edge.spool.events) == 1

    def test_a_pause_and_its_end_are_seen_by_the_next_request(self) -> None:
        edge = self.edge(None)
        assert ask(edge, host=self.HOST).status == 410

        edge.links.domains = {"_": None, self.HOST: None}
        assert ask(edge, host=self.HOST).status == 302

        edge.links.domains = {"_": None, f"!{self.HOST}": None}
        assert ask(edge, host=self.HOST).status == 410
