"""The systemd units, read by systemd's own tools."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.deploy.files import UNITS, env_file, unit

SERVICES = ("turnout-edge.service", "turnout-control.service", "turnout-geo-update.service")
SHIPPING_S = 10
MAX_EXPOSURE = 2.0
"""Of ten: below it systemd calls a service OK; its own are between 2 and 9."""


def analyze(*arguments: str | Path) -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("needs systemd-analyze")
    told = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stdout + told.stderr
    return told.stdout + told.stderr


def test_systemd_understands_every_unit(tmp_path: Path) -> None:
    for file in (*UNITS.glob("*.service"), *UNITS.glob("*.timer")):
        text = re.sub(r"^(ExecStart=)\S+", r"\g<1>/bin/true", file.read_text(), flags=re.MULTILINE)
        (tmp_path / file.name).write_text(text)

    assert analyze("verify", "--man=no", *sorted(tmp_path.iterdir())) == ""


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_may_do_little(name: str) -> None:
    told = analyze("security", "--offline=yes", "--no-pager", UNITS / name)
    exposure = re.search(r"exposure level for \S+: ([0-9.]+)", told)

    assert exposure is not None
    assert float(exposure[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_a_user_of_its_own_who_gains_nothing(name: str) -> None:
    found = unit(name)

    assert (found["User"], found["NoNewPrivileges"], found["ProtectSystem"]) == (["turnout"], ["yes"], ["strict"])
    assert "u turnout " in (UNITS / "turnout.sysusers").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_to_its_state_folder_alone(name: str) -> None:
    found = unit(name)

    assert f"TURNOUT_DATA_DIR=%S/{found['StateDirectory'][0]}" in found["Environment"]
    assert "ReadWritePaths" not in found


def test_an_edge_has_time_to_drain_and_to_ship() -> None:
    drain_s = float(env_file(UNITS / "edge.env")["TURNOUT_DRAIN_SECONDS"])

    assert int(unit("turnout-edge.service")["TimeoutStopSec"][0].removesuffix("s")) > drain_s + SHIPPING_S


def test_an_edge_that_cannot_start_is_not_tried_for_ever() -> None:
    assert unit("turnout-edge.service")["RestartPreventExitStatus"] == ["2"]


@pytest.mark.parametrize("name", ["edge", "control"])
def test_a_service_reads_the_settings_that_come_with_it(name: str) -> None:
    assert unit(f"turnout-{name}.service")["EnvironmentFile"] == [f"/etc/turnout/{name}.env"]
    assert (UNITS / f"{name}.env").exists()


def test_the_country_database_goes_where_the_edge_reads_it() -> None:
    update, edge = unit("turnout-geo-update.service"), unit("turnout-edge.service")

    assert update["Environment"] == edge["Environment"]
