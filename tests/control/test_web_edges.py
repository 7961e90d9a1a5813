"""The edges page: what workers say of themselves, the latest publishes, and the chart of how long they took."""

import dataclasses

import pytest

from control.publishing.fleet import Edge, Fleet
from control.publishing.publisher import PublisherStatus
from control.web.publish_chart import BUDGET_MS, chart_of
from shared.wire import Lease, Nack
from tests.control.api import Api, rule
from tests.control.browser import Browser, Page
from tests.control.fakes import FakeLive

NOTHING = "\N{EN DASH}"


class Busy(FakeLive):
    """One edge of two workers at work."""

    def __init__(self) -> None:
        super().__init__()
        self.edges: Fleet = (Edge("edge-1", (worker(0), worker(1, acked=6, p99_us=2_500, per_second=20))),)
        self.took: list[tuple[int, int]] = []

    async def fleet(self) -> Fleet:
        return self.edges

    def recent(self) -> list[tuple[int, int]]:
        return self.took

    def status(self) -> PublisherStatus:
        return PublisherStatus(2, 7, 7, 0, 0.0, False, 0, "")


def worker(slot: int, acked: int = 7, **fields: int) -> Lease:
    """A lease with figures."""
    said = {"per_second": 100, "p99_us": 640, "memory_bytes": 60 * 2**20, "geo_built_at": 1_763_800_000} | fields
    lease = Lease("edge-1", slot, 2, f"boot{slot}", 1, 2, acked, "synced", 1_763_800_000_000)
    return dataclasses.replace(lease, **said)


@pytest.fixture
def live() -> Busy:
    return Busy()


def cell(page: Page, label: str) -> str:
    """What stands under a column's label in the first row."""
    return page.html.split(f'data-label="{label}">', 1)[1].split("</td>", 1)[0]


def test_an_edges_figures_are_those_of_its_workers_together(person: Browser) -> None:
    page = person.get("/edges")

    assert cell(page, "Redirects/s") == "120"
    assert cell(page, "p99") == "2.5 ms"
    assert cell(page, "Memory") == "120 MB"
    assert cell(page, "Publish acked") == "6"
    assert cell(page, "Behind") == "1"


def test_an_idle_edge_has_no_slowest_answers(person: Browser, live: Busy) -> None:
    live.edges = (Edge("edge-1", (worker(0, per_second=0, p99_us=0), worker(1, per_second=0, p99_us=0))),)
    page = person.get("/edges")

    assert cell(page, "p99") == NOTHING
    assert "no clicks right now" in page.text


def test_an_old_or_missing_country_database_stands_out(person: Browser, live: Busy) -> None:
    assert 'class="pill warn"' in cell(person.get("/edges"), "Country data")
    live.edges = (Edge("edge-1", (worker(0, geo_built_at=0), worker(1, geo_built_at=0))),)

    assert "none" in cell(person.get("/edges"), "Country data")


def test_an_edge_that_is_not_heard_from_says_nothing(person: Browser, live: Busy) -> None:
    live.edges = (Edge("edge-2", (), (0, 1)),)
    page = person.get("/edges")

    assert "not heard from" in page.text
    assert cell(page, "Redirects/s") == cell(page, "Rules age") == cell(page, "Country data") == NOTHING


def test_a_refusal_says_who_and_why_in_text(person: Browser, live: Busy) -> None:
    refused = dataclasses.replace(worker(0), nacks=(Nack("o:o_x", 7, "<b>no such kind</b>"),))
    live.edges = (Edge("edge-1", (refused, worker(1))),)
    page = person.get("/edges")

    assert "edge-1, worker 1 refused publish 7." in page.text
    assert "<b>no such kind" not in page.html


def test_publishes_say_what_they_changed_and_how_long_they_took(
    person: Browser, live: Busy, api: Api, viewer: Api
) -> None:
    offer = api.offer()
    saved = api.save(offer["id"], [rule(when={"country": ["US"]})]).json()
    api.made("/links", {"offer_id": offer["id"], "slug": "mara-x"})
    live.took = [(saved["sequence"], 41)]
    page = person.get("/edges")

    assert f"Publish {saved['sequence']}, offer “SaaS”, revision 2 , live everywhere after 41 ms" in page.text
    assert "link /mara-x" in page.text
    assert "41 ms to the last of 2 workers" in page.text


def test_how_long_a_worker_lacks_a_publish_is_told(live: Busy, api: Api, viewer: Api) -> None:
    api.offer()
    api.offer("other")
    live.edges = (Edge("edge-1", (worker(0, acked=7), worker(1, acked=1))),)

    first, second = viewer.got("/edges")["items"][0]["workers"]

    assert first["rules_age_ms"] == 0
    assert 0 < second["rules_age_ms"] < 600_000
    assert (first["redirects_per_second"], first["p99_ms"], first["memory_bytes"]) == (100, 0.64, 60 * 2**20)


class TestChart:
    """Dots for publishes, the newest at the right, the budget across."""

    def test_without_publishes_there_is_none(self) -> None:
        assert chart_of([]) is None

    def test_its_title_states_the_finding(self) -> None:
        chart = chart_of([(3, 20), (2, 120), (1, 30)])

        assert chart is not None
        assert chart.title == "Last 3 publishes: median 30 ms, slowest 120 ms, budget 50 ms"

    def test_newer_ones_are_further_right_and_slower_ones_higher(self) -> None:
        chart = chart_of([(3, 20), (2, 120), (1, 30)])

        assert chart is not None
        assert [dot.x for dot in chart.dots] == sorted(dot.x for dot in chart.dots)
        by_height = sorted(chart.dots, key=lambda dot: -dot.y)
        assert [dot.says for dot in by_height] == ["publish 3: 20 ms", "publish 1: 30 ms", "publish 2: 120 ms"]
        assert [dot.is_slow for dot in chart.dots] == [False, True, False]

    @pytest.mark.parametrize("slowest", [0, 1, BUDGET_MS, 151, 9_999, 3_600_000])
    def test_every_dot_is_inside(self, slowest: int) -> None:
        chart = chart_of([(number, slowest) for number in range(60)])

        assert chart is not None
        assert all(0 <= dot.y <= chart.base and chart.left <= dot.x <= chart.width for dot in chart.dots)
        assert all(0 <= line.y <= chart.base for line in chart.lines)
