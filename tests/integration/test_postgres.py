"""The API's own tests over PostgreSQL: what holds on SQLite holds there."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postgres import Postgres

_ROOT = Path(__file__).parents[2]
_HANG_S = 1800
_OPTIONS = ("-q", "-p", "no:cacheprovider", "-n", "2")
_PLUGINS = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": "xdist.plugin"}
"""The others take seconds to load, in each of three processes."""

SUITES = (
    "test_foundations.py",
    "test_offers.py",
    "test_smart_links.py",
    "test_links.py",
    "test_partners_and_coupons.py",
    "test_conversions.py",
    "test_conversions_refunds.py",
    "test_conversions_settling.py",
    "test_conversions_sums.py",
    "test_postbacks.py",
    "test_analytics.py::test_any_grouping_sums_to_the_same_totals_and_to_the_clicks",
    "test_analytics.py::test_closed_days_are_counted_without_reading_clicks_until_a_late_one_opens_them",
    "test_analytics.py::test_what_rollups_lack_is_filtered_by_partner_and_kind_too",
    "test_analytics.py::test_an_export_agrees_with_the_answer",
    "test_ingest.py",
    "test_metrics.py",
    "test_saved_tests.py",
    "test_domains.py",
    "test_access.py",
    "test_configuration.py",
    "test_publishing_outbox.py",
    "../integration/test_publishing.py",
    "../integration/test_acks.py",
)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this test's own."""
    server = Postgres()
    try:
        yield server.create().url
    finally:
        server.remove()


def test_the_api_behaves_alike_on_postgresql(postgres_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", *_OPTIONS, *(f"tests/control/{name}" for name in SUITES)],
        cwd=_ROOT,
        env={**os.environ, **_PLUGINS, "TURNOUT_TEST_POSTGRES_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=_HANG_S,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-8000:]
    assert " passed" in ended.stdout
