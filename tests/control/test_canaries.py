"""Canaries over the API: on some workers first, then on all of them or back."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from control.canaries import drawing
from control.db import now_ms
from control.errors import Problem
from control.parts import Parts
from control.publishing.fleet import Edge, Fleet
from control.publishing.models import OutboxRow
from shared.canary import SHARES, Split, decode_for
from shared.table import SCHEMA
from shared.wire import Lease, Nack, table_key
from tests.control.api import Api, Client, errors_of, rule
from tests.control.clicks import Clicks, Ingester, batch
from tests.control.fakes import FakeLive

NEW, OLD = "https://new.test/", "https://old.test/"


def lease(host: str, slot: int, workers: int, **fields: Any) -> Lease:
    given = {"boot": f"{host}-{slot}", "schema": SCHEMA, "epoch": 1, "acked": 1, "state": "synced", "started_at": 1}
    return Lease(host=host, slot=slot, workers=workers, **(given | fields))


def edge(host: str, workers: int = 2, **fields: Any) -> Edge:
    return Edge(host, tuple(lease(host, slot, workers, **fields) for slot in range(workers)))


def fleet(hosts: int = 5, workers: int = 2) -> Fleet:
    return tuple(edge(f"edge-{number}", workers) for number in range(hosts))


def names(of: Fleet) -> list[str]:
    return list(drawing.workers_of(of))


@pytest.fixture(autouse=True)
def edges(live: FakeLive) -> Fleet:
    live.edges = fleet()
    return live.edges


@pytest.fixture
def offer(api: Api) -> Any:
    """An offer at revision 2, which sends everybody to `OLD`."""
    made = api.offer()
    api.save(made["id"], [rule(OLD)])
    return made


def begin(api: Api, offer: Any, share: int = 20, to: str = NEW, **options: Any) -> Any:
    """Save a canary; it must begin."""
    response = api.save(offer["id"], [rule(to)], params={"canary": share}, **options)
    assert response.status_code == 200, response.text
    return response.json()


def end(api: Api, offer: Any, how: str) -> Any:
    response = api.post(f"/offers/{offer['id']}/smart-link/canary/{how}")
    assert response.status_code == 200, response.text
    return response.json()


def state(api: Api, offer: Any) -> Any:
    return api.got(f"/offers/{offer['id']}/smart-link/canary")


def published(client: Client, parts: Parts, offer: Any) -> Any:
    """The newest body of the offer's table, as JSON."""

    async def read() -> Any:
        query = select(OutboxRow.body).where(OutboxRow.key == table_key(offer["id"]))
        async with parts.db.read() as session:
            return orjson.loads(await session.scalar(query.order_by(OutboxRow.sequence.desc()).limit(1)) or b"null")

    return client.portal.call(read)


def destinations(body: Any, workers: Sequence[str]) -> dict[str, str]:
    """Where each worker sends a click by a published table."""
    return {name: decode_for(name, body).decisions[0].destination.url for name in workers}


class TestBeginning:
    def test_a_share_of_the_workers_gets_it_and_the_others_keep_what_was(
        self, client: Client, parts: Parts, api: Api, offer: Any, edges: Fleet
    ) -> None:
        saved = begin(api, offer, share=20)

        to = destinations(published(client, parts, offer), names(edges))
        assert sorted(to.values()) == [NEW] * 2 + [OLD] * 8
        assert saved["revision"] == 3
        assert {name: saved["canary"][name] for name in ("revision", "stable_revision", "share", "workers", "of")} == {
            "revision": 3,
            "stable_revision": 2,
            "share": 20,
            "workers": 2,
            "of": 10,
        }
        assert saved["canary"]["by"]["name"] == "admin key"

    def test_it_shows_wherever_the_offer_does(self, api: Api, offer: Any) -> None:
        canary = begin(api, offer)["canary"]

        link = api.get(f"/offers/{offer['id']}/smart-link")
        assert (link.json()["canary"], link.headers["ETag"]) == (canary, '"3"')
        assert api.got(f"/offers/{offer['id']}")["canary"] == canary
        assert [each["canary"] for each in api.got("/offers")["items"]] == [canary]
        entry = api.got(f"/offers/{offer['id']}/revisions")["items"][0]
        assert entry["canary"] == canary | dict.fromkeys(("ended_at", "outcome", "ended_by")) | {
            "cause": "",
            "reason": "",
        }

    def test_what_is_got_can_be_put_back(self, api: Api, offer: Any) -> None:
        begin(api, offer)
        link = api.got(f"/offers/{offer['id']}/smart-link")

        assert api.put(f"/offers/{offer['id']}/smart-link", link).json()["canary"] is None

    def test_only_one_runs_at_a_time(self, api: Api, offer: Any) -> None:
        begin(api, offer)

        response = api.save(offer["id"], [rule()], params={"canary": 50})

        assert (response.status_code, response.json()["code"]) == (409, "canary_running")
        assert api.got(f"/offers/{offer['id']}")["revision"] == 3

    @pytest.mark.parametrize(
        ("about", "code"),
        [
            pytest.param((edge("a"), edge("b", schema=1)), "older_edges", id="an edge of the release before"),
            pytest.param((edge("a", 1),), "too_few_workers", id="one worker"),
            pytest.param((), "too_few_workers", id="no edges"),
            pytest.param((edge("a", 1), Edge("b", (), (0,))), "too_few_workers", id="one live worker"),
        ],
    )
    def test_a_fleet_that_cannot_serve_one_refuses_it(
        self, api: Api, offer: Any, live: FakeLive, about: Fleet, code: str
    ) -> None:
        live.edges = about

        response = api.save(offer["id"], [rule()], params={"canary": 10})

        assert (response.status_code, response.json()["code"]) == (409, code)
        assert api.got(f"/offers/{offer['id']}")["revision"] == 2

    def test_without_redis_nobody_knows_who_could_serve_one(self, api: Api, offer: Any, live: FakeLive) -> None:
        live.reachable = False

        response = api.save(offer["id"], [rule()], params={"canary": 10})

        assert (response.status_code, response.json()["code"]) == (503, "redis_unavailable")
        assert api.save(offer["id"], [rule()]).status_code == 200

    @pytest.mark.parametrize("share", ["0", "100", "-1", "x", "2.5"])
    def test_a_share_leaves_somebody_on_either_side(self, api: Api, offer: Any, share: str) -> None:
        response = api.save(offer["id"], [rule()], params={"canary": share})

        assert response.status_code == 422
        assert [path for path, _ in errors_of(response)] == ["canary"]

    @pytest.mark.parametrize("how", ["pause", "archive"])
    def test_an_offer_that_decides_nothing_has_nothing_to_try(self, api: Api, offer: Any, how: str) -> None:
        api.post(f"/offers/{offer['id']}/{how}")

        response = api.save(offer["id"], [rule()], params={"canary": 10})

        assert (response.status_code, response.json()["code"]) == (409, "offer_not_active")

    def test_an_edit_conflict_begins_none(self, api: Api, offer: Any) -> None:
        response = api.save(offer["id"], [rule()], params={"canary": 10}, headers={"If-Match": '"1"'})

        assert response.status_code == 412
        assert state(api, offer)["canary"] is None


class TestWhileItRuns:
    def test_a_change_of_the_offer_reaches_both_sides(
        self, client: Client, parts: Parts, api: Api, offer: Any, edges: Fleet
    ) -> None:
        begin(api, offer)
        api.patch(f"/offers/{offer['id']}", {"redirect_status": 307})

        tables = [decode_for(name, published(client, parts, offer)) for name in names(edges)]
        assert {(table.revision, table.redirect_status) for table in tables} == {(2, 307), (3, 307)}

    def test_pausing_stops_both_sides_and_activating_brings_both_back(
        self, client: Client, parts: Parts, api: Api, offer: Any, edges: Fleet
    ) -> None:
        begin(api, offer)
        api.post(f"/offers/{offer['id']}/pause")
        paused = [decode_for(name, published(client, parts, offer)).decisions for name in names(edges)]
        api.post(f"/offers/{offer['id']}/activate")

        assert set(paused) == {()}
        assert set(destinations(published(client, parts, offer), names(edges)).values()) == {NEW, OLD}

    def test_its_figures_tell_the_sides_apart(self, parts: Parts, client: Client, api: Api, offer: Any) -> None:
        canary = begin(api, offer, share=20)["canary"]
        client.portal.call(ingest, parts, offer["id"], {3: ("fallback", "fallback", "r_a", "off"), 2: ("r_a", "r_b")})

        told = state(api, offer)

        assert told["canary"] == canary
        assert told["new"] == {
            "revision": 3,
            "workers": 2,
            "clicks": 3,
            "fallback": 2,
            "fallback_share": pytest.approx(2 / 3),
        }
        assert told["stable"] == {"revision": 2, "workers": 8, "clicks": 2, "fallback": 0, "fallback_share": 0.0}

    def test_without_clicks_there_is_no_share_and_without_redis_no_worker(
        self, api: Api, offer: Any, live: FakeLive
    ) -> None:
        begin(api, offer)
        live.reachable = False

        assert state(api, offer)["new"] == {
            "revision": 3,
            "workers": 0,
            "clicks": 0,
            "fallback": 0,
            "fallback_share": None,
        }

    def test_who_refuses_it_is_told(self, api: Api, offer: Any, live: FakeLive) -> None:
        key = table_key(offer["id"])
        sequence = begin(api, offer)["sequence"]
        old, new = Nack(key, sequence - 1, "of before"), Nack(key, sequence, "no such kind")
        live.edges = (*live.edges, edge("edge-9", nacks=(old, new, Nack("k:_/other", sequence, "other"))))

        assert state(api, offer)["refusals"] == [{"edge": "edge-9", "key": key, "reason": "no such kind"}]


class TestResizing:
    def resize(self, api: Api, offer: Any, share: object, **options: Any) -> Any:
        return api.post(f"/offers/{offer['id']}/smart-link/canary/resize", {"share": share}, **options)

    def test_a_larger_share_adds_workers_to_those_that_serve_it(
        self, client: Client, parts: Parts, api: Api, offer: Any, live: FakeLive
    ) -> None:
        live.edges = fleet(50)
        begin(api, offer, share=20)
        before = destinations(published(client, parts, offer), names(live.edges))
        saved = self.resize(api, offer, 60).json()

        after = destinations(published(client, parts, offer), names(live.edges))
        assert {name for name, to in before.items() if to == NEW} < {name for name, to in after.items() if to == NEW}
        assert (saved["revision"], saved["canary"]["share"]) == (3, 60)
        assert saved["canary"]["workers"] == list(after.values()).count(NEW)
        assert state(api, offer)["canary"] == saved["canary"]

    def test_there_must_be_one_and_it_must_be_that_one(self, api: Api, offer: Any) -> None:
        assert self.resize(api, offer, 50).json()["code"] == "no_canary"
        begin(api, offer)
        assert self.resize(api, offer, 50, headers={"If-Match": '"2"'}).status_code == 412

    @pytest.mark.parametrize("share", [0, 100, "50", 2.5, None])
    def test_what_is_no_share_is_refused(self, api: Api, offer: Any, share: object) -> None:
        begin(api, offer)

        assert self.resize(api, offer, share).status_code == 422


class TestEnding:
    def test_promoted_everyone_gets_it_under_its_own_revision(
        self, client: Client, parts: Parts, api: Api, offer: Any, edges: Fleet
    ) -> None:
        begun = begin(api, offer)
        saved = end(api, offer, "promote")

        assert (saved["revision"], saved["canary"], saved["sequence"] > begun["sequence"]) == (3, None, True)
        assert published(client, parts, offer)["schema"] == 1
        assert set(destinations(published(client, parts, offer), names(edges)).values()) == {NEW}
        last = state(api, offer)["last"]
        assert (last["revision"], last["outcome"], last["cause"], last["ended_by"]["name"]) == (
            3,
            "promoted",
            "",
            "admin key",
        )

    def test_withdrawn_everyone_gets_what_was_as_a_new_revision(
        self, client: Client, parts: Parts, api: Api, offer: Any, edges: Fleet
    ) -> None:
        begin(api, offer)
        saved = end(api, offer, "withdraw")

        assert (saved["revision"], saved["canary"], saved["rules"][0]["destination_url"]) == (4, None, OLD)
        assert set(destinations(published(client, parts, offer), names(edges)).values()) == {OLD}
        newest, tried = api.got(f"/offers/{offer['id']}/revisions")["items"][:2]
        assert (newest["restored_from"], newest["author"]["name"]) == (2, "admin key")
        assert (tried["revision"], tried["canary"]["outcome"], tried["canary"]["reason"]) == (3, "withdrawn", "")

    @pytest.mark.parametrize("how", ["save", "restore"])
    def test_anything_saved_for_everyone_replaces_it(
        self, client: Client, parts: Parts, api: Api, offer: Any, how: str
    ) -> None:
        begin(api, offer)
        if how == "save":
            api.save(offer["id"], [rule("https://third.test/")])
        else:
            api.post(f"/offers/{offer['id']}/revisions/2/restore")

        assert published(client, parts, offer)["schema"] == 1
        told = state(api, offer)
        assert (told["canary"], told["last"]["outcome"]) == (None, "replaced")

    def test_an_import_that_changes_nothing_leaves_it_alone(self, api: Api, offer: Any) -> None:
        begin(api, offer)

        api.post("/import", api.got("/export?format=json"))

        assert state(api, offer)["canary"] is not None

    @pytest.mark.parametrize("how", ["promote", "withdraw"])
    def test_there_must_be_one(self, api: Api, offer: Any, how: str) -> None:
        response = api.post(f"/offers/{offer['id']}/smart-link/canary/{how}")

        assert (response.status_code, response.json()["code"]) == (409, "no_canary")

    @pytest.mark.parametrize("how", ["promote", "withdraw"])
    def test_one_that_was_replaced_by_another_is_not_ended_by_whoever_saw_the_first(
        self, api: Api, offer: Any, how: str
    ) -> None:
        begin(api, offer)
        api.save(offer["id"], [rule()])
        begin(api, offer)

        path = f"/offers/{offer['id']}/smart-link/canary/{how}"
        assert api.post(path, headers={"If-Match": '"3"'}).status_code == 412
        assert api.post(path, headers={"If-Match": '"5"'}).status_code == 200

    def test_withdrawing_asks_no_saved_tests(self, api: Api, offer: Any) -> None:
        begin(api, offer)
        wants_new = {"name": "n", "visitor": {"country": "US"}, "expected": {"destination_url": NEW}}
        assert api.post(f"/offers/{offer['id']}/smart-link/tests", wants_new).status_code == 201

        assert end(api, offer, "withdraw")["rules"][0]["destination_url"] == OLD

    def test_a_viewer_looks_and_an_editor_acts(self, api: Api, editor: Api, viewer: Api, offer: Any) -> None:
        begin(editor, offer)

        assert state(viewer, offer)["canary"]["revision"] == 3
        for how in ("promote", "withdraw"):
            assert viewer.post(f"/offers/{offer['id']}/smart-link/canary/{how}").status_code == 403
        end(editor, offer, "promote")

    def test_beginning_and_end_are_in_the_audit_log(self, api: Api, offer: Any) -> None:
        begin(api, offer)
        end(api, offer, "withdraw")

        entries = {entry["action"]: entry for entry in api.got("/audit")["items"]}
        assert entries["smart_link.canary_begin"]["after"] == {
            "revision": 3,
            "stable_revision": 2,
            "share": 20,
            "workers": 2,
            "of": 10,
        }
        assert entries["smart_link.canary_end"]["after"]["outcome"] == "withdrawn"


class TestDrawing:
    @pytest.mark.parametrize("count", [2, 3, 7, 40, 500])
    @pytest.mark.parametrize("share", [1, 10, 50, 99])
    def test_as_many_as_can_be_and_somebody_on_either_side(self, count: int, share: int) -> None:
        salts = (f"{number:x}" for number in range(100_000))
        drawn = drawing.draw(fleet(count, 1), share, lambda: next(salts))

        wanted = min(max(round(count * share / 100), 1), count - 1)
        assert abs(drawn.picked - wanted) <= (0 if count < 100 else 2)

    def test_an_edge_that_knows_no_canaries_is_named(self) -> None:
        with pytest.raises(Problem, match="edge-b, edge-c cannot serve"):
            drawing.draw((edge("edge-a"), edge("edge-b", schema=1), edge("edge-c", schema=1)), 10, lambda: "s")

    @pytest.mark.parametrize(("share", "empty"), [(1, "canary"), (99, "what was")])
    def test_a_share_that_leaves_one_side_empty_is_refused(self, share: int, empty: str) -> None:
        with pytest.raises(Problem, match=f"leaves no worker with (the )?{empty}"):
            drawing.redraw(fleet(2, 1), Split(share, "5a17"))

    def test_every_share_can_be_asked_for(self) -> None:
        assert [Split(share, "s").share for share in SHARES] == list(range(1, 100))


async def ingest(parts: Parts, offer_id: str, rules: dict[int, Sequence[str]]) -> None:
    """Record one click now for each of the rules that a revision's clicks met."""
    clicks = Clicks()
    events = [
        clicks.event(offer=offer_id, revision=revision, rule=met, time_ms=now_ms())
        for revision, each in rules.items()
        for met in each
    ]
    bot = clicks.event(offer=offer_id, revision=3, rule="fallback", time_ms=now_ms(), kind="bot")
    before = clicks.event(offer=offer_id, revision=2, rule="fallback", time_ms=now_ms() - 3_600_000)
    await Ingester(parts.clicks_db).record(batch(1, [*events, bot, before]))
