"""The doctor looks at one thing after another, and a check that fails does not keep it from the next."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from deploy.doctor import Finding, Level, examine
from tests.certificates import issue
from tests.sentinel import SentinelGroup
from tests.servers import RedisServer, free_port


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("TURNOUT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(data_dir))
    for name in ("TURNOUT_EDGE_PORT", "TURNOUT_CONTROL_PORT", "TURNOUT_EDGE_ADMIN_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    return monkeypatch


@pytest.fixture
def evicting_redis(tmp_path: Path) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path / "redis", "--maxmemory-policy", "allkeys-lru").start()
    yield server
    server.kill()


def findings() -> dict[str, Finding]:
    return {finding.subject: finding for finding in examine()}


def test_nothing_is_bad_on_a_machine_that_can_run_turnout() -> None:
    assert [finding for finding in examine() if finding.level is Level.BAD] == []


def test_what_is_wrong_comes_with_advice(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_REDIS_URL", "redis://127.0.0.1:1")

    wrong = [finding for finding in examine() if finding.level is Level.BAD]

    assert [finding.subject for finding in wrong] == ["Redis for rules"]
    assert all(finding.advice for finding in wrong)


def test_a_setting_at_fault_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_EDGE_PORT", "eighty")

    assert "TURNOUT_EDGE_PORT" in findings()["settings"].found


def test_a_redis_is_found_by_tls_and_by_sentinel(environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    group = SentinelGroup(tmp_path / "rules").start()
    clicks = RedisServer(tmp_path / "clicks", certificate=issue(tmp_path / "tls"), password="secret").start()
    environment.setenv("TURNOUT_REDIS_URL", group.url)
    environment.setenv("TURNOUT_CLICKS_REDIS_URL", clicks.url)

    found = findings()

    group.kill()
    clicks.kill()
    assert found["Redis for rules"].level is Level.OK
    assert found["Redis for clicks"].level is Level.NOTE  # it keeps nothing on disk
    assert "secret" not in found["Redis for clicks"].found


def test_a_redis_that_evicts_is_bad(environment: pytest.MonkeyPatch, evicting_redis: RedisServer) -> None:
    environment.setenv("TURNOUT_REDIS_URL", evicting_redis.url)

    found = findings()["Redis for rules"]

    assert found.level is Level.BAD
    assert "noeviction" in found.advice


def test_a_clicks_redis_that_forgets_is_worth_a_note(
    environment: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    environment.setenv("TURNOUT_REDIS_URL", redis_server.url)
    environment.setenv("TURNOUT_CLICKS_REDIS_URL", redis_server.url.replace("/0", "/1"))

    found = findings()

    assert found["Redis for rules"].level is Level.OK
    assert found["Redis for clicks"].level is Level.NOTE


def test_a_damaged_database_is_bad(data_dir: Path) -> None:
    with closing(sqlite3.connect(data_dir / "control.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("x" * 500,) for _ in range(200)])
        connection.commit()
    whole = (data_dir / "control.db").read_bytes()
    (data_dir / "control.db").write_bytes(whole[:8192] + b"\xff" * 4096 + whole[12288:])

    assert findings()["database"].level is Level.BAD


def test_a_country_database_that_cannot_be_read_is_bad(data_dir: Path) -> None:
    (data_dir / "geo").mkdir()
    (data_dir / "geo" / "country.mmdb").write_bytes(b"nonsense")

    assert findings()["country database"].level is Level.BAD


def test_a_port_in_use_is_a_note_and_names_its_setting(
    environment: pytest.MonkeyPatch, redis_server: RedisServer
) -> None:
    environment.setenv("TURNOUT_EDGE_PORT", str(redis_server.port))

    found = findings()["ports"]

    assert found.level is Level.NOTE
    assert "TURNOUT_EDGE_PORT" in found.found
