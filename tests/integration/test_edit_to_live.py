"""From the API to the visitor, with real processes: an edit that is acked is what everybody gets, and stays so."""

import contextlib
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import HANG_S, Installation, Visitor, wait_until
from tests.servers import RedisServer

HOME = "https://yourbrand.com/"


@pytest.fixture
def turnout(tmp_path: Path, redis_server: RedisServer) -> Iterator[Installation]:
    """Control and an edge of two workers, with the offer `saas`."""
    installation = Installation(tmp_path / "turnout", redis_server)
    try:
        yield installation.start()
    finally:
        installation.stop()


def test_after_the_ack_every_worker_answers_the_edit(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    with turnout.visitors() as visitors:
        for n in range(10):
            saved = turnout.save(offer, f"https://yourbrand.com/{n}")

            assert saved["propagation"]["complete"], saved
            assert (saved["propagation"]["live"], saved["propagation"]["of"]) == (1, 1)
            assert {visitor.click("saas").location for visitor in visitors} == {f"https://yourbrand.com/{n}"}


def test_while_edits_go_on_no_visitor_sees_one_older_than_before(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    turnout.save(offer, "https://yourbrand.com/0")
    seen: list[list[int]] = []
    editing = threading.Event()
    editing.set()

    def watch(visitor: Visitor) -> None:
        mine: list[int] = []
        while editing.is_set():
            mine.append(int(visitor.click("saas").location.rpartition("/")[2]))
        seen.append(mine)

    with turnout.visitors() as visitors:
        watching = [threading.Thread(target=watch, args=(visitor,)) for visitor in visitors]
        for thread in watching:
            thread.start()
        for n in range(1, 30):
            turnout.save(offer, f"https://yourbrand.com/{n}", wait_s=0)
        last = turnout.save(offer, "https://yourbrand.com/30")
        editing.clear()
        for thread in watching:
            thread.join(HANG_S)
        assert last["propagation"]["complete"]
        assert {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/30"}

    assert all(mine == sorted(mine) for mine in seen)
    assert all(len(set(mine)) > 1 for mine in seen)


def test_a_link_that_was_asked_for_in_vain_is_live_once_it_is_made_and_gone_once_it_is_deleted(
    turnout: Installation,
) -> None:
    offer = turnout.add_offer("saas", HOME)
    with turnout.visitors() as visitors:
        for n in range(5):
            slug = f"promo-{n}"
            assert {visitor.click(slug).status for visitor in visitors} == {404}

            link = turnout.api("POST", "/links", {"slug": slug, "offer_id": offer})
            newest = turnout.save(offer, HOME)  # its ack is also one of everything before it
            assert newest["propagation"]["complete"]
            assert {visitor.click(slug).status for visitor in visitors} == {302}

            turnout.api("DELETE", f"/links/{link['id']}")
            assert turnout.save(offer, HOME)["propagation"]["complete"]
            assert {visitor.click(slug).status for visitor in visitors} == {404}


def test_a_flush_is_not_noticed_by_visitors_and_edits_go_live_again(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    turnout.save(offer, "https://yourbrand.com/before")
    turnout.api("POST", "/links", {"slug": "partner", "offer_id": offer})
    turnout.save(offer, "https://yourbrand.com/before")
    epoch = turnout.api("GET", "/edges")["items"][0]["workers"][0]["epoch"]
    answers: set[int] = set()
    with turnout.visitors() as visitors:
        assert {visitor.click("partner").status for visitor in visitors} == {302}
        turnout.redis.flush()

        def is_live_again() -> bool:
            answers.update(visitor.click(slug).status for visitor in visitors for slug in ("saas", "partner"))
            found = turnout.try_api("GET", "/edges")
            return (
                bool(found and found["items"])
                and turnout.is_live()
                and (found["items"][0]["workers"][0]["epoch"] > epoch)
            )

        wait_until(is_live_again, turnout.output)
        assert turnout.save(offer, "https://yourbrand.com/after")["propagation"]["complete"]
        assert {visitor.click("partner").location for visitor in visitors} == {"https://yourbrand.com/after"}

    assert answers == {302}


def test_an_edit_made_while_redis_was_away_is_live_after_it_is_back(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    turnout.save(offer, "https://yourbrand.com/before")
    with turnout.visitors() as visitors:
        turnout.redis.kill()
        saved = turnout.save(offer, "https://yourbrand.com/meanwhile", wait_s=0.1)
        assert not saved["propagation"]["complete"]
        assert {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/before"}

        turnout.redis.start()

        def is_everywhere() -> bool:
            return {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/meanwhile"}

        wait_until(is_everywhere, turnout.output)
        wait_until(
            lambda: bool(turnout.api("GET", f"/propagation?sequence={saved['sequence']}")["complete"]), turnout.output
        )


def test_what_a_killed_control_had_committed_goes_live_with_the_next_one(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    turnout.save(offer, "https://yourbrand.com/before")
    with turnout.visitors() as visitors:
        turnout.redis.kill()
        turnout.save(offer, "https://yourbrand.com/committed", wait_s=0)
        turnout.kill_control()
        turnout.redis.start()
        assert {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/before"}

        turnout.start_control()

        wait_until(
            lambda: {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/committed"},
            turnout.output,
        )


def test_what_a_restored_database_does_not_have_is_gone_from_the_edges(turnout: Installation) -> None:
    offer = turnout.add_offer("saas", HOME)
    turnout.save(offer, "https://yourbrand.com/then")
    database = turnout.folder / "data" / "control.db"
    backup = turnout.folder / "backup.db"
    with contextlib.closing(sqlite3.connect(database)) as source, contextlib.closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    turnout.api("POST", "/links", {"slug": "later", "offer_id": offer})
    turnout.save(offer, "https://yourbrand.com/later")
    with turnout.visitors() as visitors:
        assert {visitor.click("later").status for visitor in visitors} == {302}
        turnout.kill_control()
        for file in database.parent.glob("control.db*"):
            file.unlink()
        shutil.copy(backup, database)

        turnout.start_control()

        wait_until(lambda: {visitor.click("later").status for visitor in visitors} == {404}, turnout.output)
        wait_until(
            lambda: {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/then"},
            turnout.output,
        )
        wait_until(turnout.is_live, turnout.output)
        assert turnout.save(offer, "https://yourbrand.com/now")["propagation"]["complete"]
        assert {visitor.click("saas").location for visitor in visitors} == {"https://yourbrand.com/now"}
