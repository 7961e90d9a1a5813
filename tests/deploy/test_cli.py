"""The command line: what it offers, and how it says no."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

COMMANDS = "up edge control doctor geo export import backup restore pause activate test-visitor version".split()  # noqa: SIM905


def turnout(*arguments: str, cwd: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "deploy.cli", *arguments],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "COLUMNS": "120", **environment},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_says_its_release() -> None:
    assert turnout("version").stdout == f"{version('turnout')}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_says_what_it_does(command: str) -> None:
    told = turnout(command, "--help")

    assert told.returncode == 0
    assert "Usage" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("export",), "turnout: Control does not answer at http://127.0.0.1:1 "),
        (("backup", "x.tar.gz"), "turnout: There is nothing to back up: "),
        (("geo", "update"), "turnout: Say where from: one of --file, --url, --maxmind and --dbip."),
        (("geo", "update", "--url", "ftp://x"), "turnout: 'ftp://x' is not an http or https address"),
        (("import", __file__, "--skip-faults"), "turnout: --skip-faults goes with --from: "),
        (
            ("import", __file__, "--from", "kutt", "--override-tests"),
            "turnout: --override-tests goes with a document: ",
        ),
        (("import", __file__, "--from", "kutt"), f"turnout: {__file__} is not JSON, nor is line 1 of it: "),
    ],
    ids=["export", "backup", "no source", "no address", "nothing to skip", "nothing to override", "no links"],
)
def test_a_refusal_is_one_sentence(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    refused = turnout(*arguments, TURNOUT_DATA_DIR=str(tmp_path), TURNOUT_CONTROL_PORT="1")

    assert refused.returncode == 1
    assert refused.stdout == ""
    assert refused.stderr.startswith(sentence)
    assert len(refused.stderr.splitlines()) == 1


def test_a_wrong_setting_is_named_by_every_command(tmp_path: Path) -> None:
    refused = turnout("backup", TURNOUT_CONTROL_PORT="many", TURNOUT_DATA_DIR=str(tmp_path))

    assert refused.stderr.startswith("turnout: TURNOUT_CONTROL_PORT is 'many':")


def test_a_folder_called_edge_does_not_shadow_ours(tmp_path: Path) -> None:
    (tmp_path / "edge").mkdir()
    (tmp_path / "edge" / "__init__.py").write_text("raise SystemExit('shadowed')")
    script = Path(sys.executable).parent / "turnout"
    if not script.exists():
        pytest.skip("needs the installed command")

    told = subprocess.run([script, "geo", "info"], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert "shadowed" not in told.stderr
    assert told.returncode == 0, told.stderr
