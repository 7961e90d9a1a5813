"""What every test may ask for, and `--fail-on-skip`, with which CI makes sure that nothing was left out."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings

from tests.servers import RedisServer, Site, let_children_heed_signals

_BROWSER = Path(__file__).parent / "browser"

_LONGEST = ("postgres", "up", "drills", "image_install", "schemathesis", "install", "click_pipeline", "auditor")
_LONGEST += ("control_api", "edge_process", "canary", "accessibility", "hostile_text", "smart_link", "saved_visitors")
"""Files that take a minute and more: begun last, they would keep one process busy and the others idle."""

settings.register_profile("turnout", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("turnout")  # which judges no example by the clock: how long one takes is up to the neighbours

LEFT_OUT = 10
"""The exit code where something was skipped that must not be: none of pytest's own, for no second try mends it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fail-on-skip", action="store_true", help="fail when a test was skipped")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest first, and the browser's last: Playwright leaves an event loop running that suffers no other."""
    places = {f"test_{name}.py": place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: (item.path.is_relative_to(_BROWSER), places.get(item.path.name, len(places))))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    decent = session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED)
    if session.config.getoption("--fail-on-skip") and _skipped(session.config) and decent:
        session.exitstatus = LEFT_OUT


def pytest_terminal_summary(terminalreporter: TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("--fail-on-skip") and (number := _skipped(config)):
        terminalreporter.write_sep("!", f"{number} skipped, and --fail-on-skip was given", red=True)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0


@pytest.fixture(scope="session", autouse=True)
def _children_heed_signals() -> None:
    let_children_heed_signals()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of this test's own."""
    server = RedisServer(tmp_path / "redis")
    server.start()
    yield server
    server.kill()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data folder."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server of this test's own."""
    with Site() as site:
        yield site
