"""A control of each test's own: SQLite files, or databases of the PostgreSQL at TURNOUT_TEST_POSTGRES_URL."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal

from control.access.roles import Role
from control.app import close, create_app
from control.parts import Parts
from tests.control import postgres
from tests.control.api import TOKENS, Api, Client, fill, parts_for, settings_for
from tests.control.browser import Browser
from tests.control.fakes import FakeLive
from tests.control.postgres import PostgresDatabase


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path | PostgresDatabase]:
    """Filled databases: a folder of files to copy, or what is put back before each test."""
    folder = tmp_path_factory.mktemp("filled")
    if not postgres.URL:
        _fill(f"sqlite:///{folder / 'control.db'}")
        yield folder
        return
    database = PostgresDatabase()
    database.create()
    _fill(database.url)
    database.keep()
    yield database
    database.drop()


@pytest.fixture
def database_url(filled: Path | PostgresDatabase, tmp_path: Path) -> str:
    """A filled database of this test's own."""
    if isinstance(filled, PostgresDatabase):
        filled.put_back()
        return filled.url
    for file in filled.iterdir():
        shutil.copy(file, tmp_path / file.name)
    return f"sqlite:///{tmp_path / 'control.db'}"


@pytest.fixture
def live() -> FakeLive:
    """What tells the edges."""
    return FakeLive()


@pytest.fixture
def parts(database_url: str, live: FakeLive) -> Parts:
    """The parts under test; connections belong to the client's event loop."""
    return parts_for(settings_for(database_url), live)


@pytest.fixture
def client(parts: Parts) -> Iterator[Client]:
    """A browser without cookies or key."""
    with running(parts) as client:
        yield client


@contextmanager
def running(parts: Parts) -> Iterator[Client]:
    """The app over `parts`."""
    app = create_app(parts)
    with start_blocking_portal() as portal:
        with portal.wrap_async_context_manager(app.router.lifespan_context(app)):
            client = Client(app, portal)
            yield client
            client.close()
        portal.call(close, parts)  # after what runs beside requests has ended, as in `control.__main__`


@pytest.fixture
def api(client: Client) -> Api:
    """An admin's key."""
    return Api(client, TOKENS[Role.ADMIN])


@pytest.fixture
def editor(client: Client) -> Api:
    """An editor's key."""
    return Api(client, TOKENS[Role.EDITOR])


@pytest.fixture
def viewer(client: Client) -> Api:
    """A viewer's key."""
    return Api(client, TOKENS[Role.VIEWER])


@pytest.fixture
def stranger(client: Client) -> Api:
    """Nobody's key."""
    return Api(client)


@pytest.fixture
def person(client: Client) -> Browser:
    """An admin who is logged in."""
    browser = Browser(client)
    browser.log_in()
    return browser


def _fill(url: str) -> None:
    async def make() -> None:
        parts = parts_for(settings_for(url), FakeLive())
        await fill(parts)
        await close(parts)

    asyncio.run(make())
