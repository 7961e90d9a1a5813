"""An older Turnout to run beside today's: the newest release, or, before there is one, a commit of this history."""

import io
import subprocess
import tarfile
from functools import cache
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]
_BEFORE_RELEASES = "c80fc3e"
"""What is run where no release is tagged: databases made by it are not today's, everything on the wire is."""


@cache
def newest_release() -> str:
    """The newest tag `v...` in the history of what is checked out, "" where there is none."""
    tags = _git("tag", "--list", "v*", "--sort=-version:refname", "--merged", "HEAD").decode().split()
    return tags[0] if tags else ""


def unpack_previous(folder: Path) -> Path:
    """Put the files of the previous version into `folder`; skips the test where the history is not at hand."""
    try:
        files = _git("archive", newest_release() or _BEFORE_RELEASES)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs git and the history of the repository (a full clone)")
    with tarfile.open(fileobj=io.BytesIO(files)) as archive:
        archive.extractall(folder, filter="data")
    return folder


def _git(*arguments: str) -> bytes:
    return subprocess.run(
        ["git", "-c", "safe.directory=*", *arguments], cwd=_ROOT, check=True, capture_output=True, timeout=60
    ).stdout
