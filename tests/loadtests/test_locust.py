"""The load tests run as an SRE runs them: Locust without its page, against a real installation."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.turnout import HANG_S, KEY, Turnout

ROOT = Path(__file__).parent.parent.parent
LOCUST = (sys.executable, "-m", "locust", "--headless", "--only-summary")
SCENARIOS = ("bots", "edit", "edited", "hot", "tail", "unknown")
PATIENT = "p95=20000 p99=20000"
"""How long answers take is not what is tested: this machine is busy with other tests."""


@pytest.fixture(scope="module")
def turnout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Turnout]:
    """An installation with the example, which the tests leave as it is."""
    turnout = Turnout(tmp_path_factory.mktemp("load") / "data")
    try:
        yield turnout.start("--demo")
    finally:
        turnout.stop()


def locust(
    turnout: Turnout, *arguments: str, files: str = "loadtests/locustfile.py"
) -> subprocess.CompletedProcess[str]:
    """Run Locust for a few seconds."""
    host, environment = f"http://127.0.0.1:{turnout.edge}", dict(os.environ)
    common = ("-f", files, "-H", host, "-u", "20", "-r", "20", "-t", "4s")
    return subprocess.run(
        [*LOCUST, *common, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )


def with_control(turnout: Turnout) -> tuple[str, ...]:
    """The options that let the load prepare links and edit."""
    return ("--control", f"http://127.0.0.1:{turnout.control}", "--api-key", KEY, "--tail-links", "200")


def test_every_scenario_is_answered_right_and_told_in_a_report(turnout: Turnout, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    ran = locust(turnout, *with_control(turnout), "--limits", PATIENT, "--html", str(report), "-t", "10s")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    lines = [line.split() for line in ran.stdout.splitlines() if line.endswith(" ok")]
    assert [words[0] for words in lines if words[1] == "wrong"] == list(SCENARIOS)
    assert "TOO MUCH" not in ran.stdout
    assert all(scenario in report.read_text() for scenario in SCENARIOS)


def test_two_processes_share_the_load_of_a_ramp(turnout: Turnout) -> None:
    arguments = ("--processes", "2", "--steps", "2", "--limits", PATIENT)
    ran = locust(turnout, *with_control(turnout), *arguments, files="loadtests/locustfile.py,loadtests/ramp.py")

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("hot        wrong") == 1, "the master judges, and nobody else"


def test_without_control_links_that_exist_are_clicked(turnout: Turnout) -> None:
    ran = locust(turnout, "--limits", PATIENT)

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert {line.split()[0] for line in ran.stdout.splitlines() if line.endswith(" ok")} == {"bots", "hot", "unknown"}


def test_a_limit_that_is_not_kept_is_exit_code_1(turnout: Turnout) -> None:
    ran = locust(turnout, "--limits", f"{PATIENT} hot.p99=0", "HotLink")

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert [line.split()[:2] for line in ran.stdout.splitlines() if "TOO MUCH" in line] == [["hot", "p99"]]


def test_a_wrong_destination_is_exit_code_1(tmp_path: Path) -> None:
    turnout = Turnout(tmp_path / "data")
    try:
        turnout.start("--demo")
        turnout.send_everyone_to("https://elsewhere.example/")
        ran = locust(turnout, "--limits", PATIENT, "HotLink")
    finally:
        turnout.stop()

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert [line.split()[:2] for line in ran.stdout.splitlines() if "TOO MUCH" in line] == [["hot", "wrong"]]
    assert "wrong destination: US, mobile: https://elsewhere.example/" in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--limits", "p98=1"), "'p98=1' is no limit"),
        (("--control", "http://127.0.0.1:1"), "nothing can be prepared: Control does not answer"),
    ],
    ids=["limit", "control"],
)
def test_what_cannot_be_begins_with_a_sentence(turnout: Turnout, arguments: tuple[str, ...], sentence: str) -> None:
    ran = locust(turnout, *arguments)

    assert ran.returncode not in (0, None)
    assert sentence in ran.stderr
