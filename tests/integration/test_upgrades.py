"""The previous version's edge runs beside today's control, and the other way round; an upgrade costs no click."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.drills import Report, judge
from tests.business import Business, Part
from tests.clicking import Clicker, destination
from tests.installation import wait_until
from tests.releases import newest_release, unpack_previous

RATE = 100.0

Start = Callable[[str], Business]


@pytest.fixture
def previous(tmp_path: Path) -> Path:
    """The files of the previous version."""
    return unpack_previous(tmp_path / "previous")


@pytest.fixture
def start(tmp_path: Path, previous: Path) -> Iterator[Start]:
    """Starts all of it with some parts, named by how their names begin, of the previous version."""
    businesses: list[Business] = []

    def start(old: str) -> Business:
        here = Business(tmp_path / "here")
        businesses.append(here)
        for part in (*here.controls, *here.edges):
            part.cwd = previous if part.name.startswith(tuple(old.split())) else None
        return here.start()

    yield start
    for here in businesses:
        here.close()


@pytest.mark.parametrize("old", ["edge-2", "edge", "control"], ids="the previous version's {}".format)
def test_edits_and_clicks_pass_between_versions(start: Start, old: str) -> None:
    here = start(old)
    for slug in here.slugs:
        propagation = here.edit(slug)["propagation"]
        assert (propagation["live"], propagation["of"], propagation["refused"]) == (2, 2, 0)
    assert here.serve_newest()
    with Clicker(here.port, here.slugs, RATE, here.history):
        wait_until(lambda: len(here.history.clicks) > RATE)
        here.edit("saas")

    report = Report()
    judge(here, report, may_fail=0)
    assert report.faults == []


def test_an_upgrade_of_edges_first_then_controls_is_noticed_by_nobody(start: Start) -> None:
    here = start("edge control")
    with Clicker(here.port, here.slugs, RATE, here.history), here.editing():
        for edge in here.edges:
            upgrade(here, edge)
        for control in here.controls if newest_release() else ():  # before a release, databases are made anew
            upgrade(here, control)
    for slug in here.slugs:
        here.edit(slug)
    wait_until(here.serve_newest, here.output)

    report = Report()
    judge(here, report, may_fail=0)
    assert report.faults == []


def test_a_canary_waits_for_the_last_edge_of_the_previous_version_and_ends_when_one_comes_back(
    start: Start, previous: Path
) -> None:
    here = start("edge-2")
    for slug in here.slugs:
        here.edit(slug)
    with pytest.raises(RuntimeError, match=r"409 .*older_edges.*edge-2"):
        begin_canary(here)

    upgrade(here, here.edges[1])
    assert begin_canary(here)["propagation"]["complete"]
    assert sorted(here.location(port, "saas").partition("?")[0] for port in here.edge_ports) == [
        CANARY,
        destination("saas", here.numbers["saas"]),
    ]

    here.edges[1].cwd = previous
    here.restart(here.edges[1])
    wait_until(lambda: canary_of(here)["canary"] is None, here.output)
    assert canary_of(here)["last"]["cause"] in ("outdated", "refused")
    wait_until(here.serve_newest, here.output)


CANARY = "https://canary.example/"


def begin_canary(here: Business) -> Any:
    link = {"enabled": True, "fallback_url": CANARY, "rules": []}
    return here.api("PUT", f"/offers/{here.offers['saas']}/smart-link?wait=60&canary=50", link)


def canary_of(here: Business) -> Any:
    return here.api("GET", f"/offers/{here.offers['saas']}/smart-link/canary")


def upgrade(here: Business, part: Part) -> None:
    """Start today's version in the place of a part."""
    part.cwd = None
    here.restart(part)
