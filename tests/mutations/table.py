"""Named ways to break an invariant by one edit, each with the one test that must notice."""

from typing import Final, NamedTuple

_SYNC: Final = "tests/edge/test_sync.py"
_SNAPSHOT: Final = "tests/edge/test_snapshot.py"
_CACHE: Final = "tests/edge/test_cache.py"
_REDIS: Final = "tests/integration/test_sync_redis.py"


class Mutation(NamedTuple):
    """Replace `old`, which occurs once in `file`, by `new`: then `test` must fail, for `invariant` is broken."""

    invariant: str
    name: str
    file: str
    old: str
    new: str
    test: str


MUTATIONS: Final = (
    Mutation(
        "I1",
        "a key's own floor keeps nothing back",
        "edge/floors.py",
        "if version < self.of(key):",
        "if False:",
        f"{_SYNC}::TestMisses::test_an_evicted_link_never_comes_back_older",
    ),
    Mutation(
        "I1",
        "floors that overflow are forgotten",
        "edge/floors.py",
        "self.raise_all(max(self._by_key.values()))",
        "self._by_key.clear()",
        f"{_SYNC}::TestMisses::test_floors_that_overflow_still_keep_it_back",
    ),
    Mutation(
        "I2",
        "the polled head wakes nobody",
        "edge/sync.py",
        "self._rung |= relation is Relation.AHEAD",
        "pass",
        f"{_SYNC}::TestHead::test_the_poll_finds_a_lost_last_message",
    ),
    Mutation(
        "I2",
        "a subscribe confirmation is not a gap",
        "edge/sync.py",
        "self._standing.listening = self._rung = True",
        "self._standing.listening = True",
        f"{_SYNC}::TestAnnouncements::test_every_subscribe_confirmation_counts_as_a_gap",
    ),
    Mutation(
        "I2",
        "a rollback to another history of the same length goes unnoticed",
        "edge/standing.py",
        'if level and self._hash not in ("", head.hash):',
        "if False:",
        f"{_SYNC}::TestHead::test_a_hash_that_differs_at_the_same_sequence_is_a_rollback",
    ),
    Mutation(
        "I3",
        "acked before everything held was read again",
        "edge/sync.py",
        "and not self._standing.loading and not self.revalidation",
        "and not self._standing.loading",
        f"{_SYNC}::TestLog::test_one_that_is_too_short_has_all_read_again_while_all_is_served",
    ),
    Mutation(
        "I3",
        "acked while a rebuild is loading",
        "edge/sync.py",
        "self.holdings.complete and not self._standing.loading and",
        "self.holdings.complete and",
        f"{_SYNC}::TestRebuild::test_while_it_loads_everything_is_served_and_nothing_acked",
    ),
    Mutation(
        "I3",
        "what left memory while it was fetched is answered as it was",
        "edge/sync.py",
        "self.floors.of(wire.pointer_key(entry.key)) <= entry.pointer_version",
        "True",
        f"{_SYNC}::TestMisses::test_an_entry_of_which_something_newer_was_heard_does_not_stand",
    ),
    Mutation(
        "I4",
        "a head that is loading vouches for absence",
        "edge/floors.py",
        "return head is not None and head.ready and head.version >= self.for_all",
        "return head is not None and head.version >= self.for_all",
        f"{_SYNC}::TestMisses::test_an_absence_is_believed_only_of_a_ready_head",
    ),
    Mutation(
        "I4",
        "keys are believed before the domains are known",
        "edge/sync.py",
        "if self._standing.reachable and self.holdings.complete:",
        "if self._standing.reachable:",
        f"{_SYNC}::TestMisses::test_before_the_domains_are_known_no_key_is_believed",
    ),
    Mutation(
        "I4",
        "a link whose table is missing does not exist",
        "edge/misses.py",
        "if stored.value is None and offer_of(published_key) is not None:",
        "if False:",
        f"{_SYNC}::TestMisses::test_a_link_without_a_table_is_refused_not_404",
    ),
    Mutation(
        "I4",
        "absences are kept while Redis is in doubt",
        "edge/sync.py",
        "if not self._standing.sound or not self._standing.reachable or self._standing.loading:",
        "if False:",
        f"{_SYNC}::TestMisses::test_no_absence_is_kept_while_stale",
    ),
    Mutation(
        "I5",
        "a creation does not end an absence",
        "edge/intake.py",
        "self._holdings.cache.remove_absent(link)",
        "pass",
        f"{_SYNC}::TestMisses::test_an_absence_is_kept_for_a_while_and_ends_with_a_creation",
    ),
    Mutation(
        "I6",
        "a tombstone leaves the link in memory",
        "edge/update.py",
        "self._swaps.append(partial(self._holdings.cache.remove, link))",
        "pass",
        f"{_SYNC}::TestChanges::test_a_deletion_is_withdrawn_from_the_disk_before_it_is_acked",
    ),
    Mutation(
        "I6",
        "a replica that lags is believed",
        "edge/judgement.py",
        "if floors.admits(key, value.version, head):",
        "if True:",
        f"{_SYNC}::TestMisses::test_a_replica_that_lags_cannot_bring_back_a_deleted_link",
    ),
    Mutation(
        "I6",
        "the snapshot forgets what was deleted since",
        "edge/keeping.py",
        "self._sync.floors.raise_key(key, version)",
        "pass",
        f"{_SNAPSHOT}::TestKeeper::test_a_deletion_outlives_the_worker_that_acked_it",
    ),
    Mutation(
        "I6",
        "a snapshot of a data set that nobody can follow is kept",
        "edge/keeping.py",
        "self._path.unlink(missing_ok=True)\n        self._wanted.set()",
        "self._wanted.set()",
        f"{_SNAPSHOT}::TestKeeper::test_one_of_which_nobody_knows_what_was_deleted_since_is_removed",
    ),
    Mutation(
        "I6",
        "what the new lineage does not have stays",
        "edge/judgement.py",
        "if head is not None and head.ready and value.version.epoch < head.epoch:",
        "if False:",
        f"{_SYNC}::TestRebuild::test_what_the_new_lineage_does_not_have_is_gone",
    ),
    Mutation(
        "I7",
        "misses wait for a Redis that does not answer",
        "edge/sync.py",
        "if self._standing.reachable and self.holdings.complete:",
        "if self.holdings.complete:",
        f"{_SYNC}::TestMisses::test_while_redis_does_not_answer_nobody_waits_for_it",
    ),
    Mutation(
        "I7",
        "what cannot be proven current is dropped instead of served",
        "edge/sync.py",
        "self.revalidation.restart(self.holdings.cache)",
        "[self.holdings.cache.remove(key) for key in list(self.holdings.cache)]",
        f"{_SYNC}::TestLog::test_one_that_is_too_short_has_all_read_again_while_all_is_served",
    ),
    Mutation(
        "I7",
        "a worker does not start from its snapshot",
        "edge/keeping.py",
        "self._snapshot = snapshot\n            for key",
        "for key",
        f"{_SNAPSHOT}::TestKeeper::test_the_next_worker_starts_with_what_was_held",
    ),
    Mutation(
        "I8",
        "every miss is a fetch",
        "edge/misses.py",
        "if key in self._attempts:\n            return",
        "if False:\n            return",
        f"{_SYNC}::TestMisses::test_one_fetch_a_key_is_under_way",
    ),
    Mutation(
        "I9",
        "an announcement is applied across a gap",
        "edge/sync.py",
        "Version(announcement.epoch, announcement.previous) != self.heard or announcement.values is None",
        "announcement.values is None",
        f"{_SYNC}::TestAnnouncements::test_a_gap_has_the_log_read_before_anything_is_applied",
    ),
    Mutation(
        "I9",
        "pages take effect one by one",
        "edge/sync.py",
        "if self._catch_up.reached < head.version:",
        "if False:",
        f"{_SYNC}::TestLog::test_pages_are_applied_in_one_step_when_they_reach_the_head",
    ),
    Mutation(
        "I9",
        "a reply that knows more than was heard is used at once",
        "edge/misses.py",
        "if miss.head is not None and miss.head.version > heard:",
        "if False:",
        f"{_SYNC}::TestMisses::test_a_reply_that_knows_more_than_was_heard_waits_for_the_log",
    ),
    Mutation(
        "I10",
        "a rule of an unknown kind is passed over",
        "shared/table.py",
        "if unknown:",
        "if False:",
        f"{_SYNC}::TestChanges::test_a_refused_table_leaves_the_old_one_serving",
    ),
    Mutation(
        "I10",
        "a value is served that is not the one announced",
        "edge/intake.py",
        "if value.version != version:",
        "if False:",
        f"{_SYNC}::TestAnnouncements::test_a_value_of_another_version_than_announced_is_refused",
    ),
    Mutation(
        "I11",
        "the time of day is the clock",
        "edge/subscription.py",
        "self._clock = clock",
        "self._clock = clock = lambda: wall_ms() / 1000",
        f"{_REDIS}::test_steps_of_the_time_of_day_change_nothing",
    ),
    Mutation(
        "I12",
        "a value need not say whose it is",
        "shared/wire.py",
        'if fields.get("key") != key:',
        "if False:",
        f"{_SYNC}::TestMisses::test_a_reply_about_another_key_is_refused",
    ),
    Mutation(
        "I12",
        "a table need not be of the offer it is stored under",
        "edge/published.py",
        "if table.offer != offer_of(value.key):",
        "if False:",
        f"{_SYNC}::TestChanges::test_a_table_of_another_offer_is_refused",
    ),
    Mutation(
        "I13",
        "absences are never forgotten",
        "edge/cache.py",
        "while len(self._absences) >= self._max_absences:",
        "while False:",
        f"{_CACHE}::test_a_million_unknown_slugs_leave_a_bounded_number_behind",
    ),
    Mutation(
        "I13",
        "any number of fetches may be under way",
        "edge/misses.py",
        "if len(self._attempts) >= MAX_IN_FLIGHT:",
        "if False:",
        f"{_SYNC}::TestMisses::test_a_flood_of_unknown_slugs_is_bounded",
    ),
)
