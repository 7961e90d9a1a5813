"""The files that deploy with, read as the programs that they are for read them."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent.parent
DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "docker" / "Dockerfile"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
CHART = DEPLOY / "helm" / "turnout"
UNITS = DEPLOY / "systemd"

Manifest = dict[str, Any]
SECRET = {"secret": {"existing": "turnout"}}


def dockerfile() -> list[tuple[str, str]]:
    """Return the instructions of the Dockerfile: (`RUN`, its arguments on one line)."""
    lines = [line for line in DOCKERFILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    words = (line.partition(" ") for line in joined.splitlines() if line.strip())
    return [(instruction, arguments.strip()) for instruction, _, arguments in words]


def stages() -> dict[str, list[tuple[str, str]]]:
    """Return each stage's instructions, those of the stages it begins from included, by its name."""
    found: dict[str, list[tuple[str, str]]] = {}
    name = ""
    for instruction, arguments in dockerfile():
        if instruction == "FROM":
            base, _, name = arguments.partition(" AS ")
            found[name] = [*found.get(base, [])]
        elif name:
            found[name].append((instruction, arguments))
    return found


def image_environment(stage: str) -> dict[str, str]:
    """Return the environment that an image sets."""
    pairs = " ".join(arguments for instruction, arguments in stages()[stage] if instruction == "ENV").split()
    return dict(pair.split("=", 1) for pair in pairs)


def env_file(path: Path) -> dict[str, str]:
    """Return the variables of a file of NAME=value lines."""
    lines = (line.strip() for line in path.read_text().splitlines())
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?:(?P<kind>:[-?])(?P<word>[^}]*))?\}")


def compose(**environment: str) -> Manifest:
    """Return the compose file with variables filled in as Compose does, `example.env` and `environment` given."""
    given = {**env_file(COMPOSE.parent / "example.env"), **environment}

    def value(match: "re.Match[str]") -> str:
        found = given.get(match["name"], "")
        if not found and match["kind"] == ":?":
            raise KeyError(match["name"])
        return found or (match["word"] if match["kind"] == ":-" else "")

    document: Manifest = yaml.safe_load(_VARIABLE.sub(value, COMPOSE.read_text()))
    return document


def compose_filled() -> Manifest:
    """Return the compose file of somebody who chose passwords."""
    return compose(REDIS_PASSWORD="r3d1s", POSTGRES_PASSWORD="p0stgres")


@cache
def _rendered(values: str) -> dict[str, str]:
    helm = pytest.importorskip("helm_python", reason="needs helm-python-sdk")
    with helm.Chart.load(str(CHART)) as chart:
        chart.validate_schema(json.loads(values))
        rendered: dict[str, str] = chart.render(json.loads(values), name="demo", namespace="prod")
        return rendered


def notes(values: Mapping[str, Any] = SECRET) -> str:
    """Return what Helm says after an installation."""
    return _rendered(json.dumps(values))["turnout/templates/NOTES.txt"]


def manifests(values: Mapping[str, Any] = SECRET) -> list[Manifest]:
    """Return what Helm would send to the cluster."""
    files = _rendered(json.dumps(values))
    texts = [text for name, text in sorted(files.items()) if not name.endswith("NOTES.txt")]
    return [document for text in texts for document in yaml.safe_load_all(text) if document]


def manifest(kind: str, part: str, values: Mapping[str, Any] = SECRET) -> Manifest:
    """Return the one manifest of `kind` whose name ends with `part`."""
    (found,) = (it for it in manifests(values) if it["kind"] == kind and it["metadata"]["name"].endswith(part))
    return found


def pods(values: Mapping[str, Any] = SECRET) -> Iterator[Manifest]:
    """Yield the specification of every pod."""
    for it in manifests(values):
        if it["kind"] == "Pod":
            yield it["spec"]
        elif it["kind"] in ("Deployment", "StatefulSet"):
            yield it["spec"]["template"]["spec"]


def container(name: str, values: Mapping[str, Any] = SECRET) -> Manifest:
    """Return the container called `name`."""
    (found,) = (it for pod in pods(values) for it in pod["containers"] if it["name"] == name)
    return dict(found)


def container_environment(name: str, values: Mapping[str, Any] = SECRET) -> dict[str, str]:
    """Return the environment of a container; what comes from elsewhere is named `<from ...>`."""
    return {it["name"]: it.get("value", f"<from {it.get('valueFrom')}>") for it in container(name, values)["env"]}


def unit(name: str) -> dict[str, list[str]]:
    """Return the settings of a systemd unit, all values of each in order."""
    found: dict[str, list[str]] = {}
    for line in (UNITS / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found
