"""Every disaster drill: what an installation loses, its visitors do not notice, and every click is counted."""

from pathlib import Path

import pytest

from loadtests.drills import DRILLS, run

RATE = 100.0
OUTAGE_S = 2.0


@pytest.mark.parametrize("name", DRILLS)
def test_nobody_notices_the_loss_of(name: str, tmp_path: Path) -> None:
    report = run(DRILLS[name], tmp_path, RATE, OUTAGE_S)

    print(name, report.figures)  # noqa: T201  # how long it took is part of the answer
    assert report.faults == []
