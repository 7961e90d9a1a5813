"""Programs beside `up`: awaited, started again, stopped; real processes, small ones."""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from deploy.children import Child, Program, keep_last_log
from deploy.data_folder import DataFolder
from deploy.refusal import Refusal


@pytest.fixture
def folder(data_dir: Path) -> DataFolder:
    folder = DataFolder(data_dir)
    folder.claim()
    return folder


def child(folder: DataFolder, script: str, *, grace_s: float = 20.0) -> Child:
    """Return a child that runs the Python `script`, ready once it has made the file `ready`."""
    ready = folder.path / "ready"
    code = f"import os, signal, sys, time, pathlib\nready = pathlib.Path({str(ready)!r})\n{script}"
    return Child(Program("toy", (sys.executable, "-c", code), ready.exists, dict(os.environ), grace_s), folder)


def test_a_child_is_started_once_it_is_ready(folder: DataFolder) -> None:
    async def play() -> bool:
        toy = child(folder, "time.sleep(0.2); ready.touch(); time.sleep(600)")
        await toy.start()
        was_ready = (folder.path / "ready").exists()
        await toy.stop()
        return was_ready

    assert asyncio.run(play())


def test_a_child_that_ends_at_start_is_refused_with_its_own_words(folder: DataFolder) -> None:
    toy = child(folder, "sys.exit('the moon is not full')")

    with pytest.raises(Refusal, match=r"(?s)toy could not start.*toy\.log.*the moon is not full"):
        asyncio.run(toy.start())


def test_a_program_that_is_missing_is_refused_in_one_sentence(folder: DataFolder) -> None:
    toy = Child(Program("toy", ("/nowhere/to/be/found",), lambda: True), folder)

    with pytest.raises(Refusal, match=r"toy cannot be started .No such file or directory: /nowhere/to/be/found"):
        asyncio.run(toy.start())


def test_a_child_that_dies_is_started_again(folder: DataFolder) -> None:
    told: list[str] = []

    async def play() -> bytes:
        toy = child(folder, "print('hello', flush=True); ready.touch(); time.sleep(600)")
        await toy.start()
        watch = asyncio.ensure_future(toy.keep_running(told.append))
        toy.kill()
        while toy.log.read_bytes().count(b"hello") < 2:  # noqa: ASYNC110 (a file has no event to wait for)
            await asyncio.sleep(0.01)
        watch.cancel()
        await toy.stop()
        return toy.log.read_bytes()

    assert asyncio.run(play()) == b"hello\nhello\n"
    assert "toy ended unexpectedly (signal SIGKILL); starting it again" in told[0]


def test_a_child_that_keeps_dying_is_given_up(folder: DataFolder) -> None:
    async def play() -> None:
        toy = child(folder, "ready.touch(); sys.exit(7)")
        await toy.start()
        with pytest.raises(Refusal, match="toy ended 4 times within a minute"):
            await toy.keep_running(lambda _: None)

    asyncio.run(play())


def test_a_stopped_child_may_finish_its_work(folder: DataFolder) -> None:
    script = """
def finish(*_):
    time.sleep(0.3); print('finished', flush=True); sys.exit()
signal.signal(signal.SIGTERM, finish); ready.touch(); time.sleep(600)"""

    async def play() -> bytes:
        toy = child(folder, script)
        await toy.start()
        await toy.stop()
        return toy.log.read_bytes()

    assert asyncio.run(play()) == b"finished\n"


def test_a_child_that_will_not_stop_is_ended_with_all_it_started(folder: DataFolder) -> None:
    script = """
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print(os.fork(), flush=True); ready.touch(); time.sleep(600)"""

    async def play() -> list[int]:
        toy = child(folder, script, grace_s=0.1)
        await toy.start()
        await toy.stop()
        return [int(line) for line in toy.log.read_text().split()]

    grandchild = max(asyncio.run(play()))

    assert not is_running(grandchild)


def test_a_ctrl_c_does_not_reach_a_child(folder: DataFolder) -> None:
    async def play() -> bool:
        toy = child(folder, "print(os.getpgid(0), flush=True); ready.touch(); time.sleep(600)")
        await toy.start()
        await toy.stop()
        return int(toy.log.read_text()) == os.getpgid(0)

    assert not asyncio.run(play())


def test_the_log_of_the_last_start_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "edge.log"
    log.write_text("yesterday")

    keep_last_log(log)

    assert not log.exists()
    assert (tmp_path / "edge.log.1").read_text() == "yesterday"


def is_running(process_id: int) -> bool:
    """Tell whether a process runs; one that has ended and is not yet waited for does not."""
    try:
        os.kill(process_id, 0)
        return Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
