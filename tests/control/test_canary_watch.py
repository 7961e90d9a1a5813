"""The watch takes back a canary that does harm, says why, and leaves alone what does none."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from control.access.roles import SYSTEM
from control.app import close
from control.canaries import service, store
from control.canaries.figures import Figures
from control.canaries.metrics import canaries
from control.canaries.schemas import CanaryState
from control.canaries.verdict import SILENT_S, Cause, of_clicks, split_of
from control.canaries.watch import CLICKS_S, WATCH, CanaryWatch
from control.clicks.decisions import MIN_CLICKS
from control.db import now_ms
from control.offers import making
from control.offers.compiled import compiled_offer, draft_of
from control.offers.schemas import OfferIn
from control.offers.store import require
from control.parts import Parts
from control.publishing import outbox
from control.publishing.compile import table_change
from control.publishing.fleet import Edge
from control.smartlinks import service as smart_links
from control.smartlinks import store as revisions
from control.smartlinks.schemas import SmartLinkIn
from control.smartlinks.writing import Guard
from shared.table import MAX_TABLE_BYTES
from shared.wire import Nack, table_key
from tests.control.clicks import Clicks, Ingester, batch
from tests.control.fakes import FakeLive
from tests.control.test_canaries import NEW, OLD, edge, fleet, lease, rule


class Trial:
    """A canary, revision 2 of an offer, on half of ten workers; a watch whose time passes when told."""

    def __init__(self, parts: Parts, live: FakeLive) -> None:
        self.parts, self.live = parts, live
        self.now_s = 100.0
        self.watch = CanaryWatch(parts, lambda: self.now_s)

    async def begin(self) -> "Trial":
        self.live.edges = fleet()
        link = SmartLinkIn.model_validate({"rules": [rule(OLD)]})
        made = OfferIn(name="SaaS", slug="saas", destination_url="https://yourbrand.com", smart_link=link)
        self.offer_id = (await making.create(self.parts, SYSTEM, made)).id
        await self.save(NEW, canary=50)
        async with self.parts.db.read() as session:
            [self.row] = await store.all_running(session)
        self.picked = [name for name in self.row.processes if split_of(self.row).picks(name)]
        self.stable = sorted(self.row.processes.keys() - set(self.picked))
        return self

    async def save(self, to: str, canary: int | None = None) -> None:
        wanted = SmartLinkIn.model_validate({"rules": [rule(to)]})
        await smart_links.save(self.parts, SYSTEM, self.offer_id, wanted, guard=Guard(), wait_s=0, canary=canary)

    async def look(self, later_s: float = 1.0) -> CanaryState:
        self.now_s += later_s
        await self.watch.look()
        return await service.state(self.parts, self.offer_id)

    def refuse(self, sequence: int, key: str = "") -> None:
        """An edge refuses what was published under a sequence."""
        nack = Nack(key or table_key(self.offer_id), sequence, "no such kind")
        self.live.edges = (*self.live.edges, edge("edge-9", nacks=(nack,)))

    def replace_worker(self, name: str, **fields: Any) -> None:
        """Another process runs in a worker's place."""
        host, _, slot = name.rpartition("/")
        self.live.edges = tuple(
            replace(
                each,
                leases=tuple(lease(host, it.slot, 2, **fields) if it.slot == int(slot) else it for it in each.leases),
            )
            if each.host == host
            else each
            for each in self.live.edges
        )

    def silence(self, name: str) -> None:
        """A worker's lease lapses."""
        host, _, slot = name.rpartition("/")
        self.live.edges = tuple(
            Edge(host, tuple(it for it in each.leases if it.slot != int(slot)), (int(slot),))
            if each.host == host
            else each
            for each in self.live.edges
        )

    async def clicks(self, revision: int, fallback: int, by_rule: int) -> None:
        """People click now, and are ingested."""
        made = Clicks()
        events = [
            made.event(offer=self.offer_id, revision=revision, rule=met, time_ms=now_ms(), click_id=f"{revision}-{n}")
            for n, met in enumerate(["fallback"] * fallback + ["r_a"] * by_rule)
        ]
        await Ingester(self.parts.clicks_db).record(batch(revision, events))


Scenario = Callable[[Trial], Awaitable[None]]


@pytest.fixture
def run(parts: Parts, live: FakeLive) -> Callable[[Scenario], None]:
    """Run a scenario on a canary that has begun."""

    async def scene(scenario: Scenario) -> None:
        try:
            await scenario(await Trial(parts, live).begin())
        finally:
            await close(parts)

    return lambda scenario: asyncio.run(scene(scenario))


Run = Callable[[Scenario], None]


async def taken_back(trial: Trial, cause: Cause, reason: str, later_s: float = 1.0) -> None:
    state = await trial.look(later_s)

    assert state.canary is None
    assert state.last is not None
    assert (state.last.outcome, state.last.cause, state.last.reason) == ("withdrawn", cause, reason)
    assert state.last.ended_by is not None
    assert (state.last.ended_by.kind, state.last.ended_by.name) == ("system", WATCH.name)
    newest = await smart_links.revision(trial.parts, trial.offer_id, 3)
    assert (newest.restored_from, newest.author.name) == (1, WATCH.name)
    assert newest.smart_link.rules[0].destination_url == OLD
    assert trial.live.published == 3


async def left_alone(trial: Trial, later_s: float = 1.0) -> None:
    assert (await trial.look(later_s)).canary is not None


def test_a_healthy_one_is_left_alone(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        for _ in range(5):
            await left_alone(trial)

    run(scenario)


def test_one_that_an_edge_refuses_is_taken_back(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.refuse(trial.row.sequence)
        await taken_back(trial, Cause.REFUSED, "edge-9 refuses it: no such kind.")

    run(scenario)


def test_a_later_publish_of_the_same_table_that_is_refused_counts_too(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.refuse(trial.row.sequence + 7)
        await taken_back(trial, Cause.REFUSED, "edge-9 refuses it: no such kind.")

    run(scenario)


def test_what_was_refused_before_or_of_another_key_counts_for_nothing(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.refuse(trial.row.sequence - 1)
        trial.refuse(trial.row.sequence, key="o:o_other")
        await left_alone(trial)

    run(scenario)


def test_an_edge_of_the_release_before_ends_it(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.live.edges = (*trial.live.edges, edge("edge-old", schema=1))
        await taken_back(trial, Cause.OUTDATED, "edge-old runs a release that knows no canaries.")

    run(scenario)


def test_a_worker_of_it_that_crashed_ends_it(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        name = trial.picked[0]
        trial.replace_worker(name, boot="after a crash", replaced=1)
        await taken_back(trial, Cause.CRASHED, f"{name}, which served it, crashed.")

    run(scenario)


def test_a_restart_is_no_crash_and_a_crash_elsewhere_or_before_proves_nothing(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.replace_worker(trial.picked[0], boot="after a restart", replaced=0)
        trial.replace_worker(trial.picked[1], boot=trial.row.processes[trial.picked[1]], replaced=3)
        trial.replace_worker(trial.stable[0], boot="after a crash", replaced=1)
        await left_alone(trial)

    run(scenario)


def test_a_worker_of_it_that_falls_silent_for_long_ends_it(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        name = trial.picked[0]
        trial.silence(name)
        await left_alone(trial)
        await left_alone(trial, SILENT_S - 1)
        await taken_back(trial, Cause.SILENT, f"{name}, which served it, is not heard from any more.", 1)

    run(scenario)


def test_a_worker_that_is_heard_from_again_was_not_silent(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        all_of_them = trial.live.edges
        trial.silence(trial.picked[0])
        await left_alone(trial)
        trial.live.edges = all_of_them
        await left_alone(trial, SILENT_S)
        trial.silence(trial.picked[0])
        await left_alone(trial)

    run(scenario)


def test_silence_of_the_others_or_of_who_was_silent_before_proves_nothing(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.silence(trial.stable[0])
        trial.live.edges = (*trial.live.edges, *(Edge(f"gone-{n}", (), (0,)) for n in range(20)))
        await left_alone(trial)
        await left_alone(trial, SILENT_S)

    run(scenario)


def test_one_whose_clicks_fall_through_is_taken_back(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        await trial.clicks(1, fallback=10, by_rule=90)
        await trial.clicks(2, fallback=40, by_rule=60)
        reason = "No rule matched 40% of its clicks, but 10% of the stable ones."
        await taken_back(trial, Cause.FALLBACK, reason)

    run(scenario)


def test_clicks_are_seen_that_came_since_the_last_look(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        await left_alone(trial)
        await trial.clicks(1, fallback=0, by_rule=100)
        await trial.clicks(2, fallback=100, by_rule=0)
        reason = "No rule matched 100% of its clicks, but 0% of the stable ones."
        await taken_back(trial, Cause.FALLBACK, reason, CLICKS_S)

    run(scenario)


@pytest.mark.parametrize(
    ("new", "stable"),
    [
        pytest.param(Figures(MIN_CLICKS, 30), Figures(MIN_CLICKS, 11), id="a rise below a fifth"),
        pytest.param(Figures(MIN_CLICKS - 1, 99), Figures(MIN_CLICKS, 0), id="too few of the new"),
        pytest.param(Figures(MIN_CLICKS, 100), Figures(MIN_CLICKS - 1, 0), id="too few of the stable"),
        pytest.param(Figures(1000, 0), Figures(1000, 900), id="a fall"),
    ],
)
def test_what_is_no_jump(new: Figures, stable: Figures) -> None:
    assert of_clicks(new, stable) is None


def test_while_redis_is_away_clicks_are_still_judged(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.live.reachable = False
        await left_alone(trial)
        await trial.clicks(1, fallback=0, by_rule=100)
        await trial.clicks(2, fallback=100, by_rule=0)
        assert (await trial.look(CLICKS_S)).canary is None

    run(scenario)


def test_one_past_which_a_control_of_the_release_before_published_is_over(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        async with trial.parts.db.write() as session:
            offer = await require(session, trial.offer_id)
            draft = draft_of(await revisions.current(session, offer))
            await outbox.append(session, [table_change(compiled_offer(offer, draft))])
        state = await trial.look()

        assert (state.canary, state.last and state.last.outcome) == (None, "replaced")

    run(scenario)


def test_one_control_watches_and_another_takes_over_when_it_ends(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        await left_alone(trial)
        other = CanaryWatch(trial.parts, lambda: trial.now_s)
        trial.refuse(trial.row.sequence)
        await other.look()
        assert (await service.state(trial.parts, trial.offer_id)).canary is not None

        async with trial.parts.db.write() as session:
            await session.execute(text("UPDATE canary_lease SET expires_at = 0"))
        trial.now_s += 10
        await other.look()
        assert (await service.state(trial.parts, trial.offer_id)).canary is None

    run(scenario)


def test_what_somebody_else_has_ended_is_not_ended_twice(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        trial.refuse(trial.row.sequence)
        await service.promote(trial.parts, SYSTEM, trial.offer_id, guard=Guard(), wait_s=0)
        state = await trial.look()

        assert state.last is not None
        assert state.last.outcome == "promoted"

    run(scenario)


def test_one_that_cannot_be_taken_back_is_told_of_and_tried_again(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario(trial: Trial) -> None:
        too_large, as_it_was = f"https://x.test/{'x' * MAX_TABLE_BYTES}", "https://yourbrand.com/"
        trial.refuse(trial.row.sequence)
        for destination, runs in ((too_large, True), (as_it_was, False)):
            async with trial.parts.db.write() as session:
                (await require(session, trial.offer_id)).destination_final = destination
            assert ((await trial.look()).canary is not None) is runs

    run(scenario)
    assert [record.message for record in caplog.records if "taken back" in record.message] == [
        "a canary cannot be taken back",
        "a canary was taken back",
    ]


def test_the_running_app_watches(api: Any, live: FakeLive) -> None:
    live.edges = fleet()
    offer = api.offer()
    saved = api.save(offer["id"], [rule(NEW)], params={"canary": 50}).json()
    live.edges = (*live.edges, edge("edge-9", nacks=(Nack(table_key(offer["id"]), saved["sequence"], "bad"),)))

    until = time.monotonic() + 30
    while api.got(f"/offers/{offer['id']}")["canary"] is not None:
        assert time.monotonic() < until


def test_what_metrics_say(run: Run) -> None:
    async def scenario(trial: Trial) -> None:
        db = trial.parts.db
        assert not (await canaries(db)).is_watched
        await left_alone(trial)
        found = await canaries(db)
        assert (found.running, found.is_watched, sum(found.ends.values())) == (1, True, 0)
        assert 0 <= found.oldest_s < 60

        trial.refuse(trial.row.sequence)
        await trial.look()
        await trial.save(NEW, canary=50)
        await trial.save(OLD)
        found = await canaries(db)
        assert (found.running, found.oldest_s, found.is_watched) == (0, 0.0, True)
        assert {how: count for how, count in found.ends.items() if count} == {"refused": 1, "replaced": 1}

    run(scenario)
