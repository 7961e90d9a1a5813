"""`deploy/up` on a machine with Python, a package index and nothing else, in a folder with a space in its name."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
HANG_S = 600.0


class Checkout:
    """A copy of the repository, and a person with an empty home."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "my turnout"
        self.home = folder / "home"
        self.home.mkdir()
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
        if listing.returncode:
            pytest.skip("needs a git checkout")
        for name in listing.stdout.decode().split("\0"):
            if name and (ROOT / name).exists():
                (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, self.folder / name)

    def up(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """Start `deploy/up` from somewhere else."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("TURNOUT_", "PYTHON"))}
        return subprocess.Popen(
            [self.folder / "deploy" / "up", *arguments],
            env={**kept, "HOME": str(self.home), **environment},
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Return exit status, output and errors."""
    output, errors = process.communicate(timeout=HANG_S)
    return process.returncode, output, errors


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    return Checkout(tmp_path_factory.mktemp("empty"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Checkout, list[tuple[int, str, str]]]]:
    """A checkout in which two people started at the same time, and what both were told."""
    checkout = Checkout(tmp_path_factory.mktemp("installed"))
    starts = [checkout.up("--help"), checkout.up("--help")]
    yield checkout, [ended(start) for start in starts]
    shutil.rmtree(checkout.folder)


def test_two_first_starts_at_once_both_succeed(installed: tuple[Checkout, list[tuple[int, str, str]]]) -> None:
    _, told = installed

    assert [(status, "Usage: turnout up" in output) for status, output, _ in told] == [(0, True)] * 2, told
    assert sum("Installing Turnout's Python packages" in errors for _, _, errors in told) == 1


def test_a_second_start_installs_nothing(installed: tuple[Checkout, list[tuple[int, str, str]]]) -> None:
    checkout, _ = installed

    status, output, errors = ended(checkout.up("--help"))

    assert (status, errors) == (0, "")
    assert "Usage: turnout up" in output


def test_a_copied_folder_does_not_run_the_other_ones_code(
    installed: tuple[Checkout, list[tuple[int, str, str]]], tmp_path: Path
) -> None:
    checkout, _ = installed
    copied = Checkout(tmp_path)
    shutil.copytree(checkout.folder / ".venv", copied.folder / ".venv", symlinks=True)

    _, _, errors = ended(copied.up("--help", PIP_NO_INDEX="1", PIP_FIND_LINKS=""))

    assert "Creating .venv" in errors


def test_a_server_for_redis_comes_along(installed: tuple[Checkout, list[tuple[int, str, str]]]) -> None:
    checkout, _ = installed
    server = checkout.folder / ".venv" / "bin" / "redis-server"
    if os.uname().sysname != "Linux" or os.uname().machine != "x86_64":
        pytest.skip("needs Linux on x86_64")

    told = subprocess.run([server, "--version"], capture_output=True, text=True, check=True)

    assert "v=6.2" in told.stdout


def test_packages_that_cannot_be_had_are_one_sentence_and_pips_error(empty: Checkout) -> None:
    status, _, errors = ended(empty.up(PIP_NO_INDEX="1", PIP_FIND_LINKS=""))

    assert status == 1
    assert "ERROR: Cannot install setuptools" in errors or "ERROR: Could not find" in errors
    assert errors.splitlines()[-1].startswith("pip could not install Turnout's packages; its log is ")


@pytest.mark.parametrize("python", ["/nowhere/python3", "/bin/true", "/bin/false"])
def test_a_python_that_is_none_is_one_sentence(empty: Checkout, python: str) -> None:
    status, _, errors = ended(empty.up(PYTHON=python))

    assert (status, errors) == (1, f"PYTHON={python} is not a Python 3.11 or newer with venv.\n")


def test_a_machine_without_python_is_told_what_to_install(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in ("sh", "dirname"):
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or "/bin/sh")

    status, _, errors = ended(checkout.up(PATH=str(tmp_path / "bin")))

    assert status == 1
    assert errors.startswith("Turnout needs Python 3.11 or newer with venv")
