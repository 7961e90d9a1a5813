"""Snapshots on disk: whole or ignored, found by key, and never in the way of what came later."""

import asyncio
import os
from pathlib import Path

import pytest

from edge.feed.keeping import Keeper
from edge.feed.snapshot import BadSnapshot, Snapshot, SnapshotWriter
from edge.feed.withdrawals import Withdrawals
from shared import wire
from shared.key import Key
from shared.wire import Version
from tests.edge.followed import Followed

RECORDS = [(f"k:_/link-{n}", b'{"n":%d}' % n) for n in range(300)]


def write(path: Path, records: list[tuple[str, bytes]] = RECORDS) -> Path:
    with SnapshotWriter(path, Version(3, 41), 1_795_000_000_000) as writer:
        writer.add(records[:100])
        writer.add(records[100:])
        writer.commit(Version(3, 42))
    return path


def test_everything_written_is_read_back(tmp_path: Path) -> None:
    snapshot = Snapshot(write(tmp_path / "deep" / "snapshot"))

    assert snapshot.header[:2] == (Version(3, 41), Version(3, 42))
    assert snapshot.header.records == 300
    assert list(snapshot) == RECORDS
    assert [snapshot.get(key) for key, _ in RECORDS] == [value for _, value in RECORDS]
    assert snapshot.get("k:_/nobody") is None
    snapshot.close()


def test_an_empty_one_has_nothing(tmp_path: Path) -> None:
    snapshot = Snapshot(write(tmp_path / "snapshot", []))

    assert list(snapshot) == []
    assert snapshot.get("k:_/a") is None
    snapshot.close()


def test_only_a_finished_one_takes_the_place_of_the_last(tmp_path: Path) -> None:
    path = write(tmp_path / "snapshot", RECORDS[:1])
    with SnapshotWriter(path, Version(3, 42), 0) as writer:
        writer.add(RECORDS)

    assert os.listdir(tmp_path) == ["snapshot"]
    snapshot = Snapshot(path)
    assert snapshot.header.records == 1
    snapshot.close()


@pytest.mark.parametrize("kept", [0, 10, 95, 98, 1_000, -1])
def test_a_truncated_one_is_bad(tmp_path: Path, kept: int) -> None:
    path = write(tmp_path / "snapshot")
    path.write_bytes(path.read_bytes()[:kept])

    with pytest.raises(BadSnapshot):
        Snapshot(path)


@pytest.mark.parametrize("place", [0, 9, 46, 80, 120, 5_000, -1], ids=str)
def test_one_with_a_damaged_byte_is_bad_or_says_nothing_else(tmp_path: Path, place: int) -> None:
    path = write(tmp_path / "snapshot")
    data = bytearray(path.read_bytes())
    data[place] ^= 0x55
    path.write_bytes(data)

    if place == 46:  # the time it was written is not what anything rests upon
        Snapshot(path).close()
        return
    with pytest.raises(BadSnapshot):
        Snapshot(path)


def test_any_bytes_are_a_snapshot_or_bad(tmp_path: Path) -> None:
    path = tmp_path / "snapshot"
    for n in range(200):
        path.write_bytes(os.urandom(n * 3))
        with pytest.raises(BadSnapshot):
            Snapshot(path)


class TestKeeper:
    """What a worker keeps and starts from."""

    def keeper(self, followed: Followed, folder: Path) -> Keeper:
        return Keeper(folder / "slot-0", followed.sync, lambda: 1_795_000_000_000)

    def kept(self, folder: Path) -> Followed:
        """A worker in sync that keeps what it holds, and ends."""
        followed = Followed()
        followed.put("a", "b")
        followed.hear_all()
        followed.click("a")
        followed.click("b")

        async def keep() -> None:
            keeper = self.keeper(followed, folder)
            keeper.open(0.0)
            await keeper.keep()
            keeper.close()

        asyncio.run(keep())
        return followed

    def next_worker(self, first: Followed) -> Followed:
        second = Followed(synced=False)
        second.control, second.redis = first.control, first.redis
        return second

    def test_the_next_worker_starts_with_what_was_held(self, tmp_path: Path) -> None:
        first = self.kept(tmp_path)
        second = self.next_worker(first)

        async def start() -> None:
            keeper = self.keeper(second, tmp_path)
            keeper.open(5.0)
            await keeper.recall_all()
            keeper.close()

        asyncio.run(start())
        assert (second.tag("a"), second.tag("b")) == (first.tag("a"), first.tag("b"))
        assert (second.sync.state, second.sync.heard) == ("stale", first.sync.acked)
        assert second.sync.holdings.domains == first.sync.holdings.domains

    def test_what_serves_only_because_its_successor_was_refused_is_not_kept(self, tmp_path: Path) -> None:
        first = self.kept(tmp_path)
        first.publish({"k:_/a": b'{"schema":99}'})
        first.hear_all()

        async def keep() -> None:
            keeper = self.keeper(first, tmp_path)
            await keeper.keep()
            keeper.close()

        asyncio.run(keep())
        snapshot = Snapshot(tmp_path / "slot-0")
        assert first.held("a") is not None
        assert snapshot.get("k:_/a") is None
        assert snapshot.get("k:_/b") is not None
        snapshot.close()

    def test_a_link_that_memory_lost_is_found_on_disk(self, tmp_path: Path) -> None:
        first = self.kept(tmp_path)
        second = self.next_worker(first)

        async def start() -> None:
            keeper = self.keeper(second, tmp_path)
            keeper.open(0.0)
            assert keeper.recall(Key("_", "a")) is not None
            assert keeper.recall(Key("_", "nobody")) is None
            keeper.close()

        asyncio.run(start())

    def test_a_deletion_outlives_the_worker_that_acked_it(self, tmp_path: Path) -> None:
        first = self.kept(tmp_path)

        async def delete() -> None:
            keeper = self.keeper(first, tmp_path)
            first.delete("a")
            first.hear_all()
            for withdrawal in first.withdrawn:
                if withdrawal.keys:
                    keeper.withdraw(withdrawal)
            keeper.close()

        asyncio.run(delete())
        second = self.next_worker(first)

        async def start() -> None:
            keeper = self.keeper(second, tmp_path)
            keeper.open(0.0)
            await keeper.recall_all()
            keeper.close()

        asyncio.run(start())
        assert second.held("a") is None
        assert second.tag("b") == first.tag("b")

    def test_one_of_which_nobody_knows_what_was_deleted_since_is_removed(self, tmp_path: Path) -> None:
        first = self.kept(tmp_path)
        first.delete("a")
        first.put("b")
        first.messages()
        first.redis.trim(1)
        first.withdrawn.clear()
        first.settle()

        async def withdraw() -> None:
            keeper = self.keeper(first, tmp_path)
            for withdrawal in first.withdrawn:
                keeper.withdraw(withdrawal)
            keeper.close()

        asyncio.run(withdraw())
        assert not (tmp_path / "slot-0").exists()

    def test_a_bad_one_is_ignored_and_replaced(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        first = self.kept(tmp_path)
        path = tmp_path / "slot-0"
        path.write_bytes(path.read_bytes()[:-5])

        async def start() -> None:
            keeper = self.keeper(first, tmp_path)
            keeper.open(0.0)
            await keeper.keep()
            keeper.close()

        asyncio.run(start())
        assert "the snapshot is ignored" in caplog.text
        Snapshot(path).close()

    def test_a_full_disk_is_said_and_survived(self, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
        followed = Followed()
        (tmp_path / "file").write_bytes(b"")

        async def keep() -> None:
            keeper = Keeper(tmp_path / "file" / "slot-0", followed.sync, lambda: 0)
            await keeper.keep()
            keeper.close()

        asyncio.run(keep())
        assert "the snapshot could not be written" in caplog.text


class TestWithdrawals:
    def test_what_was_added_is_there_after_a_kill(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        Withdrawals(path).add(("k:_/a", "k:go.example.com/b"), Version(2, 7))
        with path.open("ab") as file:
            file.write(b"2 8 k:_/cut-sh")  # killed while writing: it was never acked
        again = Withdrawals(path)
        again.add(("k:_/c",), Version(2, 9))

        assert Withdrawals(path).items()[:2] == [("k:_/a", Version(2, 7)), ("k:go.example.com/b", Version(2, 7))]
        assert ("k:_/c", Version(2, 9)) in Withdrawals(path).items()

    def test_a_snapshot_begun_later_makes_them_needless(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        journal = Withdrawals(path)
        journal.add(("k:_/a",), Version(2, 7))
        journal.add(("k:_/b",), Version(2, 9))
        journal.prune(Version(2, 8))
        assert Withdrawals(path).items() == [("k:_/b", Version(2, 9))]

        journal.prune(Version(2, 9))
        assert not path.exists()
        assert len(journal) == 0

    def test_rubbish_says_nothing(self, tmp_path: Path) -> None:
        path = tmp_path / "journal"
        path.write_bytes(b"\xff\n1 2\nx y z\n3 4 k:_/a\n")

        assert Withdrawals(path).items() == [("k:_/a", Version(3, 4))]


def test_a_key_with_many_neighbours_is_found(tmp_path: Path) -> None:
    records = [(wire.pointer_key(Key("go.example.com", f"s{n}")), b"%d" % n) for n in range(20_000)]
    snapshot = Snapshot(write(tmp_path / "snapshot", records))

    assert all(snapshot.get(key) == value for key, value in records[::97])
    snapshot.close()
