"""What the state machine promises, one situation at a time; the simulation mixes them all."""

import math

import orjson
import pytest

from edge.rules.cache import ABSENT, Entry
from edge.rules.effects import Fetch, ReadLog, Reread, Withdraw
from edge.rules.misses import MAX_IN_FLIGHT
from edge.rules.published import Refused
from edge.rules.standing import PATIENCE_S
from shared import wire
from shared.canary import Canary, Split, compile_canary
from shared.key import Key
from shared.rules import Offer
from shared.table import compile_offer
from shared.wire import Announcement, Head, Version
from tests.builders import HOME, offer
from tests.edge.followed import Followed

A = Key("_", "a")

TABLE = orjson.loads(compile_offer(offer(id="o_1")))
UNKNOWN_KIND = {"fallback_url": HOME, "rules": [{"id": "r_1", "when": {"moon": {"in": ["full"]}}, "to": HOME}]}

SPLIT = Split(50, "5a17")
NAMES = [f"edge-{number}/0" for number in range(100)]
PICKED = next(name for name in NAMES if SPLIT.picks(name))
NOT_PICKED = next(name for name in NAMES if not SPLIT.picks(name))


@pytest.fixture
def followed() -> Followed:
    """A worker in sync, with the links `a` and `b` in memory."""
    followed = Followed()
    followed.put("a", "b")
    followed.hear_all()
    followed.click("a")
    followed.click("b")
    return followed


class TestAnnouncements:
    def test_the_next_one_is_applied_and_acked_at_once(self, followed: Followed) -> None:
        sequence = followed.put("a")
        followed.hear_all()

        assert followed.tag("a") == followed.latest("a")
        assert followed.acks[-1].version == Version(2, sequence)
        assert followed.questions == []

    def test_all_keys_of_a_transaction_change_in_one_step(self, followed: Followed) -> None:
        sequence = followed.put("a", "b")
        followed.hear_all()

        versions = {entry.pointer_version for slug in "ab" if isinstance(entry := followed.held(slug), Entry)}
        assert versions == {Version(2, sequence)}

    def test_one_that_was_heard_before_is_dropped(self, followed: Followed) -> None:
        followed.put("a")
        old = followed.messages()
        followed.hear(*old)
        followed.put("a")
        followed.hear_all()
        followed.hear(*old)

        assert followed.tag("a") == followed.latest("a")
        assert followed.questions == []

    def test_a_gap_has_the_log_read_before_anything_is_applied(self, followed: Followed) -> None:
        before, heard = followed.tag("a"), followed.sync.heard
        followed.put("b")
        followed.messages()
        followed.put("a")
        followed.hear_all()

        assert followed.tag("a") == before
        assert followed.questions == [ReadLog(heard)]
        followed.answer_all()
        assert (followed.tag("a"), followed.tag("b")) == (followed.latest("a"), followed.latest("b"))

    def test_one_that_cannot_be_read_rings_like_a_gap(self, followed: Followed) -> None:
        followed.hear(b"\xff")

        assert followed.questions == [ReadLog(followed.sync.heard)]

    def test_one_from_nowhere_costs_one_look_at_the_log(self, followed: Followed) -> None:
        lie = Announcement(2, 10**6, 10**6 + 1, ("k:_/a",), (b"{}",))
        followed.hear(wire.encode_announcement(lie))
        followed.answer_all()

        assert followed.sync.state == "synced"
        assert followed.questions == []

    def test_a_value_of_another_version_than_announced_is_refused(self, followed: Followed) -> None:
        before = followed.tag("a")
        heard = followed.sync.heard
        value = wire.encode_value(Version(9, 9), "k:_/a", followed.control.link_body("o_1"))
        lie = Announcement(2, heard.sequence, heard.sequence + 1, ("k:_/a",), (value,))
        followed.hear(wire.encode_announcement(lie))

        assert followed.tag("a") == before
        assert [nack.key for nack in followed.sync.nacks.listed()] == ["k:_/a"]

    def test_every_subscribe_confirmation_counts_as_a_gap(self, followed: Followed) -> None:
        followed.put("a")
        followed.messages()
        followed.do(followed.sync.subscribed(0.0))
        followed.answer_all()

        assert followed.tag("a") == followed.latest("a")

    def test_domains_are_replaced_whole(self, followed: Followed) -> None:
        before = followed.sync.holdings.domains
        followed.publish({"domains": followed.control.domains_body()})
        followed.hear_all()

        assert followed.sync.holdings.domains is not before


class TestLog:
    def test_pages_are_applied_in_one_step_when_they_reach_the_head(self, followed: Followed) -> None:
        before = followed.tag("a")
        for _ in range(5):
            followed.put("a")
        followed.messages()
        followed.do(followed.sync.subscribed(0.0))
        followed.answer(followed.questions.pop())

        assert followed.tag("a") == before
        followed.answer_all()
        assert followed.tag("a") == followed.latest("a")

    def test_a_key_deleted_on_one_page_and_created_on_the_next_is_neither_refused_nor_withdrawn(
        self, followed: Followed
    ) -> None:
        followed.put("c")
        followed.delete("c")
        followed.put("b")
        followed.put("c")
        followed.messages()
        followed.do(followed.sync.subscribed(0.0))
        first = followed.questions.pop()
        early = followed.redis.copy()
        early.values["k:_/c"] = wire.encode_value(Version(2, followed.control.sequence - 2), "k:_/c", None)
        followed.answer(first, early)
        followed.answer_all()

        assert followed.sync.nacks.listed() == ()
        assert [withdrawal.keys for withdrawal in followed.withdrawn if withdrawal.keys] == []

    def test_one_that_is_too_short_has_all_read_again_while_all_is_served(self, followed: Followed) -> None:
        before, acked = followed.tag("a"), followed.sync.acked
        followed.put("a")
        last = followed.put("b")
        followed.messages()
        followed.redis.trim(1)
        followed.poll()
        followed.answer(followed.questions.pop())

        assert followed.tag("a") == before
        assert followed.sync.acked == acked
        assert followed.sync.state == "catching_up"
        followed.answer_all()
        assert (followed.tag("a"), followed.tag("b")) == (followed.latest("a"), followed.latest("b"))
        assert followed.sync.acked == Version(2, last)

    def test_what_is_in_use_is_read_again_first(self) -> None:
        followed = Followed(max_links=1_000)
        slugs = [f"s{n}" for n in range(300)]
        followed.put(*slugs)
        followed.hear_all()
        for slug in slugs:
            followed.click(slug)
        for entry in map(followed.cache.peek, list(followed.cache)):
            assert entry is not None
            entry.used = entry.key.slug in ("s250", "s299")
        followed.put("s1")
        followed.put("s2")
        followed.messages()
        followed.redis.trim(1)
        followed.poll()
        followed.answer(followed.questions.pop())
        reread = followed.questions[0]

        assert isinstance(reread, Reread)
        assert reread.keys[:5] == ("domains", "salts", "o:o_1", "k:_/s250", "k:_/s299")

    def test_an_unreadable_page_is_asked_for_again_when_redis_answers(self, followed: Followed) -> None:
        followed.put("a")
        followed.messages()
        followed.poll()
        followed.questions.clear()
        followed.do(followed.sync.page_failed(0.5))
        assert followed.questions == []

        followed.settle()
        assert followed.tag("a") == followed.latest("a")


class TestHead:
    def test_the_poll_finds_a_lost_last_message(self, followed: Followed) -> None:
        followed.put("a")
        followed.messages()
        followed.settle()

        assert followed.tag("a") == followed.latest("a")

    def test_a_flush_is_doubted_and_nothing_is_forgotten(self, followed: Followed) -> None:
        followed.redis.flush()
        followed.poll()

        assert followed.sync.state == "stale"
        assert followed.tag("a") == followed.latest("a")

    def test_a_head_that_went_back_is_doubted_until_a_new_lineage(self, followed: Followed) -> None:
        backup = followed.redis.copy()
        followed.put("a")
        followed.hear_all()
        followed.redis.go_back_to(backup)
        followed.poll()
        served = followed.tag("a")

        assert followed.sync.state == "stale"
        assert served == followed.latest("a")
        followed.control.commit({"k:_/b": followed.control.link_body("o_1")})
        followed.control.epoch += 1  # as the publisher finds a head that does not fit
        followed.carry()
        followed.settle()
        assert followed.sync.state == "synced"
        assert followed.tag("b") == followed.latest("b")

    def test_a_hash_that_differs_at_the_same_sequence_is_a_rollback(self, followed: Followed) -> None:
        followed.poll()
        head = followed.redis.head()
        assert head is not None
        other = Head(head.epoch, head.sequence, "another", "ready")
        followed.do(followed.sync.polled(other, followed.sync.heard, 0.0))

        assert followed.sync.state == "stale"

    def test_a_head_that_goes_back_between_two_pages_is_a_rollback(self, followed: Followed) -> None:
        for _ in range(3):
            followed.put("a")
        followed.messages()
        backup = followed.redis.copy()
        for _ in range(2):
            followed.put("a")
        followed.messages()
        followed.do(followed.sync.subscribed(0.0))
        followed.answer(followed.questions.pop())
        followed.redis.go_back_to(backup)
        before = followed.tag("a")
        followed.answer(followed.questions.pop())

        assert followed.sync.state == "stale"
        assert followed.tag("a") == before

    def test_an_answer_asked_before_the_last_message_is_no_rollback(self, followed: Followed) -> None:
        asked, head = followed.sync.heard, followed.redis.head()
        followed.put("a")
        followed.hear_all()
        followed.do(followed.sync.polled(head, asked, 0.0))

        assert followed.sync.state == "synced"

    def test_a_frozen_redis_is_stale_and_ages(self, followed: Followed) -> None:
        followed.now_s = 5.0
        followed.do(followed.sync.poll_failed(5.0))

        assert followed.sync.state == "stale"
        assert followed.sync.age_s(65.0) == pytest.approx(65.0)
        assert followed.held("a") is not None

    def test_one_question_that_fails_turns_no_miss_away(self, followed: Followed) -> None:
        followed.do(followed.sync.fetch_failed(A, PATIENCE_S / 2))
        assert followed.sync.state == "synced"

        followed.do(followed.sync.fetch_failed(A, PATIENCE_S))
        assert followed.sync.state == "stale"

    def test_nothing_was_ever_in_sync_at_first(self) -> None:
        assert math.isinf(Followed(synced=False).sync.age_s(1.0))


class TestRebuild:
    def test_while_it_loads_everything_is_served_and_nothing_acked(self, followed: Followed) -> None:
        acked = followed.sync.acked
        followed.redis.flush()
        followed.control.publish(followed.redis)
        followed.poll()
        followed.answer_all()

        assert (followed.sync.state, followed.sync.acked) == ("stale", acked)
        assert followed.held("a") is not None
        assert followed.click("nobody") is None

    def test_its_end_wakes_the_worker_and_all_is_read_again(self, followed: Followed) -> None:
        followed.redis.flush()
        followed.control.publish(followed.redis)
        followed.poll()
        followed.answer_all()
        followed.carry()
        followed.hear_all()
        followed.answer_all()

        assert followed.sync.acked == Version(3, followed.control.sequence)
        assert followed.sync.state == "synced"

    def test_what_the_new_lineage_does_not_have_is_gone(self, followed: Followed) -> None:
        followed.control.restore_backup(1)  # before `a` and `b`
        followed.carry()
        followed.settle()

        assert followed.held("a") is None
        assert followed.click("a") is ABSENT


class TestMisses:
    def test_one_fetch_a_key_is_under_way(self, followed: Followed) -> None:
        followed.put("c")
        followed.hear_all()
        for _ in range(3):
            followed.do(followed.sync.want(Key("_", "c")))

        assert followed.questions == [Fetch(Key("_", "c"))]

    def test_a_reply_that_knows_more_than_was_heard_waits_for_the_log(self, followed: Followed) -> None:
        followed.do(followed.sync.want(Key("_", "c")))
        fetch = followed.questions.pop()
        followed.put("c", "a")
        followed.messages()
        followed.answer(fetch)

        assert followed.answers == []
        assert followed.held("c") is None
        followed.answer_all()
        assert followed.tag("c") == followed.latest("c")
        assert followed.tag("a") == followed.latest("a")

    def test_a_late_reply_does_not_bring_back_what_changed_meanwhile(self, followed: Followed) -> None:
        followed.put("c")
        followed.hear_all()
        followed.do(followed.sync.want(Key("_", "c")))
        late = followed.redis.copy()
        followed.put("c")
        followed.hear_all()
        followed.answer(followed.questions.pop(), late)

        assert followed.held("c") is None
        followed.answer_all()
        assert followed.tag("c") == followed.latest("c")

    def test_an_evicted_link_never_comes_back_older(self) -> None:
        followed = Followed(max_links=1)
        followed.put("a", "b")
        followed.hear_all()
        followed.click("a")
        replica = followed.redis.copy()
        followed.put("a")
        followed.hear_all()
        assert followed.tag("a") == followed.latest("a")
        followed.click("b")
        followed.do(followed.sync.want(A))
        followed.answer(followed.questions.pop(), replica)

        assert followed.held("a") is None
        followed.answer_all()
        assert followed.tag("a") == followed.latest("a")

    def test_an_entry_of_which_something_newer_was_heard_does_not_stand(self, followed: Followed) -> None:
        entry = followed.held("a")
        assert isinstance(entry, Entry)
        assert followed.sync.stands(entry)
        followed.delete("a")
        followed.hear_all()

        assert not followed.sync.stands(entry)

    def test_a_flood_of_unknown_slugs_is_bounded(self, followed: Followed) -> None:
        for n in range(3 * MAX_IN_FLIGHT):
            followed.do(followed.sync.want(Key("_", f"guess-{n}")))

        assert len(followed.questions) == len(followed.sync.misses) == MAX_IN_FLIGHT
        assert [answer.found for answer in followed.answers] == [None] * 2 * MAX_IN_FLIGHT

    def test_a_replica_that_lags_cannot_bring_back_a_deleted_link(self, followed: Followed) -> None:
        replica = followed.redis.copy()
        followed.delete("a")
        followed.hear_all()
        followed.do(followed.sync.want(A))
        for _ in range(3):
            followed.answer(followed.questions.pop(), replica)

        assert followed.answers[-1].found is None
        assert followed.held("a") is None

    def test_floors_that_overflow_still_keep_it_back(self) -> None:
        followed = Followed(max_floors=1)
        followed.put("a")
        followed.hear_all()
        replica = followed.redis.copy()
        followed.delete("a")
        followed.put("b")
        followed.put("c")
        followed.hear_all()
        followed.do(followed.sync.want(A))
        followed.answer(followed.questions.pop(), replica)

        assert followed.held("a") is None

    def test_a_reply_about_another_key_is_refused(self, followed: Followed) -> None:
        followed.put("c")
        followed.hear_all()
        followed.redis.values["k:_/c"] = followed.redis.values["k:_/a"]

        assert followed.click("c") is None
        assert "another key" in followed.sync.nacks.listed()[0].reason

    def test_an_absence_is_kept_for_a_while_and_ends_with_a_creation(self, followed: Followed) -> None:
        assert followed.click("c") is ABSENT
        assert followed.held("c") is ABSENT
        followed.put("c")
        followed.hear_all()
        assert followed.held("c") is None

        assert followed.click("d") is ABSENT
        followed.do(followed.sync.tick(followed.now_s + 60))
        assert followed.held("d") is None

    def test_an_absence_is_believed_only_of_a_ready_head(self, followed: Followed) -> None:
        followed.redis.flush()

        assert followed.click("c") is None
        followed.control.publish(followed.redis)
        followed.poll()
        followed.answer_all()
        assert followed.click("c") is None

    def test_no_absence_is_kept_while_stale(self, followed: Followed) -> None:
        followed.click("c")
        followed.do(followed.sync.disconnected(0.0))
        assert followed.click("d") is ABSENT
        assert followed.held("d") is None

        followed.do(followed.sync.poll_failed(1.0))
        assert followed.held("c") is None

    def test_while_redis_does_not_answer_nobody_waits_for_it(self, followed: Followed) -> None:
        followed.do(followed.sync.poll_failed(1.0))

        assert followed.click("c") is None
        assert followed.questions == []

    def test_before_the_domains_are_known_no_key_is_believed(self) -> None:
        followed = Followed(synced=False)
        followed.do(followed.sync.subscribed(0.0))

        assert followed.click("a") is None

    def test_a_link_without_a_table_is_refused_not_404(self, followed: Followed) -> None:
        followed.put("c", offer="o_9")
        followed.hear_all()

        assert followed.click("c") is None
        assert [nack.key for nack in followed.sync.nacks.listed()] == ["o:o_9"]

    def test_a_link_of_a_deleted_offer_is_absent(self, followed: Followed) -> None:
        followed.publish({"o:o_1": None})
        followed.hear_all()

        assert followed.held("a") is None
        assert followed.click("a") is ABSENT


class TestChanges:
    def test_a_table_changes_for_all_links_at_once(self, followed: Followed) -> None:
        before = followed.held("a")
        followed.put_table()
        followed.hear_all()

        assert followed.revision("a") == followed.revision("b") == followed.latest_revision()
        assert followed.held("a") is not before

    def test_a_link_moves_with_the_table_of_its_new_offer(self, followed: Followed) -> None:
        followed.put_table("o_2")
        followed.put("a", offer="o_2")
        followed.hear_all()
        assert followed.revision("a") != followed.latest_revision("o_2")

        followed.answer_all()
        assert followed.revision("a") == followed.latest_revision("o_2")
        assert followed.sync.acked == followed.sync.heard

    def test_a_deletion_is_withdrawn_from_the_disk_before_it_is_acked(self, followed: Followed) -> None:
        sequence = followed.delete("a")
        effects = [effect for message in followed.messages() for effect in followed.sync.announced(message, 0.0)]

        assert effects[0] == Withdraw(Version(2, sequence), ("k:_/a",), followed.control.hash)
        assert effects[1].version == Version(2, sequence)  # type: ignore[union-attr]
        assert followed.held("a") is None

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param({"schema": 99}, id="schema to come"),
            pytest.param({"schema": 1, "offer": "o_1"}, id="fields missing"),
            pytest.param([1, 2], id="no object"),
            pytest.param("text", id="text"),
            pytest.param(TABLE | {"smart_link": UNKNOWN_KIND}, id="condition kind to come"),
        ],
    )
    def test_a_refused_table_leaves_the_old_one_serving(self, followed: Followed, body: object) -> None:
        revision = followed.revision("a")
        sequence = followed.publish({"o:o_1": orjson.dumps(body), "k:_/b": followed.control.link_body("o_1")})
        followed.hear_all()

        assert followed.revision("a") == revision
        assert followed.tag("b") == followed.latest("b")
        assert [(nack.key, nack.sequence) for nack in followed.sync.nacks.listed()] == [("o:o_1", sequence)]
        assert followed.sync.acked.sequence == sequence

        followed.put_table()
        followed.hear_all()
        assert followed.revision("a") == followed.latest_revision()
        assert followed.sync.nacks.listed() == ()

    def test_a_table_of_another_offer_is_refused(self, followed: Followed) -> None:
        revision = followed.revision("a")
        followed.publish({"o:o_1": followed.control.table_body("o_2")})
        followed.hear_all()

        assert followed.revision("a") == revision
        assert followed.sync.nacks.listed()[0].reason == "a table of another offer"

    def test_a_link_moved_to_an_offer_whose_table_is_refused_is_refused_too(self, followed: Followed) -> None:
        before = followed.tag("a")
        followed.publish({"o:o_2": b'{"schema":99}'})
        followed.hear_all()
        sequence = followed.put("a", offer="o_2")
        followed.hear_all()
        followed.answer_all()

        assert followed.tag("a") == before
        assert followed.sync.acked.sequence == sequence
        assert ("k:_/a", sequence) in [(nack.key, nack.sequence) for nack in followed.sync.nacks.listed()]

        followed.put_table("o_2")
        followed.hear_all()
        followed.answer_all()
        assert followed.tag("a") == followed.latest("a")
        assert followed.revision("a") == followed.latest_revision("o_2")
        assert followed.sync.nacks.listed() == ()
        assert followed.sync.acked == followed.sync.heard

    def test_a_new_link_of_an_offer_whose_table_is_refused_is_served_by_the_old_one(self, followed: Followed) -> None:
        revision = followed.revision("a")
        followed.publish({"o:o_1": b'{"schema":99}'})
        followed.put("c")
        followed.hear_all()
        followed.click("c")

        assert followed.revision("c") == revision


class TestCanary:
    NEW, STABLE = offer(id="o_1", revision=801), offer(id="o_1", revision=800)

    @pytest.fixture(params=[PICKED, NOT_PICKED], ids=["picked", "not picked"])
    def side(self, request: pytest.FixtureRequest) -> tuple[Followed, int]:
        """A worker in sync, and the revision that it must serve."""
        followed = Followed(worker=request.param)
        followed.put("a")
        followed.hear_all()
        followed.click("a")
        return followed, 801 if request.param == PICKED else 800

    def body(self, new: Offer = NEW) -> bytes:
        return compile_canary(Canary(new, self.STABLE, SPLIT))

    def test_a_worker_takes_up_its_own_side_and_acks_the_whole(self, side: tuple[Followed, int]) -> None:
        followed, revision = side
        sequence = followed.publish({"o:o_1": self.body()})
        followed.hear_all()

        assert followed.revision("a") == revision
        assert followed.acks[-1].version == Version(2, sequence)

    def test_a_link_that_was_not_in_memory_gets_the_same_side(self, side: tuple[Followed, int]) -> None:
        followed, revision = side
        followed.publish({"o:o_2": self.body().replace(b"o_1", b"o_2"), "k:_/c": followed.control.link_body("o_2")})
        followed.hear_all()
        followed.click("c")

        assert followed.revision("c") == revision

    def test_a_link_that_moves_to_the_offer_in_the_same_step_gets_the_same_side(
        self, side: tuple[Followed, int]
    ) -> None:
        followed, revision = side
        followed.publish({"o:o_2": self.body().replace(b"o_1", b"o_2"), "k:_/a": followed.control.link_body("o_2")})
        followed.hear_all()

        assert followed.revision("a") == revision

    def test_its_end_is_a_publish_like_any_other(self, side: tuple[Followed, int]) -> None:
        followed, _ = side
        followed.publish({"o:o_1": self.body()})
        followed.put_table()
        followed.hear_all()

        assert followed.revision("a") == followed.latest_revision()

    def test_what_is_wrong_with_the_new_side_is_refused_by_its_own_workers_alone(
        self, side: tuple[Followed, int]
    ) -> None:
        followed, revision = side
        before = followed.revision("a")
        bad = orjson.loads(self.body())
        bad["new"]["smart_link"] = UNKNOWN_KIND
        followed.publish({"o:o_1": orjson.dumps(bad)})
        followed.hear_all()

        assert followed.revision("a") == (before if revision == 801 else 800)
        assert len(followed.sync.nacks.listed()) == (revision == 801)


class TestSnapshot:
    def restored(self, followed: Followed) -> Followed:
        """A worker that starts again with what the first one held."""
        second = Followed(synced=False)
        second.control, second.redis = followed.control, followed.redis
        second.messages()
        first = followed.sync
        assert second.sync.restore(first.held_from, first.held_to, -60.0, dict(first.holdings.pinned()))
        return second

    def recall(self, second: Followed, first: Followed, slug: str) -> Entry | None:
        entry = first.held(slug)
        assert isinstance(entry, Entry)
        pointer = first.sync.holdings.publish(entry)
        return second.sync.recall(Key("_", slug), pointer, entry.home.raw, first.sync.acked)

    def test_it_serves_stale_links_until_the_log_is_read(self, followed: Followed) -> None:
        second = self.restored(followed)
        assert self.recall(second, followed, "a") is not None
        assert (second.sync.state, second.sync.age_s(0.0)) == ("stale", 60.0)

        followed.put("a")
        second.do(second.sync.subscribed(0.0))
        second.answer_all()
        assert second.tag("a") == second.latest("a")
        assert second.sync.state == "synced"

    def test_what_changed_since_is_not_recalled(self, followed: Followed) -> None:
        second = self.restored(followed)
        followed.put("a")
        second.do(second.sync.subscribed(0.0))
        second.answer_all()

        assert self.recall(second, followed, "a") is None
        assert self.recall(second, followed, "b") is not None

    def test_a_redis_that_is_behind_it_went_back(self, followed: Followed) -> None:
        backup = followed.redis.copy()
        followed.put("a")
        followed.hear_all()
        second = self.restored(followed)
        second.do(second.sync.subscribed(0.0))
        second.answer(second.questions.pop(), backup)

        assert second.sync.state == "stale"

    def test_one_older_than_the_log_is_not_recalled(self, followed: Followed) -> None:
        second = self.restored(followed)
        followed.put("a")
        followed.put("a")
        followed.redis.trim(1)
        second.do(second.sync.subscribed(0.0))
        second.answer_all()

        assert self.recall(second, followed, "b") is None

    def test_a_replica_that_is_older_than_it_is_not_believed(self, followed: Followed) -> None:
        replica = followed.redis.copy()
        followed.put("c", "a")
        followed.hear_all()
        second = self.restored(followed)
        second.do(second.sync.subscribed(0.0))
        second.answer_all()
        second.do(second.sync.want(A))
        second.do(second.sync.want(Key("_", "c")))
        for question in tuple(second.questions):
            second.answer(question, replica)

        assert (second.held("a"), second.held("c")) == (None, None)

    def test_one_whose_domains_are_not_understood_is_not_started_from(self, followed: Followed) -> None:
        second = Followed(synced=False)
        bad = wire.encode_value(Version(1, 1), "domains", b"[]")
        assert not second.sync.restore(Version(1, 1), Version(1, 1), 0.0, {"domains": bad, "salts": b""})
        with pytest.raises(Refused):
            second.sync.restore(Version(1, 1), Version(1, 1), 0.0, {"domains": b"x", "salts": b""})

        assert second.sync.state == "cold"
