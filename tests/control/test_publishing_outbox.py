"""The outbox in SQL: numbers, the chain, reading from a point of it, and what is pruned."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from control.db import Database
from control.publishing.journal import newest_rows, view_after, view_from
from control.publishing.models import OutboxRow, PublishedTransaction
from control.publishing.outbox import MAX_KEYS, Change, append
from control.publishing.pruning import KEEP_MS, forget_replaced, prune
from shared.wire import Head, chain_hash
from tests.control.publishing import (
    commit,
    committed,
    database,
    database_url,
    drop,
    lineage_of,
    put,
    row_count,
    truth_of,
)

Scenario = Callable[[Database], Awaitable[Any]]


def run(tmp_path: Path, scenario: Scenario) -> Any:
    async def inside() -> Any:
        async with database(await database_url(tmp_path)) as db:
            return await scenario(db)

    return asyncio.run(inside())


def test_sequences_number_transactions_from_one_without_holes(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        assert await commit(db, put("o:1"), put("k:_/a")) == 1
        assert await commit(db, put("o:1", 2)) == 2
        assert (await lineage_of(db)).sequence == 2

    run(tmp_path, scenario)


def test_a_transaction_that_rolls_back_gives_its_number_back(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("o:1"))
        with pytest.raises(InterruptedError):
            await commit_and_fail(db, put("o:1", 2))

        assert await commit(db, put("o:1", 3)) == 2
        assert await truth_of(db) == {"o:1": (2, b'{"n":3}')}

    run(tmp_path, scenario)


async def commit_and_fail(db: Database, change: Change) -> None:
    async with db.write() as session:
        await append(session, [change])
        raise InterruptedError("the edit turned out to be wrong")


def test_many_writers_get_contiguous_numbers_and_one_chain(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        numbers = await asyncio.gather(*(commit(db, put("o:1", n), put(f"k:_/{n}", n)) for n in range(30)))

        assert sorted(numbers) == list(range(1, 31))
        await assert_chain(db)

    run(tmp_path, scenario)


async def assert_chain(db: Database) -> None:
    async with db.read() as session:
        links = (await session.scalars(select(PublishedTransaction).order_by(PublishedTransaction.sequence))).all()
        rows = (await session.scalars(select(OutboxRow).order_by(OutboxRow.sequence, OutboxRow.place))).all()
    digest = ""
    for expected, link in enumerate(links):
        changes = [(row.key, row.body) for row in rows if row.sequence == link.sequence]
        digest = chain_hash(digest, link.sequence, changes) if link.sequence else ""
        assert (link.sequence, link.hash) == (expected, digest)
    assert (await lineage_of(db)).hash == digest


def test_nothing_to_publish_takes_no_number(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        assert await commit(db) == 0
        await commit(db, put("o:1"))
        assert await commit(db) == 1

    run(tmp_path, scenario)


def test_of_two_changes_of_one_key_the_later_counts(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("o:1", 1), put("o:1", 2))

        assert await truth_of(db) == {"o:1": (1, b'{"n":2}')}

    run(tmp_path, scenario)


@pytest.mark.parametrize(
    "changes",
    [[put(f"k:_/{n}") for n in range(MAX_KEYS + 1)], [Change("o:1", b"x" * (17 * 1024 * 1024))]],
    ids=["keys", "bytes"],
)
def test_a_transaction_too_large_for_one_script_is_refused(tmp_path: Path, changes: list[Change]) -> None:
    async def scenario(db: Database) -> None:
        with pytest.raises(ValueError, match="at most"):
            await commit(db, *changes)
        assert await lineage_of(db) == await lineage_of(db)
        assert await row_count(db) == 0

    run(tmp_path, scenario)


def test_the_next_batch_follows_the_head_and_only_where_the_hash_fits(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("o:1"))
        at_one = (await lineage_of(db)).hash
        await commit(db, put("o:2"), drop("o:1"))

        view = await view_from(db, Head(0, 1, at_one))
        assert [transaction.sequence for transaction in view.batch] == [2]
        assert view.batch[0].changes == (put("o:2"), drop("o:1"))
        assert (await view_from(db, Head(0, 1, "another"))).batch == ()
        assert (await view_from(db, Head(0, 9, at_one))).hash_at_head is None

    run(tmp_path, scenario)


def test_what_was_just_committed_is_known_without_asking_where_it_follows_the_head(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("o:1"))
        at_one = await lineage_of(db)
        appended = await committed(db, put("o:2"), drop("o:1"))
        head = Head(0, 1, at_one.hash)

        assert view_after(head, at_one, appended) == await view_from(db, head)
        assert view_after(head, await lineage_of(db), appended) is None  # SQL was seen to hold more than Redis has
        assert view_after(Head(1, 1, at_one.hash), at_one, appended) is None
        assert view_after(Head(0, 1, "another"), at_one, appended) is None
        assert view_after(head, at_one, await committed(db, put("o:3"))) is None  # there is one in between
        assert view_after(head, at_one, await committed(db)) is None

    run(tmp_path, scenario)


def test_newest_rows_are_what_every_key_held_at_that_point(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("a", 1), put("b", 1), put("gone", 1))
        await commit(db, put("a", 2), drop("gone"))
        await commit(db, put("a", 3), put("later", 3))

        pages = [page async for page in newest_rows(db, up_to=2, page=1)]
        assert [(row.key, row.sequence, row.body) for page in pages for row in page] == [
            ("a", 2, b'{"n":2}'),
            ("b", 1, b'{"n":1}'),
        ]

    run(tmp_path, scenario)


async def age(db: Database, up_to: int) -> None:
    """Make every transaction up to a sequence more than seven days old."""
    async with db.write() as session:
        old = update(PublishedTransaction).where(PublishedTransaction.sequence <= up_to)
        await session.execute(old.values(committed_at=PublishedTransaction.committed_at - KEEP_MS - 1))


def test_pruning_keeps_what_a_rebuild_reads_and_what_a_replay_needs(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("a", 1), put("b", 1), put("gone", 1))
        await commit(db, put("a", 2), drop("gone"))
        await commit(db, put("a", 3))
        at_three = await lineage_of(db)
        await commit(db, put("a", 4))
        await age(db, up_to=3)

        await prune(db)

        assert await truth_of(db) == {"a": (4, b'{"n":4}'), "b": (1, b'{"n":1}')}
        assert await row_count(db) == 3  # a at 3 stays: it was replaced less than seven days ago
        assert (await view_from(db, Head(0, 3, at_three.hash))).hash_at_head == at_three.hash
        assert (await view_from(db, Head(0, 2, ""))).hash_at_head is None

    run(tmp_path, scenario)


def test_pruning_goes_through_any_number_of_transactions(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        for n in range(1, 251):
            await commit(db, put("a", n), put(f"k:_/{n % 7}", n))
        await age(db, up_to=250)

        await prune(db)

        assert await row_count(db) == 8
        assert await commit(db, put("a", 251)) == 251

    run(tmp_path, scenario)


def test_replaced_bodies_of_a_key_are_deleted_once_the_newest_is_published(tmp_path: Path) -> None:
    async def scenario(db: Database) -> None:
        await commit(db, put("salts", 1))
        await commit(db, put("salts", 2))

        await forget_replaced(db, "salts", published=1)
        assert await row_count(db) == 2
        await forget_replaced(db, "salts", published=2)
        assert await truth_of(db) == {"salts": (2, b'{"n":2}')}
        assert await row_count(db) == 1

    run(tmp_path, scenario)


changes_of = st.lists(st.tuples(st.text(max_size=6), st.none() | st.binary(max_size=6)), max_size=4)


@given(st.lists(changes_of, min_size=1, max_size=5), st.data())
def test_any_difference_in_history_changes_the_hash(history: list[list[Any]], data: st.DataObject) -> None:
    other = [list(changes) for changes in history]
    at = data.draw(st.integers(0, len(history) - 1))
    other[at] = data.draw(changes_of.filter(lambda changes: changes != history[at]))

    assert chain(history) != chain(other)


@given(st.lists(changes_of, max_size=5))
def test_the_hash_depends_on_nothing_but_history(history: list[list[Any]]) -> None:
    assert chain(history) == chain([list(changes) for changes in history])


def chain(history: list[list[Any]]) -> str:
    digest = ""
    for sequence, changes in enumerate(history, start=1):
        digest = chain_hash(digest, sequence, changes)
    return digest
