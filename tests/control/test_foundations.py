"""What the nouns stand on: the two databases, migrations, settings, the first start, limits, health."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from inspect import iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from control.access.first_start import ensure_access, ignored_settings
from control.access.models import KeyRow
from control.access.roles import Role
from control.app import close, create_app, prepare
from control.db import Database, UnusableDatabase
from control.fields import SmallJson
from control.ids import new_id, new_secret, new_slug
from control.migrations.upgrade import METADATA, upgrade
from control.parts import Parts
from control.settings import ControlSettings
from shared.key import is_slug
from tests.control.api import TOKENS, Api, Client, errors_of, settings_for
from tests.control.conftest import running


def run(database_url: str, scenario: Callable[[Database], Awaitable[Any]]) -> Any:
    async def inside() -> Any:
        db = Database.open(database_url)
        try:
            return await scenario(db)
        finally:
            await db.close()

    return asyncio.run(inside())


async def count(db: Database) -> int:
    async with db.read() as session:
        return await session.scalar(text("SELECT count(*) FROM api_keys")) or 0


def key(number: int) -> KeyRow:
    return KeyRow(id=f"k{number}", name="x", role="viewer", digest=str(number), hint="", created_at=0)


def test_writers_take_turns_so_that_what_each_read_is_still_true(database_url: str) -> None:
    async def write(db: Database) -> None:
        async with db.write() as session:
            number = await session.scalar(text("SELECT count(*) FROM api_keys"))
            await asyncio.sleep(0)
            session.add(key(number or 0))

    async def scenario(db: Database) -> int:
        before = await count(db)
        await asyncio.gather(*(write(db) for _ in range(20)))
        return await count(db) - before

    assert run(database_url, scenario) == 20


def test_two_processes_writers_take_turns_too(database_url: str) -> None:
    async def scenario(db: Database) -> int:
        other = Database.open(database_url)
        before = await count(db)

        async def write(through: Database) -> None:
            async with through.write() as session:
                number = await session.scalar(text("SELECT count(*) FROM api_keys"))
                await asyncio.sleep(0.001)
                session.add(key(number or 0))

        await asyncio.gather(*(write(through) for _ in range(10) for through in (db, other)))
        await other.close()
        return await count(db) - before

    assert run(database_url, scenario) == 20


def test_a_reader_sees_one_moment(database_url: str) -> None:
    async def scenario(db: Database) -> tuple[Any, Any]:
        async with db.read() as session:
            first = await session.scalar(text("SELECT count(*) FROM api_keys"))
            async with db.write() as writing:
                writing.add(key(99))
            return first, await session.scalar(text("SELECT count(*) FROM api_keys"))

    first, second = run(database_url, scenario)
    assert first == second


def test_a_write_that_fails_leaves_nothing(database_url: str) -> None:
    async def scenario(db: Database) -> int:
        before = await count(db)
        with pytest.raises(InterruptedError):
            await fail(db)
        return await count(db) - before

    async def fail(db: Database) -> None:
        async with db.write() as session:
            session.add(key(1))
            await session.flush()
            raise InterruptedError

    assert run(database_url, scenario) == 0


def test_sqlite_commits_survive_power_loss(tmp_path: Path) -> None:
    async def scenario(db: Database) -> tuple[Any, ...]:
        async with db.write() as session:
            return tuple(
                [
                    await session.scalar(text(f"PRAGMA {name}"))
                    for name in ("journal_mode", "synchronous", "foreign_keys")
                ]
            )

    assert run(f"sqlite:///{tmp_path / 'x.db'}", scenario) == ("wal", 2, 1)


@pytest.mark.parametrize(
    "url", ["nonsense", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "sqlite:////proc/no/such/x.db", ""]
)
def test_a_database_that_cannot_be_is_refused_in_one_sentence(url: str) -> None:
    with pytest.raises(UnusableDatabase) as caught:
        Database.open(url)

    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["config", "clicks"])
def test_migrations_make_exactly_the_tables_of_the_models(parts: Parts, name: str) -> None:
    def differences(connection: Connection) -> list[Any]:
        def ours(_object: Any, table: str | None, kind: str, *_: Any) -> bool:
            return kind != "table" or table in METADATA[name].tables

        context = MigrationContext.configure(connection, opts={"include_object": ours})
        return list(compare_metadata(context, METADATA[name]))

    async def compare() -> list[Any]:
        db = parts.db if name == "config" else parts.clicks_db
        async with db.write() as session:
            found: list[Any] = await (await session.connection()).run_sync(differences)
        await close(parts)
        return found

    assert asyncio.run(compare()) == []


@pytest.mark.parametrize("name", ["config", "clicks"])
def test_a_database_of_a_later_release_is_taken_as_it_is(tmp_path: Path, name: str) -> None:
    version = f"schema_version_{name}"

    async def scenario(db: Database) -> Any:
        await upgrade(db, name)
        async with db.write() as session:
            await session.execute(text(f"UPDATE {version} SET version_num = '9999'"))
        await upgrade(db, name)
        async with db.read() as session:
            return await session.scalar(text(f"SELECT version_num FROM {version}"))

    assert run(f"sqlite:///{tmp_path / 'later.db'}", scenario) == "9999"


def test_two_controls_may_start_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'control.db'}"

    async def start() -> Any:
        db = Database.open(url)
        await upgrade(db, "config")
        made = await ensure_access(db, settings_for(url))
        await db.close()
        return made

    async def both() -> list[Any]:
        return await asyncio.gather(start(), start(), start())

    made = asyncio.run(both())

    assert len([access for access in made if access is not None]) == 1


def test_the_first_start_takes_key_and_password_from_the_settings(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'control.db'}"

    async def scenario(db: Database) -> tuple[Any, ...]:
        await upgrade(db, "config")
        given = settings_for(url, bootstrap_api_key="tn_given", admin_password="given password")
        made = await ensure_access(db, given)
        again = await ensure_access(db, given)
        later = settings_for(url, bootstrap_api_key="tn_other")
        return made, again, await ignored_settings(db, given), await ignored_settings(db, later)

    made, again, quiet, loud = run(url, scenario)
    assert (made.api_key, made.password) == ("", "")
    assert again is None
    assert quiet is None
    assert "TURNOUT_BOOTSTRAP_API_KEY is ignored" in loud


def test_preparing_twice_changes_nothing(parts: Parts) -> None:
    async def sequence() -> Any:
        async with parts.db.read() as session:
            return await session.scalar(text("SELECT max(sequence) FROM publishing_lineage"))

    async def scenario() -> tuple[Any, Any]:
        before = await sequence()
        await prepare(parts)
        after = await sequence()
        await close(parts)
        return before, after

    before, after = asyncio.run(scenario())
    assert before == after


def test_names_are_what_urls_and_events_can_carry() -> None:
    assert all(is_slug(new_slug()) for _ in range(100))
    assert len({new_id("o") for _ in range(1000)}) == 1000
    assert len(new_secret("tn")) == 35


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"app_schemes": "market,javascript"}, "javascript"),
        ({"app_schemes": "no scheme"}, "no scheme"),
        ({"trusted_proxies": "10.0.0.0/33"}, "10.0.0.0/33"),
        ({"public_url": "go.example.com"}, "public URL"),
        ({"control_port": "70000"}, "65535"),
    ],
)
def test_settings_that_cannot_be_are_refused_at_start(fields: dict[str, str], word: str) -> None:
    with pytest.raises(ValidationError, match=word):
        ControlSettings(**fields)


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TURNOUT_APP_SCHEMES", "Market, itms-apps:")
    monkeypatch.setenv("TURNOUT_PUBLIC_URL", "")
    monkeypatch.setenv("TURNOUT_HOST", "0.0.0.0")
    monkeypatch.setenv("TURNOUT_EDGE_PORT", "9090")
    monkeypatch.setenv("TURNOUT_DATABASE_URL", "sqlite:////data/control.db")

    settings = ControlSettings()

    assert settings.app_schemes == ("market", "itms-apps")
    assert settings.links_base == "http://127.0.0.1:9090"
    assert settings.clicks_database == "sqlite:////data/control-clicks.db"


def test_health_is_told_without_a_key(client: Client) -> None:
    assert client.request("GET", "/livez").json() == {"status": "ok"}
    assert client.request("GET", "/readyz").json() == {"status": "ready", "database": "ok", "redis": "ok"}
    assert "turnout_control_publish_behind 0.0" in client.request("GET", "/metrics").text


@pytest.mark.parametrize(
    ("value", "is_small"),
    [
        pytest.param("x" * 65_527, True, id="all there may be"),
        pytest.param("x" * 65_528, False, id="one more"),
        pytest.param("é" * 10_921, True, id="six characters each"),
        pytest.param("é" * 10_922, False, id="six characters each, one more"),
        pytest.param("😀" * 5_461, False, id="twelve characters each"),
        pytest.param([1] * 21_842, True, id="blanks"),
        pytest.param([1] * 21_844, False, id="blanks, two more"),
        pytest.param(2**70, True, id="a number of many digits"),
    ],
)
def test_json_is_small_by_what_it_is_written_out_as(value: Any, is_small: bool) -> None:
    small = TypeAdapter(SmallJson)
    if is_small:
        assert small.validate_python({"a": value}) == {"a": value}
    else:
        with pytest.raises(ValidationError, match="this is too large"):
            small.validate_python({"a": value})


def test_a_body_has_a_size_that_it_says_or_not(api: Api) -> None:
    large = b'{"name":"' + b"x" * (1024 * 1024) + b'"}'

    async def unannounced() -> Any:
        for start in range(0, len(large), 65536):
            yield large[start : start + 65536]

    for content in (large, unannounced()):
        response = api.call("POST", "/partners", content=content, headers={"Content-Type": "application/json"})
        assert response.status_code == 413
        assert response.json()["code"] == "too_large"


@pytest.mark.parametrize(
    ("body", "media_type", "code"),
    [
        (b'{"name"', "application/json", "malformed_json"),
        (b"[]", "application/json", "not_an_object"),
        (b"null", "application/json", "not_an_object"),
        (b"name=x&slug=y", "application/x-www-form-urlencoded", "not_an_object"),
        (b'{"name": "x", "slug": "\\ud800"}', "application/json", "string_unicode"),
        (b"\xff\xfe", "application/json", "malformed_json"),
    ],
)
def test_a_body_that_means_nothing_is_422(api: Api, body: bytes, media_type: str, code: str) -> None:
    response = api.call("POST", "/partners", content=body, headers={"Content-Type": media_type})

    assert response.status_code == 422
    assert [found for _, found in errors_of(response)] == [code]


def test_a_body_nested_deeper_than_any_reader_goes_is_400(api: Api) -> None:
    response = api.call("POST", "/partners", content=b"[" * 100_000, headers={"Content-Type": "application/json"})

    assert (response.status_code, errors_of(response)) == (400, [])


@pytest.mark.parametrize("depth", [100, 500, 900, 960, 980, 990])
def test_conditions_nested_deeply_are_refused_at_any_depth(api: Api, depth: int) -> None:
    when = b'{"country":' + b"[" * depth + b"]" * depth + b"}"
    body = b'{"rules":[{"destination_url":"https://a.test","when":' + when + b"}]}"
    headers = {"Content-Type": "application/json"}

    response = api.call("PUT", f"/offers/{api.offer()['id']}/smart-link", content=body, headers=headers)

    assert response.status_code in (400, 422)


@pytest.mark.parametrize(
    "query", [{"code": "a\0"}, {"action": "a\0"}, {"host": "a\0"}, {"slug": "a\0"}, {"offer_id": "a\0"}]
)
def test_no_filter_takes_a_zero_byte(api: Api, query: dict[str, str]) -> None:
    path = {"code": "/coupons", "action": "/audit", "host": "/domains"}.get(*query, "/links")

    assert api.get(path, params=query).status_code == 422


@pytest.mark.parametrize("path", ["/offers/" + "x" * 65, "/offers/%00", "/offers/a%20b", "/links/%F0%9F%98%80"])
def test_an_id_that_cannot_be_one_is_422(api: Api, path: str) -> None:
    assert api.get(path).status_code == 422


def test_what_is_not_there_and_methods_that_are_not_are_problems(client: Client) -> None:
    missing = client.request("GET", "/api/v1/nothing")
    method = client.request("PUT", "/api/v1/offers")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.headers["Allow"] == "GET, POST"


def test_every_json_body_in_openapi_has_an_example(client: Client) -> None:
    document = client.request("GET", "/openapi.json").json()
    schemas = document["components"]["schemas"]
    bodies = {
        content["schema"].get("$ref", "").rpartition("/")[2]
        for item in document["paths"].values()
        for operation in item.values()
        for content in [operation.get("requestBody", {}).get("content", {}).get("application/json")]
        if content
    } - {""}

    assert {"OfferIn", "SmartLinkIn", "LinkIn", "TestIn"} <= bodies
    without = {name for name in bodies if not is_shown(schemas[name])}
    assert without == set()


def is_shown(schema: dict[str, Any]) -> bool:
    """Whether a body has an example, or its fields that matter have."""
    if "examples" in schema:
        return True
    wanted = schema.get("required") or list(schema["properties"])
    return any("examples" in schema["properties"][name] for name in wanted)


def test_every_answer_of_the_api_is_private_and_what_it_says(api: Api) -> None:
    for response in (api.get("/offers"), api.get("/offers/o_none"), Api(api.client).get("/me")):
        assert response.headers["Cache-Control"] == "no-store"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_no_call_waits_for_a_thread_of_the_pool(parts: Parts) -> None:
    def called(dependant: Dependant) -> Iterator[Any]:
        yield dependant.call
        for each in dependant.dependencies:
            yield from called(each)

    routes = [context.route for context in iter_route_contexts(create_app(parts).routes)]
    calls = {call for route in routes if isinstance(route, APIRoute) for call in called(route.dependant)}

    waiting = {call for call in calls if not iscoroutinefunction(call) and not iscoroutinefunction(call.__call__)}
    assert len(calls) > 100
    assert waiting == set()


class BrokenDatabase:
    """A database that does not answer, or has a fault."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def read(self) -> Any:
        raise self._error

    glance = read

    async def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (OperationalError("SELECT", {}, Exception("gone")), 503, "database_unavailable"),
        (ConnectionRefusedError(), 503, "database_unavailable"),
        (AssertionError("impossible"), 500, "internal"),
    ],
)
def test_a_database_that_fails_is_told_from_a_fault_of_ours(
    parts: Parts, error: Exception, status: int, code: str
) -> None:
    broken = dataclasses.replace(parts, db=BrokenDatabase(error))  # type: ignore[arg-type]
    with running(broken) as client:
        response = Api(client, TOKENS[Role.ADMIN]).get("/offers")

    assert (response.status_code, response.json()["code"]) == (status, code)
    assert "gone" not in response.text
    assert "impossible" not in response.text
