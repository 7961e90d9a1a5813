"""Alerts and dashboards ask for what the apps export; each alert has a section in the runbook, and fires in time."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import deploy
from control.metrics import METRICS as CONTROL
from edge.process.metrics import METRICS as EDGE

FOLDER = Path(deploy.__file__).parent
OBSERVE = FOLDER / "observe"
ALERTS = OBSERVE / "alerts.yaml"
DASHBOARDS = sorted((OBSERVE / "grafana").glob("*.json"))
RULES = [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]
RUNBOOK = (FOLDER / "RUNBOOK.md").read_text()

LABELS = {metric.name: {metric.label} - {""} for metric in EDGE} | {
    metric.name: set(metric.labels) for metric in CONTROL
}
PROMETHEUS_LABELS = {"instance", "job", "le"}
USED = re.compile(r"(turnout_\w+)(?:\{([^}]*)\})?")


def expressions() -> Iterator[tuple[str, str]]:
    """Yield every PromQL expression and where it stands."""
    for rule in RULES:
        yield rule["alert"], rule["expr"]
    for file in DASHBOARDS:
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", []):
                yield f"{file.name}: {panel['title']}", target["expr"]


EXPRESSIONS = list(expressions())


def declared(name: str) -> str:
    """Return the metric that a sample's name belongs to."""
    family = re.sub("_(bucket|sum|count)$", "", name)
    return family if family in LABELS else name


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("needs promtool, of Debian's package prometheus")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS)
def test_only_metrics_that_are_exported_are_asked_for(where: str, expr: str) -> None:
    names = {declared(name) for name, _ in USED.findall(expr)}

    assert names - LABELS.keys() == set(), where
    assert names or expr.startswith(("up", "absent(up"))


@pytest.mark.parametrize(("where", "expr"), EXPRESSIONS)
def test_only_labels_that_metrics_have_are_asked_for(where: str, expr: str) -> None:
    for name, matchers in USED.findall(expr):
        asked = set(re.findall(r"(\w+)\s*[=!]", matchers))
        assert asked - LABELS[declared(name)] - PROMETHEUS_LABELS == set(), where
    known = PROMETHEUS_LABELS.union(*(LABELS[declared(name)] for name, _ in USED.findall(expr)))
    assert {label.strip() for by in re.findall(r"by \(([^)]*)\)", expr) for label in by.split(",")} <= known


def test_every_metric_of_the_apps_is_on_a_dashboard() -> None:
    shown = {declared(name) for where, expr in EXPRESSIONS if ".json" in where for name, _ in USED.findall(expr)}

    assert LABELS.keys() - shown == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_says_how_urgent_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")

    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["summary"]
    assert (page, anchor) == ("RUNBOOK.md", rule["alert"].lower())


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_every_alert_has_a_section_with_meaning_look_and_remedy(rule: dict[str, Any]) -> None:
    section = re.search(rf"^### {rule['alert']}\n(.*?)(?=^#|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL)

    assert section
    assert "**Means**" in section[1]
    assert re.search(r"\*\*Look\*\*.*\*\*[Dd]o\*\*", section[1], re.DOTALL)


def test_every_section_on_an_alert_is_of_one_that_exists() -> None:
    sections = re.findall(r"^### (Turnout\w+)$", RUNBOOK, re.MULTILINE)

    assert sorted(sections) == sorted(rule["alert"] for rule in RULES)


def test_links_inside_the_runbook_lead_somewhere() -> None:
    headings = re.findall(r"^#+ (.*)$", RUNBOOK, re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}

    assert set(re.findall(r"\]\(#([^)]+)\)", RUNBOOK)) - anchors == set()


def test_prometheus_accepts_the_configuration_and_the_rules() -> None:
    checked = promtool("check", "config", OBSERVE / "prometheus.yaml")

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_prometheus_understands_every_expression(tmp_path: Path) -> None:
    variables = {"$__rate_interval": "5m", "$edge": ".*"}
    rules = []
    for number, (_, expr) in enumerate(EXPRESSIONS):
        for variable, value in variables.items():
            expr = expr.replace(variable, value)
        rules.append({"record": f"expr_{number}", "expr": expr})
    file = tmp_path / "expressions.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "all", "rules": rules}]}))

    checked = promtool("check", "rules", file)

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_alerts_fire_when_they_should_and_not_before() -> None:
    tested = promtool("test", "rules", Path(__file__).parent / "alerts.test.yaml")

    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_a_dashboard_can_be_imported(file: Path) -> None:
    board = json.loads(file.read_text())
    ids = [panel["id"] for panel in board["panels"]]

    assert len(set(ids)) == len(ids)
    assert board["uid"].startswith("turnout-")
    assert board["schemaVersion"] >= 36
    for panel in board["panels"]:
        assert panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        refs = [target["refId"] for target in panel.get("targets", [])]
        assert len(set(refs)) == len(refs)


def test_dashboards_have_names_of_their_own() -> None:
    boards = [json.loads(file.read_text()) for file in DASHBOARDS]

    assert len({board["uid"] for board in boards}) == len({board["title"] for board in boards}) == len(boards) == 2


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.stem)
def test_panels_do_not_lie_on_one_another(file: Path) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(file.read_text())["panels"]:
        place = panel["gridPos"]
        squares = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not squares & taken, panel["title"]
        taken |= squares
