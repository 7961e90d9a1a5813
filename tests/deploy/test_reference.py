"""The pages that are made from the code say what the code says."""

import asyncio
import json
import re
from typing import Any

import pytest
from pydantic_settings import BaseSettings

from control.settings import ControlSettings
from deploy.reference import settings
from deploy.reference.pages import ROOT, pages
from edge.settings import EdgeSettings

PAGES = ("deploy/CONFIGURATION.md", "control/openapi.json", "control/API.md")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return asyncio.run(pages())


@pytest.fixture(scope="module")
def document(made: dict[str, str]) -> Any:
    return json.loads(made["control/openapi.json"])


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(made: dict[str, str], name: str) -> None:
    same = made[name] == (ROOT / name).read_text()

    assert same, f"{name} is not what the code says: run `python -m deploy.reference` and commit what it writes"


def test_there_are_no_other_pages(made: dict[str, str]) -> None:
    assert set(made) == set(PAGES)


@pytest.mark.parametrize("each", [EdgeSettings, ControlSettings], ids=["edge", "control"])
def test_every_setting_says_what_it_is_for(each: type[BaseSettings]) -> None:
    assert [name for name, field in each.model_fields.items() if not field.description] == []


def test_every_setting_is_on_the_page_once(made: dict[str, str]) -> None:
    tables = made["deploy/CONFIGURATION.md"].partition("## `turnout up`")[0]
    rows = re.findall(r"^\| `(TURNOUT_[A-Z_]+)`", tables, re.MULTILINE)

    assert sorted(rows) == sorted({*rows})
    assert {*rows} == {f"TURNOUT_{name.upper()}" for name in {*settings.EDGE, *settings.CONTROL}}


def test_what_up_works_out_are_settings() -> None:
    assert set(settings.UP) <= {*settings.EDGE, *settings.CONTROL}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("TURNOUT_EDGE_WORKERS", "`1` | 1 to 256"),
        ("TURNOUT_LOG_FORMAT", "`auto` | `auto`, `json`, `text`"),
        ("TURNOUT_DATA_DIR", "`~/.local/share/turnout`"),
        ("TURNOUT_ADMIN_PASSWORD", "none"),
        ("TURNOUT_REDIS_URL", "Edge: required<br>Control: `redis://127.0.0.1:6379/0`"),
    ],
)
def test_defaults_and_limits_are_written_as_in_the_environment(made: dict[str, str], row: str, says: str) -> None:
    assert re.search(rf"^\| `{row}` \| {re.escape(says)} \|", made["deploy/CONFIGURATION.md"], re.MULTILINE)


def test_every_call_is_on_the_page(made: dict[str, str], document: Any) -> None:
    calls = [
        f"`{method.upper()} {path}`"
        for path, item in document["paths"].items()
        for method in item
        if not path.startswith("/api/v1/postback/")
    ]

    assert [call for call in calls if call not in made["control/API.md"]] == []


def test_links_on_the_page_lead_to_headings(made: dict[str, str]) -> None:
    page = made["control/API.md"]
    headings = {re.sub(r"[^\w -]", "", it.lower()).replace(" ", "-") for it in re.findall(r"^#+ (.+)$", page, re.M)}

    assert set(re.findall(r"\]\(#([^)]+)\)", page)) - headings == set()


@pytest.mark.parametrize(
    ("method", "path", "role"),
    [
        ("get", "/api/v1/offers", "viewer"),
        ("put", "/api/v1/offers/{offer_id}/smart-link", "editor"),
        ("post", "/api/v1/keys", "admin"),
    ],
)
def test_the_document_names_the_role_that_a_call_needs(document: Any, method: str, path: str, role: str) -> None:
    assert document["paths"][path][method]["security"] == [{"key": [role]}, {"session": [role]}]


def test_no_call_needs_a_key_without_saying_which_role(document: Any) -> None:
    secured = [
        (path, one)
        for path, item in document["paths"].items()
        for operation in item.values()
        for requirement in operation.get("security", ())
        for one in requirement.values()
    ]

    assert [path for path, roles in secured if len(roles) != 1] == []
