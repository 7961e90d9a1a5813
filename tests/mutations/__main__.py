"""Apply every mutation to a copy of the tree, run its test there, and fail unless all of them go red.

`python -m tests.mutations [I4 ...]` runs those of some invariants. The working tree is never touched.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from tests.mutations.table import MUTATIONS, Mutation

_ROOT: Final = Path(__file__).resolve().parents[2]
_COPIED: Final = ("edge", "control", "shared", "tests", "deploy", "loadtests", "pyproject.toml")
_RED: Final = 1
"""pytest's exit code for failed tests; any other means that it did not get that far."""

_NO_PLUGINS: Final = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
"""None is needed here, and what is installed takes longer to load than most of these tests run."""

_TIMEOUT_S: Final = 300


def main() -> int:
    """Return the process's exit code: 0 when every mutation was noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("invariants", nargs="*", help="only these, such as I4")
    wanted = set(parser.parse_args().invariants)
    mutations = [mutation for mutation in MUTATIONS if not wanted or mutation.invariant in wanted]
    tests = sorted({mutation.test for mutation in mutations})
    with tempfile.TemporaryDirectory(prog_name()) as folder:
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:  # half of the time they wait for what they started
            green = pool.submit(_is_green, Path(folder) / "healthy", tests)
            trees = (Path(folder) / str(place) for place in range(len(mutations)))
            verdicts = list(pool.map(_verdict, mutations, trees))
        healthy = green.result() or _is_green(Path(folder) / "alone", tests)  # as tests.second_chance has it, and why
    missed = [mutation for mutation, noticed in zip(mutations, verdicts, strict=True) if not noticed]
    for mutation in missed:
        _say(f"failed: {mutation.test} stays green though {mutation.name} ({mutation.invariant})")
    _say(f"{len(verdicts) - len(missed)} of {len(verdicts)} mutations noticed")
    return 0 if healthy and verdicts and not missed else 1


def prog_name() -> str:
    """Return the suffix of the folder that holds the copies."""
    return "-turnout-mutations"


def mutate(tree: Path, mutation: Mutation) -> None:
    """Apply a mutation to a copy. Raises ValueError unless its text occurs exactly once."""
    path = tree / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.file} has {text.count(mutation.old)} times: {mutation.old}")
    path.write_text(text.replace(mutation.old, mutation.new))


def _is_green(tree: Path, tests: Iterable[str]) -> bool:
    """Tell whether the tests pass on an unharmed copy: a test that is red anyway proves nothing."""
    _copy(tree)
    result = _pytest(tree, [*tests, "--fail-on-skip"])
    if result.returncode:
        _say(result.stdout[-4_000:], "failed: the tests are red where nothing is broken", sep="\n")
    return result.returncode == 0


def _verdict(mutation: Mutation, tree: Path) -> bool:
    """Tell whether a mutation's test noticed it."""
    _copy(tree)
    mutate(tree, mutation)
    result = _pytest(tree, [mutation.test])
    shutil.rmtree(tree)
    noticed = result.returncode == _RED
    _say(f"{'noticed' if noticed else 'MISSED '}  {mutation.invariant:4} {mutation.name}")
    if not noticed:
        _say(f"          {mutation.file}: {mutation.old!r} -> {mutation.new!r}; {mutation.test} stays green")
    return noticed


def _copy(tree: Path) -> None:
    tree.mkdir()
    ignore = shutil.ignore_patterns("__pycache__")
    for name in _COPIED:
        source = _ROOT / name
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignore)
        elif source.exists():
            shutil.copy(source, tree / name)


def _pytest(tree: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", **_NO_PLUGINS}
    return subprocess.run(
        command, cwd=tree, env=environment, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )


def _say(*words: str, sep: str = " ") -> None:
    sys.stdout.write(sep.join(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
