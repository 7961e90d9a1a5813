"""The auditor holds an edge to what SQL says, and to nothing that an edit on its way, a clock or a country explains."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace

import pytest
from sqlalchemy import text

from control.auditor import findings
from control.auditor.asking import TRIES_PER_WORKER, Line, Question, Unreachable, read_answer
from control.auditor.auditor import Auditor
from control.auditor.doubts import GRACE_S, Doubts, Place
from control.auditor.findings import State
from control.auditor.judgement import EXPIRY_SLACK_MS, QUERY, Answer, difference
from control.auditor.truth import Truth, truth_of
from control.auditor.turns import MAX_EDITED, NOBODYS_SLUG, Turns
from control.auditor.witnesses import ADDRESSES, MAX_WITNESSES, USER_AGENTS, Witness, everyone, telling
from control.parts import Parts
from control.publishing.fleet import Edge, Fleet
from control.publishing.publisher import PublisherStatus
from shared.canary import Split
from shared.decision import decide
from shared.key import Key
from shared.pointer import Pointer
from shared.rules import OfferStatus
from shared.table import Table
from shared.visitor import Visitor
from shared.wire import Lease
from tests import builders
from tests.control.api import Api, rule
from tests.control.fakes import FakeLive
from tests.control.test_canaries import fleet, names

NOW = 1_800_000_000_000
IPHONE_US = Visitor("US", "mobile", "ios")
KEY = builders.key()


def truth(table: Table | None = None, **pointer: object) -> Truth:
    known = table or builders.table()
    return Truth(KEY, Pointer(known.offer, **pointer), known, link_sequence=3, table_sequence=7)  # type: ignore[arg-type]


def served(location: str, status: int = 302, table: int | None = 7, link: int | None = 3) -> Answer:
    return Answer(status, location.encode(), 0, table, link)


RIGHT = f"{builders.APP_STORE}?{QUERY}&click_id=0a1b2c3d"


class TestJudgement:
    @pytest.mark.parametrize(
        "location", [RIGHT, RIGHT.replace("0a1b2c3d", "x"), f"{builders.UK_LANDING}?{QUERY}&click_id=1"]
    )
    def test_what_sql_says_to_this_visitor_anywhere_is_right(self, location: str) -> None:
        assert difference(served(location), truth(), IPHONE_US, NOW) == ""

    @pytest.mark.parametrize(
        ("answer", "says"),
        [
            (served(RIGHT.replace("apple", "evil")), "redirects to https://apps.evil.com"),
            (served(f"{builders.LANDING}?{QUERY}&click_id=1"), "redirects to https://yourbrand.com/landing"),
            (served(RIGHT.replace(QUERY + "&", "")), "redirects to"),
            (served(RIGHT.replace("0a1b2c3d", "")), "redirects to"),
            (served(RIGHT + "&more=1"), "redirects to"),
            (served(RIGHT, table=6), "serves publish 6 of its rules, the newest is 7"),
            (served(RIGHT, table=8), "serves publish 8 of its rules, the newest is 7"),
            (served(RIGHT, link=2), "serves publish 2 of its link, the newest is 3"),
            (served("", 404), "answers 404 instead of 302"),
            (served("", 410), "answers 410 instead of 302"),
            (served(RIGHT, 307), "answers 307 instead of 302"),
        ],
    )
    def test_everything_else_is_told(self, answer: Answer, says: str) -> None:
        assert says in difference(answer, truth(), IPHONE_US, NOW)

    def test_an_edge_that_names_no_publishes_is_held_to_its_locations(self) -> None:
        assert difference(served(RIGHT, table=None, link=None), truth(), IPHONE_US, NOW) == ""
        assert difference(served("https://evil.com/", table=None, link=None), truth(), IPHONE_US, NOW)

    def test_presets_stand_in_macros(self) -> None:
        to = "https://shop.com/{partner}/{sub1}/{link}/{device}/{country}"
        link = truth(
            builders.table(builders.offer(link=builders.smart_link(fallback_url=to))),
            link="l_1",
            partner="jane",
            subs=("a b", "", "", "", ""),
        )

        assert (
            difference(served(f"https://shop.com/jane/a%20b/saas/mobile/US?{QUERY}&click_id=1"), link, IPHONE_US, NOW)
            == ""
        )
        assert difference(
            served(f"https://shop.com/jack/a%20b/saas/mobile/US?{QUERY}&click_id=1"), link, IPHONE_US, NOW
        )

    @pytest.mark.parametrize(
        ("expected", "changes"),
        [
            ({410}, {"enabled": False}),
            ({410}, {"expires_at": NOW - EXPIRY_SLACK_MS - 1}),
            ({302}, {"expires_at": NOW + EXPIRY_SLACK_MS + 1}),
            ({302, 410}, {"expires_at": NOW}),
            ({302, 410}, {"expires_at": NOW - EXPIRY_SLACK_MS + 1}),
        ],
    )
    def test_a_link_that_has_ended_answers_410_and_around_its_end_either(
        self, expected: set[int], changes: dict[str, object]
    ) -> None:
        said = {
            status
            for status in (302, 410, 404)
            if not difference(served(RIGHT if status == 302 else "", status), truth(**changes), IPHONE_US, NOW)
        }

        assert said == expected

    @pytest.mark.parametrize("status", [OfferStatus.PAUSED, OfferStatus.ARCHIVED])
    def test_an_offer_that_is_gone_answers_410(self, status: OfferStatus) -> None:
        gone = truth(builders.table(builders.offer(status=status)))

        assert difference(served("", 410), gone, IPHONE_US, NOW) == ""
        assert difference(served(RIGHT), gone, IPHONE_US, NOW) == "answers 302 instead of 410"

    def test_all_of_a_paused_domain_goes_where_it_says(self) -> None:
        gone, safe = Truth(KEY, paused=(None,)), Truth(KEY, paused=("https://safe.com/",))

        assert difference(served("", 410, None, None), gone, IPHONE_US, NOW) == ""
        assert difference(served(RIGHT), gone, IPHONE_US, NOW) == "answers 302 instead of 410"
        assert difference(served("https://safe.com/", 302, None, None), safe, IPHONE_US, NOW) == ""
        assert "redirects to" in difference(served(RIGHT), safe, IPHONE_US, NOW)

    def test_what_does_not_exist_answers_404(self) -> None:
        assert difference(served("", 404, None, None), Truth(KEY), IPHONE_US, NOW) == ""
        assert difference(served(RIGHT), Truth(KEY), IPHONE_US, NOW) == "answers 302 instead of 404"


class TestCanary:
    SPLIT = Split(50, "5a17")
    NAMES = tuple(f"edge-{number}/0" for number in range(100))
    BOTH = replace(
        truth(builders.table(builders.offer(link=builders.smart_link(fallback_url="https://old.test/")))),
        canary=builders.table(builders.offer(link=builders.smart_link(fallback_url="https://new.test/"))),
        split=SPLIT,
    )

    def wrong(self, location: str, worker: str | None) -> bool:
        answer = served(f"{location}?{QUERY}&click_id=1")
        return all(difference(answer, its, IPHONE_US, NOW) for its in self.BOTH.seen_from(worker))

    @pytest.mark.parametrize("picked", [True, False])
    def test_a_worker_is_held_to_its_own_side(self, picked: bool) -> None:
        worker = next(name for name in self.NAMES if self.SPLIT.picks(name) is picked)

        assert self.wrong("https://new.test/", worker) is not picked
        assert self.wrong("https://old.test/", worker) is picked

    def test_one_that_does_not_say_which_it_is_may_serve_either(self) -> None:
        assert [self.wrong(f"https://{name}.test/", None) for name in ("new", "old", "evil")] == [False, False, True]

    def test_either_side_has_the_publish_of_both(self) -> None:
        assert {its.table_sequence for its in self.BOTH.seen_from(None)} == {7}


class TestDoubts:
    PLACE = Place("edge-1", 0, KEY)
    OLD = served(RIGHT, table=6)

    def test_what_stays_wrong_in_the_same_way_becomes_a_difference(self) -> None:
        doubts = Doubts()

        assert not doubts.note(self.PLACE, "wrong", self.OLD, 0.0)
        assert not doubts.note(self.PLACE, "wrong", self.OLD, GRACE_S - 0.1)
        assert doubts.note(self.PLACE, "wrong", self.OLD, GRACE_S)
        assert not doubts.note(self.PLACE, "wrong", self.OLD, GRACE_S + 1)
        assert list(doubts.found) == [self.PLACE]

    def test_what_moves_is_an_edit_on_its_way_however_long_edits_go_on(self) -> None:
        doubts = Doubts()

        assert not any(doubts.note(self.PLACE, "wrong", served(RIGHT, table=n), n * GRACE_S) for n in range(20))
        assert doubts.found == {}

    def test_a_right_answer_clears_it(self) -> None:
        doubts = Doubts()
        for at in (0.0, GRACE_S):
            doubts.note(self.PLACE, "wrong", self.OLD, at)
        doubts.note(self.PLACE, "", served(RIGHT), GRACE_S + 1)

        assert doubts.found == {}
        assert doubts.keys == []

    def test_a_difference_that_becomes_another_one_stays_found_since_it_began(self) -> None:
        doubts = Doubts()
        for at in (0.0, GRACE_S):
            doubts.note(self.PLACE, "wrong", self.OLD, at)
        doubts.note(self.PLACE, "otherwise wrong", served("", 404), GRACE_S + 5)

        assert (doubts.found[self.PLACE].says, doubts.found[self.PLACE].since_s) == ("otherwise wrong", 0.0)

    def test_edges_that_are_gone_are_forgotten(self) -> None:
        doubts = Doubts()
        for at in (0.0, GRACE_S):
            doubts.note(self.PLACE, "wrong", self.OLD, at)
        doubts.keep_only({"edge-2"})

        assert doubts.found == {}


def classified(_address: str, headers: dict[str, str]) -> Visitor:
    mobile = "Mobile" in headers["user-agent"]
    return Visitor("ZZ", "mobile" if mobile else "desktop", "ios" if "iPhone" in headers["user-agent"] else "other")


WITNESSES = everyone(classified)  # type: ignore[arg-type]


class TestWitnesses:
    def test_there_is_one_for_every_device_at_every_address(self) -> None:
        assert len(WITNESSES) == len(USER_AGENTS) * len(ADDRESSES)
        assert WITNESSES[0].visitor.country == "ZZ"

    def test_each_decision_that_they_can_tell_apart_has_one(self) -> None:
        table = builders.table()
        decisions = [decide(table, witness.visitor) for witness in telling([table], WITNESSES)]

        assert {decision.rule for decision in decisions if decision} == {
            "r_us_mobile",
            "r_us_desktop",
            "r_uk",
            "fallback",
        }
        assert len(decisions) == 4

    def test_of_very_many_decisions_eight_are_asked_for(self) -> None:
        rules = [
            builders.rule(f"r_{country}", f"https://x.co/{country}", country=[country])
            for country in ADDRESSES.values()
        ]
        rules += [builders.rule(f"r_{os}", f"https://x.co/{os}", os=[os]) for os in ("ios", "other")]

        assert (
            len(telling([builders.table(builders.offer(link=builders.smart_link(*rules)))], WITNESSES)) == MAX_WITNESSES
        )

    def test_what_does_not_exist_is_asked_for_once(self) -> None:
        assert len(telling([], WITNESSES)) == 1

    def test_who_either_side_of_a_canary_treats_differently_is_asked_as(self) -> None:
        by_country = builders.table()
        by_os = builders.table(
            builders.offer(link=builders.smart_link(builders.rule("r_ios", "https://x.co/", os=["ios"])))
        )
        asked = telling([by_country, by_os], WITNESSES)

        for table in (by_country, by_os):
            alone = telling([table], WITNESSES)
            assert {decide(table, witness.visitor) for witness in asked} == {
                decide(table, witness.visitor) for witness in alone
            }


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-Turnout-Edge: edge=fra-1:8080/3; revision=7; age=0.000; table=2.41; link=2.17\r\n", (3, 41, 17)),
        ("x-turnout-edge: edge=fra/1/0; age=1.500\r\n", (0, None, None)),
        ("", (-1, None, None)),
        ("x-turnout-edge: nonsense\r\n", (-1, None, None)),
    ],
)
def test_an_answer_says_which_worker_it_is_from_and_what_it_serves(header: str, expected: tuple[int, ...]) -> None:
    head = f"HTTP/1.1 302 Found\r\nserver: x\r\nLocation: https://x.co/\r\n{header}\r\n".encode()

    assert read_answer(head) == Answer(302, b"https://x.co/", *expected)


def test_what_is_no_http_is_no_answer() -> None:
    with pytest.raises(ValueError, match=r"HTTP/1\.1"):
        read_answer(b"SSH-2.0-OpenSSH\r\n\r\n")


@dataclass
class FakeEdge:
    """Workers behind one port: connections go to them in turn; each answers what `says` gives."""

    workers: int = 2
    says: Callable[[int], str] = lambda slot: f"X-Turnout-Edge: edge=e/{slot}; age=0.000\r\n"
    connections: list[int] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def line(self) -> "AbstractAsyncContextManager[Line]":  # type: ignore[misc]
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        line = Line(f"127.0.0.1:{server.sockets[0].getsockname()[1]}", self.workers)
        try:
            yield line
        finally:
            await line.close()
            server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        slot = len(self.connections) % self.workers
        self.connections.append(slot)
        try:
            while True:
                self.requests.append(await reader.readuntil(b"\r\n\r\n"))
                writer.write(f"HTTP/1.1 404 Not Found\r\n{self.says(slot)}\r\n".encode())
        except asyncio.IncompleteReadError:
            writer.close()


QUESTION = Question(Key("go.brand.com", "saas"), Witness("8.8.8.8", "agent", IPHONE_US))


class TestAsking:
    def test_every_worker_is_met_and_then_asked_over_its_own_connection(self) -> None:
        edge = FakeEdge(workers=3)

        async def scenario() -> list[set[int]]:
            async with edge.line() as line:
                return [{answer.slot for answer in await line.ask(QUESTION)} for _ in range(4)]

        assert asyncio.run(scenario()) == [{0, 1, 2}] * 4
        assert len(edge.connections) == 3

    def test_it_is_a_head_that_does_not_count_for_the_domain_as_the_witness(self) -> None:
        edge = FakeEdge(workers=1)

        async def scenario() -> None:
            async with edge.line() as line:
                await line.ask(QUESTION)

        asyncio.run(scenario())
        lines = edge.requests[0].decode().split("\r\n")
        assert lines[0] == f"HEAD /saas?{QUERY} HTTP/1.1"
        assert {"Host: go.brand.com", "User-Agent: agent", "X-Forwarded-For: 8.8.8.8"} <= set(lines)

    def test_workers_that_are_not_told_apart_are_asked_one_at_a_time(self) -> None:
        edge = FakeEdge(workers=4, says=lambda _slot: "")

        async def scenario() -> list[int]:
            async with edge.line() as line:
                return [answer.slot for _ in range(4) for answer in await line.ask(QUESTION)]

        assert asyncio.run(scenario()) == [-1] * 4
        assert edge.connections == [0, 1, 2, 3]

    def test_a_worker_that_is_never_met_costs_a_few_connections_only(self) -> None:
        edge = FakeEdge(workers=2, says=lambda _slot: "X-Turnout-Edge: edge=e/0; age=0.000\r\n")

        async def scenario() -> int:
            async with edge.line() as line:
                return len(await line.ask(QUESTION))

        assert asyncio.run(scenario()) == 1
        assert len(edge.connections) == TRIES_PER_WORKER * 2

    @pytest.mark.parametrize("address", ["127.0.0.1:1", "no.such.host.invalid:80", "nonsense"])
    def test_nobody_there_is_unreachable(self, address: str) -> None:
        with pytest.raises(Unreachable, match="cannot be connected to"):
            asyncio.run(Line(address, 1).ask(QUESTION))


def test_the_truth_of_an_offer_with_a_canary_has_both_sides(api: Api, parts: Parts, live: FakeLive) -> None:
    live.edges = fleet()
    offer = api.offer()
    api.save(offer["id"], [rule("https://old.test/")])
    api.save(offer["id"], [rule("https://new.test/")], params={"canary": 20})

    async def found() -> Truth:
        async with parts.db.read() as session:
            return await truth_of(session, Key("_", "saas"))

    seen = api.client.portal.call(found)
    served_by = {name: table.revision for name in names(live.edges) for table in seen.seen_from(name)[0].tables[:1]}
    assert sorted(served_by.values()) == [2] * 8 + [3] * 2
    assert [table.revision for table in seen.tables] == [2, 3]


def test_truth_is_what_the_nouns_say(api: Api, parts: Parts) -> None:
    domain = api.made("/domains", {"host": "go.brand.com"})
    offer = api.offer(domain_ids=[domain["id"]])
    partner = api.partner("jane")
    link = api.made("/links", {"slug": "summer", "offer_id": offer["id"], "partner_id": partner["id"], "sub2": "x"})

    async def ask(key: Key) -> Truth:
        async with parts.db.read() as session:
            return await truth_of(session, key)

    found = {
        key: api.client.portal.call(ask, key)
        for key in (
            Key("_", "saas"),
            Key("go.brand.com", "saas"),
            Key("_", "summer"),
            Key("go.brand.com", "summer"),
            Key("_", "no"),
        )
    }

    assert [each.pointer is not None for each in found.values()] == [True, True, True, False, False]
    assert found[Key("_", "summer")].pointer == Pointer(offer["id"], link["id"], "jane", "", ("", "x", "", "", ""))
    assert found[Key("_", "summer")].table_sequence == offer["sequence"]
    assert found[Key("_", "summer")].link_sequence > offer["sequence"]


def test_on_a_paused_domain_nothing_else_matters(api: Api, parts: Parts) -> None:
    domain = api.made("/domains", {"host": "go.brand.com", "status": "paused", "inactive_url": "https://Safe.com"})
    api.offer(domain_ids=[domain["id"]])

    async def ask(key: Key) -> Truth:
        async with parts.db.read() as session:
            return await truth_of(session, key)

    assert api.client.portal.call(ask, Key("go.brand.com", "saas")).paused == ("https://safe.com/",)
    assert api.client.portal.call(ask, Key("_", "saas")).paused == ()


def test_what_was_published_is_next_and_everything_else_comes_in_turn(api: Api, parts: Parts) -> None:
    offers = [api.offer(slug) for slug in ("a", "b")]
    link = api.made("/links", {"slug": "c", "offer_id": offers[0]["id"]})

    async def scenario() -> tuple[list[Key], list[Key], list[list[Key]]]:
        turns = Turns()
        async with parts.db.read() as session:
            first = await turns.edited(session, offers[1]["sequence"])
            then = await turns.edited(session, offers[1]["sequence"] + 1)
            return first, then, [await turns.next(session) for _ in range(4)]

    first, then, turns = api.client.portal.call(scenario)
    assert first == []
    assert then == [Key("_", link["slug"])]
    asked = [key.slug for round_ in turns for key in round_]
    assert set(asked) == {"a", "b", "c"}
    assert asked.count("a") == 2


def test_an_offer_that_is_edited_all_the_time_hides_no_other(api: Api, parts: Parts) -> None:
    often, once = api.offer("often"), api.offer("once")
    edited = [api.save(once["id"], []).json(), *(api.save(often["id"], []).json() for _ in range(MAX_EDITED + 1))]

    async def scenario() -> list[Key]:
        turns = Turns()
        async with parts.db.read() as session:
            await turns.edited(session, once["sequence"])
            return await turns.edited(session, edited[-1]["sequence"])

    assert api.client.portal.call(scenario) == [Key("_", "often"), Key("_", "once")]


def test_a_domain_that_was_paused_is_asked_about_at_once(api: Api, parts: Parts) -> None:
    offer = api.offer()
    domain = api.made("/domains", {"host": "go.brand.com"})
    paused = api.post(f"/domains/{domain['id']}/pause").json()

    async def scenario() -> list[Key]:
        turns = Turns()
        async with parts.db.read() as session:
            await turns.edited(session, offer["sequence"])
            return await turns.edited(session, paused["sequence"])

    assert api.client.portal.call(scenario) == [Key("go.brand.com", NOBODYS_SLUG)]


@dataclass
class FakePublishes:
    """Publishing, of which tests say what edges there are and how far it is."""

    edges: Fleet = ()
    published: int = 1_000

    async def fleet(self) -> Fleet:
        return self.edges

    def status(self) -> PublisherStatus:
        return PublisherStatus(1, self.published, self.published, 0, 0.0, False, 0, "")


def leased(address: str, workers: int = 1) -> Edge:
    leases = (Lease("e", slot, workers, "boot", 1, 1, 1, "synced", 1, (), address) for slot in range(workers))
    return Edge("e", tuple(leases))


class TestAuditing:
    """Rounds of a real auditor over SQL and a fake edge, in which everything is 404; time is the test's."""

    def found_after(
        self, api: Api, parts: Parts, edge: FakeEdge, times: Iterable[float], publishes: FakePublishes
    ) -> findings.Report:
        clock = [0.0]
        auditor = Auditor(parts.db, publishes, classified, clock=lambda: clock[0])  # type: ignore[arg-type]

        async def scenario() -> findings.Report:
            async with edge.line() as line:
                publishes.edges = publishes.edges or (leased(line.address, edge.workers),)
                for now in times:
                    clock[0] = now
                    await auditor._may_audit()
                    await auditor._audit(asyncio.Event())
                report = await findings.report(parts.db)
                await auditor._end()
                return report

        return api.client.portal.call(scenario)

    def test_what_is_wrong_for_longer_than_an_edit_travels_is_found_at_each_worker(
        self, api: Api, parts: Parts
    ) -> None:
        api.offer()
        report = self.found_after(api, parts, FakeEdge(), (0.0, GRACE_S), FakePublishes())

        assert report.edges["e"].state is State.DIFFERS
        assert [(each.slot, each.link, each.says) for each in report.edges["e"].differences] == [
            (slot, "_/saas", "answers 404 instead of 302") for slot in (0, 1)
        ]

    def test_before_that_nothing_is_said(self, api: Api, parts: Parts) -> None:
        api.offer()
        report = self.found_after(api, parts, FakeEdge(), (0.0, GRACE_S - 1), FakePublishes())

        assert report.edges["e"].state is State.AGREES
        assert report.is_current

    def test_an_edit_that_is_not_published_is_not_held_against_edges(self, api: Api, parts: Parts) -> None:
        api.offer()
        report = self.found_after(api, parts, FakeEdge(), (0.0, GRACE_S), FakePublishes(published=0))

        assert "e" not in report.edges or not report.edges["e"].differences

    @pytest.mark.parametrize(
        ("address", "says"), [("127.0.0.1:1", "cannot be connected to"), ("", "does not say where")]
    )
    def test_who_cannot_be_asked_is_unreachable(self, api: Api, parts: Parts, address: str, says: str) -> None:
        api.offer()
        report = self.found_after(api, parts, FakeEdge(), (0.0, 1.0, GRACE_S), FakePublishes((leased(address),)))

        assert report.edges["e"].state is State.UNREACHABLE
        assert says in report.edges["e"].reason

    def test_an_edge_that_does_not_trust_control_is_told_of(self, api: Api, parts: Parts) -> None:
        api.offer()
        report = self.found_after(api, parts, FakeEdge(says=lambda _slot: ""), (0.0,), FakePublishes())

        assert report.edges["e"].state is State.UNTOLD

    def test_an_edge_whose_lease_lapsed_is_asked_where_it_was(self, api: Api, parts: Parts) -> None:
        api.offer()
        publishes = FakePublishes()
        edge = FakeEdge()
        auditor = Auditor(parts.db, publishes, classified)  # type: ignore[arg-type]

        async def scenario() -> int:
            async with edge.line() as line:
                publishes.edges = (leased(line.address),)
                await auditor._may_audit()
                await auditor._audit(asyncio.Event())
                publishes.edges = (Edge("e", (), (0,)),)
                before = len(edge.requests)
                await auditor._audit(asyncio.Event())
                await auditor._end()
                return len(edge.requests) - before

        assert api.client.portal.call(scenario) > 0


def test_an_edge_that_does_not_answer_is_asked_once_a_round(api: Api, parts: Parts) -> None:
    for slug in ("a", "b", "c"):
        api.offer(slug)
    publishes = FakePublishes((leased("127.0.0.1:1"),), published=1)
    auditor = Auditor(parts.db, publishes, classified)  # type: ignore[arg-type]

    async def scenario() -> None:
        await auditor._may_audit()
        await auditor._audit(asyncio.Event())
        publishes.published = 1_000
        await auditor._audit(asyncio.Event())
        await auditor._end()

    api.client.portal.call(scenario)
    assert auditor.answers["none"] == 1


def test_it_ends_when_it_is_told_to_also_without_a_database(api: Api, parts: Parts) -> None:
    api.offer()

    async def scenario() -> None:
        stopping = asyncio.Event()
        auditor = Auditor(parts.db, FakePublishes(), classified, pace_s=0.01)  # type: ignore[arg-type]
        async with asyncio.timeout(30):
            task = asyncio.create_task(auditor.run(stopping))
            while not (await findings.report(parts.db)).is_current:  # noqa: ASYNC110  # SQL tells nobody
                await asyncio.sleep(0.01)
            async with parts.db.write() as session:
                await session.execute(text("DROP TABLE audit_lease"))
            stopping.set()
            await task

    api.client.portal.call(scenario)


def test_of_two_auditors_one_asks(api: Api, parts: Parts) -> None:
    first, second = (Auditor(parts.db, FakePublishes(), classified, clock=lambda: 0.0) for _ in range(2))  # type: ignore[arg-type]

    async def scenario() -> list[bool]:
        held = [await first._may_audit(), await second._may_audit()]
        await first._end()
        second._lease_until = 0.0
        return [*held, await second._may_audit()]

    assert api.client.portal.call(scenario) == [True, False, True]
