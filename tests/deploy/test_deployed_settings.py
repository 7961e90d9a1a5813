"""What images, Compose, Helm and systemd set is what the code reads, and would be taken."""

from collections.abc import Callable, Mapping

import pytest
from pydantic_settings import BaseSettings

from control.settings import ControlSettings
from edge.settings import EdgeSettings
from tests.deploy.files import (
    UNITS,
    compose_filled,
    container_environment,
    env_file,
    image_environment,
    unit,
)
from tests.deploy.test_chart import EVERYTHING, LEAST

PREFIX = "TURNOUT_"
Environment = Mapping[str, str]


def of_service(name: str) -> dict[str, str]:
    service = compose_filled()["services"][name]
    given = {name: str(value or "") for name, value in service["environment"].items()}  # unset is empty, not null
    return image_environment(service["build"]["target"]) | given


def of_unit(part: str) -> dict[str, str]:
    lines = unit(f"turnout-{part}.service")["Environment"]
    return dict(line.split("=", 1) for line in lines) | env_file(UNITS / f"{part}.env")


def of_pod(part: str, values: dict[str, object]) -> dict[str, str]:
    secrets = {
        "TURNOUT_REDIS_URL": "redis://rules",
        "TURNOUT_CLICKS_REDIS_URL": "redis://clicks",
        "TURNOUT_DATABASE_URL": "postgresql://db/turnout",
    }
    given = container_environment(part, values)
    filled = {name: secrets.get(name, value) if value.startswith("<") else value for name, value in given.items()}
    return image_environment(part) | filled | {"TURNOUT_EDGE_NAME": "demo-turnout-edge-0"}


EDGES: dict[str, Callable[[], Environment]] = {
    "image": lambda: image_environment("edge") | {"TURNOUT_REDIS_URL": "redis://rules"},
    "compose edge-1": lambda: of_service("edge-1"),
    "compose edge-2": lambda: of_service("edge-2"),
    "systemd": lambda: of_unit("edge"),
    "helm": lambda: of_pod("edge", EVERYTHING),
    "helm, least": lambda: of_pod("edge", LEAST),
}
CONTROLS: dict[str, Callable[[], Environment]] = {
    "image": lambda: image_environment("control"),
    "compose": lambda: of_service("control"),
    "systemd": lambda: of_unit("control"),
    "helm": lambda: {name: value for name, value in of_pod("control", EVERYTHING).items() if "EDGE_NAME" not in name},
}
ALL = [(EdgeSettings, f"edge, {name}", read) for name, read in EDGES.items()]
ALL += [(ControlSettings, f"control, {name}", read) for name, read in CONTROLS.items()]  # type: ignore[list-item]
EVERY_PLACE = pytest.mark.parametrize(
    ("settings", "read"), [(settings, read) for settings, _, read in ALL], ids=[name for _, name, _ in ALL]
)
NEEDED_BY_EDGES = {"REDIS_URL", "CLICKS_REDIS_URL", "DATA_DIR", "HOST", "TRUSTED_PROXIES", "DRAIN_SECONDS"}
NEEDED_BY_CONTROL = {"REDIS_URL", "CLICKS_REDIS_URL", "DATABASE_URL", "PUBLIC_URL", "TRUSTED_PROXIES", "HOST"}


def set_by(environment: Environment) -> dict[str, str]:
    """Return what is set, by the names of the fields."""
    return {name.removeprefix(PREFIX).lower(): value for name, value in environment.items() if name.startswith(PREFIX)}


@EVERY_PLACE
def test_every_setting_that_is_set_is_read(settings: type[BaseSettings], read: Callable[[], Environment]) -> None:
    assert set(set_by(read())) - set(settings.model_fields) == set()


@EVERY_PLACE
def test_what_is_set_is_taken(settings: type[BaseSettings], read: Callable[[], Environment]) -> None:
    settings(**{name: value for name, value in set_by(read()).items() if value and not value.startswith("<")})


@pytest.mark.parametrize("place", [name for name in EDGES if name != "image"])
def test_an_edge_is_told_what_it_must_know(place: str) -> None:
    assert {f"{PREFIX}{name}" for name in NEEDED_BY_EDGES} - set(EDGES[place]()) == set()


@pytest.mark.parametrize("place", ["compose edge-1", "compose edge-2", "helm", "helm, least"])
def test_an_edge_may_be_told_of_a_replica_nearer_by(place: str) -> None:
    assert "TURNOUT_REDIS_REPLICA_URL" in EDGES[place]()


@pytest.mark.parametrize("place", [name for name in CONTROLS if name != "image"])
def test_control_is_told_what_it_must_know(place: str) -> None:
    assert {f"{PREFIX}{name}" for name in NEEDED_BY_CONTROL} - set(CONTROLS[place]()) == set()


@pytest.mark.parametrize("place", EDGES)
def test_ports_are_those_that_are_checked_and_reached(place: str) -> None:
    environment = EDGES[place]()

    assert environment.get("TURNOUT_EDGE_PORT", "8080") == "8080"
    assert environment.get("TURNOUT_EDGE_ADMIN_PORT", "8082") == "8082"
