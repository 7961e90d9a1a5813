"""A test that fails beside the others gets one more try alone; what fails then, or never ran, fails the whole."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import LEFT_OUT
from tests.second_chance import MOST, may_try_again

ROOT = Path(__file__).parent.parent
HANG_S = 120.0
_FEW_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
"""Some of the others take seconds to load, in every one of dozens of processes."""

ONCE = """
from pathlib import Path
def test_under_load():
    seen = Path(__file__).with_name("seen")
    first = not seen.exists()
    seen.touch()
    assert not first
"""


HANGS = """
import time
def test_for_ever():
    while True:
        time.sleep(1)
"""
DIES = "import os\ndef test_the_worker():\n    os._exit(3)\n"


def tried(folder: Path, *options: str, **files: str) -> tuple[int, list[str]]:
    """Run `files` as the tests of a project of their own; return the exit code and the lines of output."""
    folder.joinpath("pytest.ini").write_text("[pytest]\n")
    for name, text in files.items():
        folder.joinpath(f"test_{name}.py").write_text(text)
    ended = subprocess.run(
        [sys.executable, "-m", "tests.second_chance", "--numprocesses", "2", *options],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "", **_FEW_PLUGINS},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    return ended.returncode, ended.stdout.splitlines()


def test_what_fails_under_load_and_passes_alone_is_named_and_passes(tmp_path: Path) -> None:
    status, told = tried(tmp_path, once=ONCE, well="def test_well(): pass")

    assert (status, told[-1]) == (0, "flaky: test_once.py::test_under_load (failed beside the others, passed alone)")
    assert any("1 failed, 1 passed" in line for line in told)


def test_what_fails_twice_fails_and_is_named_last(tmp_path: Path) -> None:
    status, told = tried(tmp_path, once=ONCE, ill="def test_ill(): assert False")

    assert (status, told[-1]) == (1, "failed: test_ill.py::test_ill")
    assert told[-2].startswith("flaky: test_once.py::test_under_load ")


def test_all_well_is_run_once(tmp_path: Path) -> None:
    status, told = tried(tmp_path, well="def test_well(): pass")

    assert (status, [line for line in told if "== once more" in line]) == (0, [])
    assert "1 passed" in told[-1]


@pytest.mark.parametrize("text", [HANGS, DIES], ids=["hangs", "kills its process"])
def test_a_test_that_ends_its_process_fails_by_name(tmp_path: Path, text: str) -> None:
    bounds = ("-o", "faulthandler_timeout=2", "-o", "faulthandler_exit_on_timeout=true")
    status, told = tried(tmp_path, *bounds, lost=text, well="def test_well(): pass")

    assert (status, told[-1].partition("::")[0]) == (1, "failed: test_lost.py")
    assert any("1 failed, 1 passed" in line for line in told)


def test_what_cannot_be_imported_fails_at_once(tmp_path: Path) -> None:
    status, told = tried(tmp_path, broken="import nowhere_to_be_found", well="def test_well(): pass")

    assert (status != 0, [line for line in told if "== once more" in line]) == (True, [])
    assert told[-1].startswith("failed: ")


@pytest.mark.parametrize(
    ("status", "failed", "again"),
    [
        (pytest.ExitCode.TESTS_FAILED, ["test_a.py::test_b"], True),
        (pytest.ExitCode.TESTS_FAILED, [f"test_a.py::test_{n}" for n in range(MOST)], True),
        (pytest.ExitCode.TESTS_FAILED, [f"test_a.py::test_{n}" for n in range(MOST + 1)], False),
        (pytest.ExitCode.TESTS_FAILED, ["test_a.py"], False),
        (pytest.ExitCode.TESTS_FAILED, [], False),
        (pytest.ExitCode.INTERRUPTED, ["test_a.py::test_b"], False),
        (pytest.ExitCode.INTERNAL_ERROR, ["test_a.py::test_b"], False),
        (LEFT_OUT, ["test_a.py::test_b"], False),
        (pytest.ExitCode.OK, [], False),
    ],
    ids=["one", "some", "too many", "no import", "none", "interrupted", "crashed", "skipped", "all well"],
)
def test_another_try_is_for_a_few_failed_tests_alone(status: int, failed: list[str], again: bool) -> None:
    assert may_try_again(status, failed) is again
