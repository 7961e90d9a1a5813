"""What is put into a spool is on disk before anything else happens, and comes out once, whatever breaks."""

import os
import resource
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from edge.spool.frames import CUT, EVENTS, encode_frame, read_frames
from edge.spool.orphans import Orphan, adopt
from edge.spool.spool import MAX_BATCH_EVENTS, SEGMENT_BYTES, Spool

MIB = 1024 * 1024


def open_spool(root: Path, boot: str = "boot1", **given: Any) -> Spool:
    settings: dict[str, Any] = {"quota_bytes": 64 * MIB, "boot": boot, "host": "edge-1:8080", "slot": 0, **given}
    return Spool.open(root, **settings)


def write_turn(spool: Spool, *lines: bytes) -> None:
    for line in lines:
        spool.put(line)
    spool.flush()


def contents(source: Spool | Orphan) -> list[tuple[int, list[bytes]]]:
    """The batches that wait in a spool, as (number, lines), read from disk."""
    source.backlog._recent.clear()
    batches = []
    for batch in source.backlog.next(10_000):
        content = source.backlog.read(batch)
        assert content is not None
        batches.append((batch.number, content.events.split(b"\n") if content.events else []))
    return batches


def abandon(spool: Spool) -> None:
    """What a SIGKILL does: nothing more is written, and the kernel lets go of the lock."""
    assert spool._lock is not None
    os.close(spool._lock)
    spool._lock = None
    if spool._segment:
        spool._segment.close()
    spool._segment = None


def adopt_one(root: Path) -> Orphan:
    [orphan] = adopt(root)
    orphan.cut()
    return orphan


def test_a_turn_is_one_frame_on_disk_before_flush_returns(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)

    write_turn(spool, b"one", b"two")

    [segment] = tmp_path.glob("*/boot1/*.segment")
    frames = [frame for frame in read_frames(segment.read_bytes()) if frame.kind == EVENTS]
    assert [frame.payload for frame in frames] == [b"one\ntwo"]
    spool.close()


def test_a_cut_numbers_what_was_written_since_the_last(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)

    write_turn(spool, b"a")
    write_turn(spool, b"b", b"c")
    assert spool.cut()
    write_turn(spool, b"d")
    assert spool.cut()
    assert not spool.cut()

    assert contents(spool) == [(1, [b"a", b"b", b"c"]), (2, [b"d"])]
    spool.close()


@pytest.mark.parametrize("turn", [1, 7, 499, 500, 501, 1_250])
def test_a_batch_never_exceeds_500_events(tmp_path: Path, turn: int) -> None:
    spool = open_spool(tmp_path)
    lines = [b"%d" % number for number in range(2_500)]

    for start in range(0, len(lines), turn):
        write_turn(spool, *lines[start : start + turn])
    spool.cut()

    batches = contents(spool)
    assert max(len(batch) for _, batch in batches) <= MAX_BATCH_EVENTS
    assert [line for _, batch in batches for line in batch] == lines
    assert [number for number, _ in batches] == list(range(1, len(batches) + 1))
    spool.close()


def test_what_a_killed_process_wrote_is_adopted_with_its_numbers(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"a", b"b")
    spool.cut()
    write_turn(spool, b"c")
    abandon(spool)

    orphan = adopt_one(tmp_path)

    assert orphan.owner == spool.owner
    assert contents(orphan) == [(1, [b"a", b"b"]), (2, [b"c"])]
    assert orjson.loads(orphan.counts()) == {"produced": 3, "dropped": {}}
    orphan.close()


def test_an_adopter_that_dies_leaves_the_same_batches_to_the_next(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"a")
    abandon(spool)
    first = adopt_one(tmp_path)
    seen = contents(first)
    os.close(first._lock)

    second = adopt_one(tmp_path)

    assert contents(second) == seen == [(1, [b"a"])]
    second.close()


def test_a_spool_in_use_is_not_adopted(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"a")

    assert list(adopt(tmp_path)) == []
    spool.close()


def test_a_torn_last_frame_is_ignored(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"whole")
    abandon(spool)
    [segment] = tmp_path.glob("*/boot1/*.segment")
    with segment.open("ab") as file:
        file.write(encode_frame(EVENTS, 99, b"torn apart", 1)[:-3])

    orphan = adopt_one(tmp_path)

    assert contents(orphan) == [(1, [b"whole"])]
    orphan.close()


@pytest.mark.parametrize("cut_at", range(0, 120, 3))
def test_a_file_cut_off_anywhere_gives_its_whole_frames(tmp_path: Path, cut_at: int) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"a")
    write_turn(spool, b"b")
    spool.cut()
    write_turn(spool, b"c")
    abandon(spool)
    [segment] = tmp_path.glob("*/boot1/*.segment")
    raw = segment.read_bytes()
    segment.write_bytes(raw[: len(raw) - cut_at])

    orphans = list(adopt(tmp_path))

    for orphan in orphans:
        orphan.cut()
        lines = [line for _, batch in contents(orphan) for line in batch]
        assert lines == [b"a", b"b", b"c"][: len(lines)]
        orphan.close()


def test_a_stale_frame_behind_the_last_is_not_read_again() -> None:
    stale = encode_frame(EVENTS, 5, b"older attempt", 1)
    fresh = encode_frame(EVENTS, 6, b"newer", 1)

    assert [frame.payload for frame in read_frames(fresh + stale)] == [b"newer"]


@pytest.mark.parametrize("position", range(0, 60))
def test_a_flipped_bit_is_noticed(position: int) -> None:
    raw = bytearray(encode_frame(EVENTS, 1, b"some event", 1) + encode_frame(CUT, 2, b"1\n{}", 1))
    raw[position % len(raw)] ^= 0x10

    payloads = [frame.payload for frame in read_frames(bytes(raw))]

    assert payloads in ([], [b"some event"])


def test_segments_are_freed_when_sql_has_all_of_them(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    line = b"x" * 1_000
    while len(list(tmp_path.glob("*/boot1/*.segment"))) < 3:
        write_turn(spool, *[line] * 100)
    last = spool._batch
    before = spool.status().bytes
    first_two = sorted(tmp_path.glob("*/boot1/*.segment"))[:2]

    freed = spool.release(last)

    assert freed == first_two
    assert spool.status().bytes < before - 2 * SEGMENT_BYTES + 200_000
    spool.close()


def test_recorded_in_flight_and_dropped_add_up(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, quota_bytes=4_000)
    for _ in range(10):
        write_turn(spool, *[b"x" * 100] * 8)
        spool.cut()
    spool.release(2)

    status = spool.status()

    assert status.produced == 80
    assert status.recorded == 16
    assert status.dropped["quota"] > 0
    assert status.produced == status.recorded + status.in_flight + sum(status.dropped.values())
    spool.close()


def test_a_quota_drops_the_newest_and_frees_again(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, quota_bytes=2_000)
    for number in range(40):
        write_turn(spool, b"%03d" % number + b"x" * 97)
    assert spool.cut()
    kept = contents(spool)[0][1]
    assert kept == [b"%03d" % number + b"x" * 97 for number in range(len(kept))]
    assert spool.status().dropped["quota"] == 40 - len(kept)

    spool.adopted_bytes = 10_000
    write_turn(spool, b"y")
    assert spool.status().dropped["quota"] == 41 - len(kept)
    spool.close()


def test_a_full_spool_takes_clicks_again_once_sql_has_the_old_ones(tmp_path: Path) -> None:
    spool = open_spool(tmp_path, quota_bytes=MIB)
    for _ in range(2_000):
        write_turn(spool, b"x" * 1_000)
    spool.cut()
    dropped = spool.status().dropped["quota"]
    assert dropped > 0

    for segment in spool.release(spool._batch):
        segment.unlink()
    write_turn(spool, *[b"y" * 1_000] * 500)

    assert spool.status().dropped["quota"] == dropped
    spool.close()


def test_the_first_spool_of_a_new_edge_is_removed_when_empty(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"a")
    spool.cut()
    spool.release(1)

    spool.close()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_costs_clicks_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("a file where the folder should be")
    now = [0.0]
    spool = open_spool(tmp_path / "spool", clock=lambda: now[0])
    spool.put(b"a")
    spool.flush()
    assert spool.status().dropped["io_error"] == 1

    (tmp_path / "spool").unlink()
    now[0] = 5.0
    write_turn(spool, b"b")

    spool.cut()
    assert contents(spool) == [(1, [b"b"])]
    spool.close()


class FullDisk:
    """A file size limit: the kernel takes a part of a write and refuses the rest, as a disk that fills up does."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes

    def __enter__(self) -> None:
        self._handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (self._size_bytes, self._limits[1]))

    def __exit__(self, *_: object) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
        signal.signal(signal.SIGXFSZ, self._handler)


def test_a_write_that_is_taken_in_part_is_dropped_whole_and_overwritten(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"first")
    with FullDisk(400):
        for _ in range(5):
            write_turn(spool, b"z" * 300)
    write_turn(spool, b"last")
    spool.cut()

    assert contents(spool) == [(1, [b"first", b"last"])]
    assert spool.status().dropped["io_error"] == 5  # EFBIG here; a disk says ENOSPC
    abandon(spool)
    orphan = adopt_one(tmp_path)
    assert contents(orphan) == [(1, [b"first", b"last"])]
    orphan.close()


def test_losses_survive_the_process_even_where_the_disk_is_full(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    write_turn(spool, b"first")
    with FullDisk(512):
        write_turn(spool, *[b"z" * 300] * 3)
    abandon(spool)

    orphan = adopt_one(tmp_path)

    assert orjson.loads(orphan.counts()) == {"produced": 4, "dropped": {"io_error": 3}}
    [_] = orphan.backlog.next(10)
    orphan.close()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("needs the right to mount a 64 KiB tmpfs")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_counted_as_such_and_used_again_when_it_has_room(tiny_disk: Path) -> None:
    ballast = tiny_disk / "ballast"
    spool = open_spool(tiny_disk / "spool")
    write_turn(spool, b"before")
    ballast.write_bytes(b"x" * 40_000)
    for _ in range(20):
        write_turn(spool, b"y" * 2_000)
    dropped = spool.status().dropped["disk_full"]
    assert dropped > 0

    ballast.unlink()
    write_turn(spool, b"after")
    spool.cut()

    lines = contents(spool)[0][1]
    assert (lines[0], lines[-1], len(lines)) == (b"before", b"after", 22 - dropped)
    spool.close()


def test_a_lost_segment_is_told_as_lost_and_its_numbers_stay_taken(tmp_path: Path) -> None:
    spool = open_spool(tmp_path)
    for _ in range(3):
        while len(list(tmp_path.glob("*/boot1/*.segment"))) < 3:
            write_turn(spool, *[b"x" * 1_000] * 100)
    produced = spool.status().produced
    abandon(spool)
    _, middle, _ = sorted(tmp_path.glob("*/boot1/*.segment"))
    middle.unlink()

    [orphan] = adopt(tmp_path)

    numbers = [batch.number for batch in orphan.backlog.next(10_000)]
    assert numbers == list(range(1, len(numbers) + 1))
    read = 0
    for batch in orphan.backlog.next(10_000):
        if orphan.backlog.read(batch) is None:
            orphan.lose(batch)
        else:
            read += batch.events
    orphan.cut()
    counts = orjson.loads(orphan.counts())
    tail = orphan.backlog.next(10_000)[-1].events if len(orphan.backlog) > len(numbers) else 0
    assert counts["produced"] == produced == read + tail + counts["dropped"]["unreadable"]
    orphan.close()


def test_a_spool_of_a_later_format_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "edge-0" / "boot9"
    folder.mkdir(parents=True)
    (folder / "lock").touch()
    (folder / "000000000001.segment").write_bytes(encode_frame(1, 0, b'{"format":99}\n1\n{}'))

    assert list(adopt(tmp_path)) == []
    assert (folder / "000000000001.segment").exists()


KILLED = """
import os, sys
from pathlib import Path
from edge.spool.spool import Spool

spool = Spool.open(Path(sys.argv[1]), 1 << 26, boot="killed", host="h", slot=3)
number = 0
while True:
    for _ in range(7):
        spool.put(b"%d" % number)
        number += 1
    spool.flush()
    os.write(1, b"%d\\n" % number)
    if number % 9 == 0:
        spool.cut()
"""


def test_everything_written_before_a_sigkill_is_there_after_it(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path)], stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert process.stdout is not None
    seen = [process.stdout.readline() for _ in range(3_000)]
    process.kill()
    told = int([*seen, *process.stdout.read().split()][-1])
    process.wait()
    process.stdout.close()

    orphan = adopt_one(tmp_path)

    lines = [int(line) for _, batch in contents(orphan) for line in batch]
    assert lines == list(range(len(lines)))
    assert len(lines) >= told
    assert orjson.loads(orphan.counts())["produced"] == len(lines)
    orphan.close()
