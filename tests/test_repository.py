"""The repository holds what it says it holds, and says what it does."""

import re
import stat
import subprocess
import tomllib
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from control.settings import ControlSettings
from edge.settings import EdgeSettings

ROOT = Path(__file__).parent.parent
TOP_LEVEL = {"edge", "control", "shared", "tests", "loadtests", "deploy", "pyproject.toml", "README.md", "LICENSE"}
PAGES = ("README.md", "edge/README.md", "control/README.md")
LINK = re.compile(r"\]\((?!https?://)([^)#]+)[^)]*\)")


def tracked() -> list[Path]:
    """Return every file of the repository that git knows."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listing.returncode:
        pytest.skip("needs a git checkout")
    return [ROOT / name for name in listing.stdout.decode().split("\0") if name and (ROOT / name).exists()]


def texts() -> dict[Path, str]:
    """Return the text files of the repository."""
    found = {}
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:8192]:
            found[path.relative_to(ROOT)] = content.decode(errors="replace")
    return found


def test_the_top_level_holds_only_what_the_design_names() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}

    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_file_names_a_folder_of_somebodys_machine_or_a_package_index() -> None:
    words = ("/wor[k]/(main|shared)", "/tm[p]/brief", "pyp[i][.]org", "registry[.]npm[j]s", "pythonhos[t]ed")
    private = re.compile("|".join(words))

    assert [str(path) for path, text in texts().items() if private.search(text)] == []


@pytest.mark.parametrize("settings", [EdgeSettings, ControlSettings], ids=["edge", "control"])
def test_every_setting_is_documented(settings: type[BaseSettings]) -> None:
    pages = "".join((ROOT / page).read_text() for page in PAGES if (ROOT / page).exists())
    names = [f"TURNOUT_{field.upper()}" for field in settings.model_fields]

    assert [name for name in names if f"`{name}`" not in pages] == []


def test_every_documented_setting_exists() -> None:
    known = {f"TURNOUT_{field.upper()}" for each in (EdgeSettings, ControlSettings) for field in each.model_fields}
    mentioned = set(re.findall(r"`(TURNOUT_[A-Z_]+)`", "".join((ROOT / page).read_text() for page in PAGES)))
    used_by_commands = {"TURNOUT_API_KEY"}

    assert mentioned - known - used_by_commands == set()


def test_links_between_pages_lead_somewhere() -> None:
    broken = [
        f"{page}: {target}"
        for page, text in texts().items()
        if page.suffix == ".md"
        for target in LINK.findall(text)
        if not (ROOT / page.parent / target).exists()
    ]

    assert broken == []


@pytest.mark.parametrize("program", ["deploy/up", "deploy/test", ".ci/run"])
def test_programs_can_be_run(program: str) -> None:
    assert (ROOT / program).stat().st_mode & stat.S_IXUSR


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "deploy" / "constraints.txt").read_text().splitlines()
    pinned = {name_of(line) for line in lines if line and not line.startswith("#")}
    asked = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]

    assert {name_of(line) for line in asked} - pinned - {"turnout"} == set()


def test_pins_record_no_addresses() -> None:
    assert "://" not in (ROOT / "deploy" / "constraints.txt").read_text()


def test_every_test_folder_is_a_package() -> None:
    folders = {path.parent for path in tracked() if path.suffix == ".py" and path.is_relative_to(ROOT / "tests")}

    assert [str(folder) for folder in folders if not (folder / "__init__.py").exists()] == []


def name_of(requirement: str) -> str:
    """Return the normalised name of what a line of requirements asks for."""
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found[0]).lower()
