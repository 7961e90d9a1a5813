"""The export scripts in the migration guides, run against servers that answer as Shlink and Kutt document."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploy.shorteners import moving
from deploy.shorteners.reading import entries_in
from tests.deploy.files import DEPLOY
from tests.servers import Site

FILES = Path(__file__).parent.parent / "data" / "shorteners"


def script_in(guide: str) -> str:
    """Return the Python in a guide."""
    (found,) = re.findall(r"```python\n(.*?)```", (DEPLOY / guide).read_text(), re.DOTALL)
    return str(found)


def run(guide: str, folder: Path, **environment: str) -> list[Any]:
    """Return what importing finds in what the script of a guide writes."""
    told = subprocess.run(
        [sys.executable, "-I", "-c", script_in(guide)], env=environment, capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stderr
    (folder / "out.jsonl").write_text(told.stdout)
    return entries_in(folder / "out.jsonl")


def answers(site: Site, path: str, answer: Any) -> None:
    site.pages[path] = (200, {"Content-Type": "application/json"}, json.dumps(answer).encode())


def test_shlinks_short_urls_come_with_their_rules(site: Site, tmp_path: Path) -> None:
    wanted = json.loads((FILES / "shlink.json").read_text())["shortUrls"]["data"]
    rules = {it["shortCode"]: it.pop("redirectRules") for it in wanted if "redirectRules" in it}
    pages = [wanted[:2], wanted[2:]]
    for number, page in enumerate(pages, 1):
        answer = {"shortUrls": {"data": page, "pagination": {"currentPage": number, "pagesCount": 2}}}
        answers(site, f"/rest/v3/short-urls?page={number}&itemsPerPage=100", answer)
    answers(site, "/rest/v3/short-urls/app/redirect-rules?", rules["app"])

    entries = run("MIGRATE-SHLINK.md", tmp_path, SHLINK_URL=site.url, SHLINK_API_KEY="key")

    assert entries == json.loads((FILES / "shlink.json").read_text())["shortUrls"]["data"]
    assert moving.read("shlink", entries, datetime.now(UTC)).faults == []


def test_kutts_links_come_page_by_page(site: Site, tmp_path: Path) -> None:
    wanted = json.loads((FILES / "kutt.json").read_text())["data"]
    many = [{**wanted[0], "address": f"a{number}"} for number in range(60)]
    for skip in (0, 50):
        answer = {"total": 60, "limit": 50, "skip": skip, "data": many[skip : skip + 50]}
        answers(site, f"/api/v2/links?all=true&limit=50&skip={skip}", answer)

    entries = run("MIGRATE-KUTT.md", tmp_path, KUTT_URL=site.url, KUTT_API_KEY="key")

    assert entries == many


@pytest.mark.parametrize(
    ("guide", "source", "words"),
    [
        ("MIGRATE-SHLINK.md", "shlink", ["forwardQuery", "validUntil", "maxVisits", "crawlable", "tags"]),
        ("MIGRATE-KUTT.md", "kutt", ["expire_in", "banned", "password", "description"]),
    ],
)
def test_a_guide_says_what_becomes_of_what(guide: str, source: str, words: list[str]) -> None:
    page = (DEPLOY / guide).read_text()

    assert f"turnout import --from {source} --plan" in page
    assert [word for word in words if word not in page] == []
