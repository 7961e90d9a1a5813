"""All tests, side by side; the few that fail are run once more alone, and only what fails again is a failure.

`python -m tests.second_chance OPTIONS-OF-PYTEST`. Hundreds of tests start real servers, browsers and whole
installations, and several of them share the machine's cores; a ceiling that is generous for one of them alone may then
be passed by a process that was not given the processor. A test that fails alone too has found something, and one that
then passes has found the load: a line that begins with "flaky:" names it, so that nobody loses sight of it.

Nothing else gets another try: neither a run that broke off, nor tests that cannot be imported, nor one with so many
failures that load is no explanation.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

MOST: Final = 20
"""More failures than this are not the load's."""

_ALONE: Final = ("--numprocesses", "1")
"""A process beside this one's, so that a test which kills its process, or hangs until it is ended, fails alone."""


def main(arguments: Sequence[str]) -> int:
    """Run pytest with `arguments`, then with the names of what failed too; return the exit code that holds."""
    with tempfile.TemporaryDirectory(prefix="turnout-tests-") as cache:
        status = _pytest(cache, arguments)
        failed = _failed(cache)
        if not may_try_again(status, failed):
            return _end(status, failed, ())
        _say(f"\n== once more, alone: the {len(failed)} that failed beside the others")
        status = _pytest(cache, (*arguments, *_ALONE, *failed))
        return _end(status, _failed(cache), failed)


def may_try_again(status: int, failed: Sequence[str]) -> bool:
    """Tell whether a run of all tests that ended with pytest's `status` failed by few tests and by nothing else."""
    return status == pytest.ExitCode.TESTS_FAILED and 0 < len(failed) <= MOST and all("::" in name for name in failed)


def _end(status: int, failed: Sequence[str], suspects: Sequence[str]) -> int:
    """Say which tests failed for good, and which of `suspects` did not; return `status`."""
    if status in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        for name in sorted(set(suspects) - set(failed)):
            _say(f"flaky: {name} (failed beside the others, passed alone)")
    for name in failed:
        _say(f"failed: {name}")
    if status and not failed:
        _say(f"failed: pytest, with exit code {status}")
    return status


def _pytest(cache: str, arguments: Sequence[str]) -> int:
    command = [sys.executable, "-m", "pytest", "--override-ini", f"cache_dir={cache}", *arguments]
    return subprocess.run(command, check=False).returncode


def _failed(cache: str) -> list[str]:
    """The tests that failed when they were last run, as pytest keeps them for `--last-failed`."""
    kept = Path(cache, "v", "cache", "lastfailed")
    return sorted(json.loads(kept.read_text())) if kept.exists() else []


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
