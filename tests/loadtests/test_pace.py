"""wrk at a pace: never faster than it was asked for, however quick the answers are."""

import shutil
from pathlib import Path

import pytest

from loadtests.bench.visits import HOT, write_guesses, write_script
from loadtests.bench.wrk import Wrk, all_cpus
from tests.servers import Site

RATE = 200


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("guesses", [False, True])
def test_all_connections_and_threads_together_keep_the_pace(
    site: Site, tmp_path: Path, threads: int, *, guesses: bool
) -> None:
    if not all(map(shutil.which, ("wrk", "taskset", "ss"))):
        pytest.skip("needs wrk, taskset and ss on PATH")
    site.elsewhere = (302, {}, b"")
    script = tmp_path / "clicks.lua"
    if guesses:
        write_guesses(script)
    else:
        write_script(script, HOT._replace(requests=50))
    run = Wrk(site.port, script, seconds=1, connections=16, rate=RATE, cpus=all_cpus(), threads=threads).wait()
    assert 0 < run.rate < 1.1 * RATE
    assert run.errors == 0
