"""Who may use a data folder, and what is left in it of a start that was killed."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.data_folder import DataFolder, write_private
from deploy.refusal import Refusal

SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(600)"]


def outlive(folder: DataFolder, name: str) -> subprocess.Popen[bytes]:
    """Start a child that holds the lock of `name`, as one does whose `up` was killed."""
    lock = folder.child_lock(name)
    child = subprocess.Popen(SLEEPER, pass_fds=(lock,), start_new_session=True, stdout=subprocess.PIPE)
    os.close(lock)
    assert child.stdout is not None
    child.stdout.readline()
    folder.note_child(name, child.pid)
    return child


@pytest.fixture
def folder(data_dir: Path) -> DataFolder:
    folder = DataFolder(data_dir)
    folder.claim()
    return folder


def test_a_missing_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path / "not" / "there")

    folder.claim()

    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_a_second_claim_is_refused_and_names_the_owner(folder: DataFolder) -> None:
    with pytest.raises(Refusal, match=f"already running on the data folder {folder.path} .process {os.getpid()}."):
        DataFolder(folder.path).claim()


def test_a_released_folder_can_be_claimed_again(folder: DataFolder) -> None:
    folder.release()

    DataFolder(folder.path).claim()


def test_a_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")

    with pytest.raises(Refusal, match="cannot be used"):
        DataFolder(tmp_path / "data").claim()


def test_what_runs_is_known_only_while_it_runs(folder: DataFolder) -> None:
    other = DataFolder(folder.path)
    folder.note({"control": "http://127.0.0.1:1"})
    while_running = other.noted()
    folder.release()

    assert while_running == {"control": "http://127.0.0.1:1"}
    assert other.noted() == {}


def test_a_child_that_outlived_its_start_is_stopped(folder: DataFolder) -> None:
    child = outlive(folder, "edge")

    assert folder.stop_orphan("edge")
    assert child.wait(30) != 0
    assert child.stdout is not None
    child.stdout.close()


def test_a_process_that_only_has_an_orphans_number_is_left_alone(folder: DataFolder) -> None:
    child = subprocess.Popen(SLEEPER, start_new_session=True, stdout=subprocess.DEVNULL)
    os.close(folder.child_lock("edge"))
    folder.note_child("edge", child.pid)

    stopped = folder.stop_orphan("edge")

    assert not stopped
    assert child.poll() is None
    child.kill()
    child.wait()


def test_a_private_file_is_its_owners_from_the_start(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("old")

    write_private(tmp_path / "secret", "new")

    assert (tmp_path / "secret").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
