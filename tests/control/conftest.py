"""A control of each test's own: SQLite files, or databases of the PostgreSQL at TURNOUT_TEST_POSTGRES_URL."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from anyio.from_thread import start_blocking_portal
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from control.access.roles import Role
from control.app import close, create_app
from control.parts import Parts
from tests.control.api import TOKENS, Api, Client, fill, parts_for, settings_for
from tests.control.fakes import FakeLive

_POSTGRES = os.environ.get("TURNOUT_TEST_POSTGRES_URL", "")
_TEMPLATE = "turnout_template"


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with filled databases; under PostgreSQL the database `turnout_template` instead."""
    folder = tmp_path_factory.mktemp("template")
    if _POSTGRES:
        _administer(f"DROP DATABASE IF EXISTS {_TEMPLATE}", f"CREATE DATABASE {_TEMPLATE}")
    url = _postgres(_TEMPLATE) if _POSTGRES else f"sqlite:///{folder / 'control.db'}"

    async def make() -> None:
        parts = parts_for(settings_for(url), FakeLive())
        await fill(parts)
        await close(parts)

    asyncio.run(make())
    return folder


@pytest.fixture
def database_url(template: Path, tmp_path: Path) -> Iterator[str]:
    """A filled database of this test's own."""
    if not _POSTGRES:
        for file in template.iterdir():
            shutil.copy(file, tmp_path / file.name)
        yield f"sqlite:///{tmp_path / 'control.db'}"
        return
    name = f"turnout_test_{os.getpid()}"
    _administer(f"DROP DATABASE IF EXISTS {name}", f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    yield _postgres(name)
    _administer(f"DROP DATABASE {name} WITH (FORCE)")


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


def _postgres(name: str) -> str:
    return make_url(_POSTGRES).set(database=name).render_as_string(hide_password=False)


def _administer(*statements: str) -> None:
    async def execute() -> None:
        url = make_url(_POSTGRES).set(drivername="postgresql+asyncpg")
        engine = create_async_engine(url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await engine.dispose()

    asyncio.run(execute())
