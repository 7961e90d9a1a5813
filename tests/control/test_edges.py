"""GET /edges and GET /propagation."""

import pytest

from control.publishing.acks import Propagation
from control.publishing.fleet import Edge, Refusal
from control.publishing.publisher import PublisherStatus
from shared.wire import Lease, Nack
from tests.control.api import Api
from tests.control.fakes import FakeLive


class Edges(FakeLive):
    """Some edges at the publish 7 of epoch 2, or a Redis that does not answer."""

    def status(self) -> PublisherStatus:
        return PublisherStatus(2, 8, 7, 1, 0.0, False, 0, "")


@pytest.fixture
def live() -> Edges:
    return Edges()


def lease(slot: int = 0, acked: int = 7, nacks: tuple[Nack, ...] = ()) -> Lease:
    return Lease("edge-1", slot, 2, f"boot{slot}", 1, 2, acked, "synced", 1_763_800_000_000, nacks)


def test_an_edge_shows_each_worker_and_what_it_serves(live: Edges, viewer: Api) -> None:
    live.edges = (Edge("edge-1", (lease(0), lease(1, acked=5))),)

    (edge,) = viewer.got("/edges")["items"]

    assert (edge["host"], edge["state"], edge["expected_workers"], edge["silent"]) == ("edge-1", "pending", 2, [])
    assert [(each["slot"], each["acked"], each["behind"]) for each in edge["workers"]] == [(0, 7, 0), (1, 5, 2)]
    assert edge["workers"][0]["started_at"] == "2025-11-22T08:26:40.000Z"


@pytest.mark.parametrize(
    ("edge", "state"),
    [
        pytest.param(Edge("e", (lease(0), lease(1))), "live", id="all workers"),
        pytest.param(Edge("e", (), (0, 1)), "unknown", id="not heard from"),
        pytest.param(Edge("e", (lease(0, nacks=(Nack("o:1", 7, "why"),)), lease(1))), "refused", id="refused"),
    ],
)
def test_an_edges_state_is_about_the_newest_publish(live: Edges, viewer: Api, edge: Edge, state: str) -> None:
    live.edges = (edge,)

    assert viewer.got("/edges")["items"][0]["state"] == state


def test_edges_are_unavailable_while_redis_is(live: Edges, viewer: Api) -> None:
    live.reachable = False

    response = viewer.get("/edges")

    assert (response.status_code, response.json()["code"]) == (503, "redis_unavailable")
    assert response.headers["Retry-After"] == "1"


def test_propagation_of_a_publish_says_who_refuses_it(live: Edges, viewer: Api) -> None:
    live.answer = Propagation(1, 3, 1, (Refusal("edge-2", "o:1", "a kind it does not know"),), None, False)

    assert viewer.got("/propagation?sequence=1") == {
        "live": 1,
        "of": 3,
        "unknown": 1,
        "refused": 1,
        "ms": None,
        "complete": False,
        "refusals": [{"edge": "edge-2", "key": "o:1", "reason": "a kind it does not know"}],
    }


@pytest.mark.parametrize(
    ("query", "status"),
    [
        pytest.param("sequence=999999", 404, id="a number that was never taken"),
        pytest.param("sequence=0", 422, id="zero"),
        pytest.param("sequence=-1", 422, id="negative"),
        pytest.param("sequence=99999999999999999999", 422, id="too large"),
        pytest.param("sequence=x", 422, id="a text"),
        pytest.param("", 422, id="none"),
    ],
)
def test_propagation_of_what_was_never_published_is_refused(viewer: Api, query: str, status: int) -> None:
    assert viewer.get(f"/propagation?{query}").status_code == status


def test_strangers_learn_nothing_of_edges(stranger: Api) -> None:
    assert stranger.get("/edges").status_code == stranger.get("/propagation?sequence=1").status_code == 401
