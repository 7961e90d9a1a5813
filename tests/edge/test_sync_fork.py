"""SQL and Redis go back to one point and move on while a worker is cut off: that is no history to follow."""

from collections.abc import Callable

import orjson
import pytest

from edge.rules.chain import Link
from shared import wire
from shared.key import Key
from shared.wire import Head, Version
from tests.edge.followed import Followed


@pytest.fixture
def followed() -> Followed:
    """A worker in sync, with the link `a` in memory, which knows of two edits that were then taken back."""
    followed = Followed()
    followed.put("a", "b")
    followed.hear_all()
    followed.click("a")
    backup = followed.redis.copy()
    followed.put_table()
    followed.put("a")
    followed.hear_all()
    followed.redis.go_back_to(backup)
    followed.control.restore_backup(2)
    return followed


def move_on(followed: Followed) -> None:
    """Publish three edits since, of which only the first is of `a`."""
    followed.put("a")
    followed.put("b")
    followed.put("b")


def hear_the_next(followed: Followed) -> None:
    followed.hear(followed.messages()[-1])


def poll(followed: Followed) -> None:
    followed.poll()
    followed.answer_all()


def poll_after_the_log_was_cut(followed: Followed) -> None:
    followed.redis.trim(0)
    poll(followed)


@pytest.mark.parametrize("find_out", [hear_the_next, poll, poll_after_the_log_was_cut])
def test_another_history_is_not_followed_until_it_is_a_new_lineage(
    followed: Followed, find_out: Callable[[Followed], None]
) -> None:
    served, acked = followed.tag("a"), followed.sync.acked
    move_on(followed)

    find_out(followed)

    assert (followed.sync.state, followed.sync.forked) == ("stale", 2)
    assert (followed.tag("a"), followed.sync.acked) == (served, acked)
    followed.control.publish(followed.redis, forked=followed.sync.forked)
    followed.carry()
    followed.settle()
    assert (followed.sync.state, followed.sync.forked) == ("synced", 0)
    assert followed.tag("a") == followed.latest("a")
    assert followed.revision("a") == followed.latest_revision()


def test_one_of_the_same_length_is_found_by_a_miss(followed: Followed) -> None:
    followed.put("a")
    followed.put("c")

    assert followed.click("c") is None, "what it says of `c` is true, and what is held beside it is not"
    assert followed.sync.forked == 2


def test_a_restore_that_is_undone_is_no_fork(followed: Followed) -> None:
    known, digest = followed.sync.held_to
    move_on(followed)
    poll(followed)
    assert followed.sync.forked

    followed.do(followed.sync.polled(Head(*known, digest), known, followed.now_s))

    assert (followed.sync.state, followed.sync.forked) == ("synced", 0)


def test_a_writer_that_names_no_hashes_is_followed(followed: Followed) -> None:
    heard = followed.sync.heard
    value = wire.encode_value(Version(2, heard.sequence + 1), "k:_/a", followed.control.link_body("o_1"))
    message = {"epoch": 2, "previous": heard.sequence, "sequence": heard.sequence + 1, "keys": ["k:_/a"]}

    followed.hear(orjson.dumps(message | {"values": [value.decode()]}))

    assert followed.sync.acked == Version(2, heard.sequence + 1)
    assert followed.sync.held_from == Link(followed.sync.acked, "")


class TestSnapshot:
    """A worker starts from what another left on disk before the restore."""

    def start(self, followed: Followed, oldest: Link) -> Followed:
        """Return a worker that starts from a snapshot of which nothing is older."""
        restarted = Followed(synced=False)
        restarted.control, restarted.redis = followed.control, followed.redis
        pinned = dict(followed.sync.holdings.pinned())
        entry = followed.cache.peek(Key("_", "a"))
        assert entry is not None
        assert restarted.sync.restore(oldest, followed.sync.held_to, 0.0, pinned)
        pointer = followed.sync.holdings.publish(entry)
        assert restarted.sync.recall(Key("_", "a"), pointer, entry.home.raw, oldest.version)
        restarted.do(restarted.sync.subscribed(0.0))
        return restarted

    @pytest.mark.parametrize("is_newer_in_parts", [False, True])
    def test_it_is_found_too(self, followed: Followed, is_newer_in_parts: bool) -> None:
        """The history forked after the snapshot's version, or before it."""
        common = Link(Version(2, followed.control.sequence), followed.control.hash)
        restarted = self.start(followed, common if is_newer_in_parts else followed.sync.held_from)
        move_on(followed)

        restarted.answer_all()

        assert restarted.sync.forked == 2
        assert restarted.acks == []
