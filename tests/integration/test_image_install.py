"""The images' own commands, taken from the Dockerfile and run in a clean folder; what they install then runs."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.deploy.files import DEPLOY, ROOT, dockerfile, image_environment, stages
from tests.servers import RedisServer, free_port

HANG_S = 600.0
_NEVER = shutil.ignore_patterns("__pycache__", "*.egg-info")


class Image:
    """A folder in place of an image's `/`, in which its build runs."""

    def __init__(self, stage: str, root: Path) -> None:
        self.stage = stage
        self.root = root
        self.python = root / "opt" / "turnout" / "bin" / "python"
        self.tools = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def build(self) -> "Image":
        """Copy what the Dockerfile copies, set what it sets, and run what it runs."""
        environment: dict[str, str] = {}
        for instruction, arguments in stages()[f"{self.stage}-packages"]:
            if instruction == "ENV":
                environment |= {k: self.moved(v) for k, v in (pair.split("=", 1) for pair in arguments.split())}
            elif instruction == "COPY":
                self._copy(arguments.split())
            elif instruction == "RUN":
                self._run(self.moved(arguments), environment)
        return self

    def moved(self, text: str) -> str:
        """Return a command or a path with the image's folders in this one."""
        return text.replace("/src", f"{self.root}/src").replace("/opt/turnout", f"{self.root}/opt/turnout")

    def _copy(self, words: list[str]) -> None:
        *sources, target = words
        for source in sources:
            place = self.root / "src" / (source if target == "./" else target)
            place.parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / source).is_dir():
                shutil.copytree(ROOT / source, place, ignore=_NEVER)
            else:
                shutil.copy(ROOT / source, place)

    def _run(self, command: str, environment: Mapping[str, str]) -> None:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_CONSTRAINT", "PYTHON"))}
        told = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=self.root / "src",
            env=kept | self.tools | environment,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert told.returncode == 0, told.stdout[-3000:] + told.stderr[-3000:]

    def environment(self, data: Path, **settings: str) -> dict[str, str]:
        """Return what a container of this image has for environment, on ports of its own."""
        own = {"TURNOUT_DATA_DIR": str(data), "TURNOUT_HOST": "127.0.0.1", "HOME": str(data)}
        path = f"{self.python.parent}:/usr/bin:/bin"
        return image_environment(self.stage) | own | settings | {"PATH": path}

    def start(self, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        """Start what the image starts."""
        words = {name: arguments for name, arguments in stages()[self.stage] if name in ("ENTRYPOINT", "CMD")}
        command = [word for name in ("ENTRYPOINT", "CMD") for word in json.loads(words.get(name, "[]"))]
        program = str(self.python.parent / command[0])
        return subprocess.Popen([program, *command[1:]], env=dict(environment), cwd=environment["TURNOUT_DATA_DIR"])

    def is_healthy(self, environment: Mapping[str, str]) -> bool:
        """Ask as the image's HEALTHCHECK does."""
        script = DEPLOY / "docker" / "healthcheck.py"
        return (
            subprocess.run([self.python, "-I", script, self.stage], env=dict(environment), check=False).returncode == 0
        )

    def has(self, module: str) -> bool:
        """Tell whether a module can be imported."""
        return subprocess.run([self.python, "-I", "-c", f"import {module}"], capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    yield from built("edge", tmp_path_factory)


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    yield from built("control", tmp_path_factory)


def built(stage: str, factory: pytest.TempPathFactory) -> Iterator[Image]:
    root = factory.mktemp(stage)
    yield Image(stage, root).build()
    shutil.rmtree(root)


def test_an_edge_starts_from_its_image(edge: Image, data_dir: Path, redis_server: RedisServer) -> None:
    ports = {"TURNOUT_EDGE_PORT": str(free_port()), "TURNOUT_EDGE_ADMIN_PORT": str(free_port())}
    environment = edge.environment(data_dir, TURNOUT_REDIS_URL=redis_server.url, **ports)

    lives_until_told(edge, environment)


def test_control_starts_from_its_image(control: Image, data_dir: Path, redis_server: RedisServer) -> None:
    environment = control.environment(
        data_dir, TURNOUT_REDIS_URL=redis_server.url, TURNOUT_CONTROL_PORT=str(free_port())
    )

    lives_until_told(control, environment)


def lives_until_told(image: Image, environment: Mapping[str, str]) -> None:
    process = image.start(environment)
    try:
        deadline = time.monotonic() + 60
        while not image.is_healthy(environment):
            assert process.poll() is None, "it ended by itself"
            assert time.monotonic() < deadline, "it never became healthy"
    finally:
        process.terminate()
    assert process.wait(60) == 0


def test_an_edges_image_has_nothing_of_control_s(edge: Image) -> None:
    assert edge.has("edge.app")
    assert [module for module in ("sqlalchemy", "fastapi", "jinja2", "typer") if edge.has(module)] == []


def test_no_image_has_packages_for_development(edge: Image, control: Image) -> None:
    for image in (edge, control):
        assert [module for module in ("pytest", "mypy", "locust", "pip") if image.has(module)] == []


@pytest.mark.parametrize(
    "arguments",
    [("doctor", "--help"), ("geo", "info"), ("import", "--help"), ("version",)],
    ids=" ".join,
)
def test_the_command_line_is_in_controls_image(control: Image, data_dir: Path, arguments: tuple[str, ...]) -> None:
    command = [control.python.parent / "turnout", *arguments]
    told = subprocess.run(command, env=control.environment(data_dir), capture_output=True, text=True, check=False)

    assert (told.returncode, told.stderr) == (0, "")


def test_every_step_of_the_build_was_run() -> None:
    runs = [arguments for instruction, arguments in dockerfile() if instruction == "RUN"]
    seen = [
        arguments for stage in ("edge", "control") for it, arguments in stages()[f"{stage}-packages"] if it == "RUN"
    ]

    assert [arguments for arguments in runs if arguments not in seen and "useradd" not in arguments] == []
