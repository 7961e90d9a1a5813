"""The Redis that `up` starts: found, new enough, told to keep what it is given, not to be read by others."""

import asyncio
import stat
from pathlib import Path

import pytest
from redis import AuthenticationError, Redis

from deploy import embedded_redis
from deploy.children import Child
from deploy.data_folder import DataFolder
from deploy.refusal import Refusal


def server(folder: Path, name: str, version: str) -> None:
    """Put a program called `name` into `folder` that says it is a Redis of that version."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\necho 'Redis server v={version} sha=00000000:0 malloc=libc bits=64'\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def only_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, on a machine where nothing lies beside Python."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr("sys.prefix", str(tmp_path / "venv"))
    return tmp_path / "bin"


def test_valkey_is_taken_before_redis(only_path: Path) -> None:
    server(only_path, "redis-server", "7.2.0")
    server(only_path, "valkey-server", "8.0.1")

    assert embedded_redis.find_server() == str(only_path / "valkey-server")


def test_a_server_that_is_too_old_is_passed_over_for_the_one_beside_python(only_path: Path, tmp_path: Path) -> None:
    server(only_path, "redis-server", "6.0.16")
    (tmp_path / "venv").mkdir()
    server(tmp_path / "venv" / "bin", "redis-server", "6.2.14")

    assert embedded_redis.find_server() == str(tmp_path / "venv" / "bin" / "redis-server")


def test_a_machine_without_a_server_is_told_what_to_install(only_path: Path) -> None:
    with pytest.raises(Refusal, match=r"install the package redis-server or valkey .* TURNOUT_REDIS_URL"):
        embedded_redis.find_server()


def test_a_program_that_does_not_run_is_no_server(only_path: Path) -> None:
    only_path.mkdir()
    (only_path / "redis-server").write_bytes(b"\x7fELF nonsense")
    (only_path / "redis-server").chmod(0o755)

    with pytest.raises(Refusal, match="needs a Redis or Valkey"):
        embedded_redis.find_server()


@pytest.mark.parametrize("durable", [pytest.param(True, id="clicks"), pytest.param(False, id="rules")])
def test_a_server_refuses_strangers_and_evicts_nothing(data_dir: Path, durable: bool) -> None:
    folder = DataFolder(data_dir)
    folder.claim()
    redis = embedded_redis.prepare("redis-toy", data_dir / 'a "quoted" folder', durable=durable)

    async def play() -> tuple[dict[str, str], dict[str, str]]:
        child = Child(redis.program, folder)
        await child.start()
        try:
            with Redis.from_url(redis.url, decode_responses=True) as client:
                stranger = Redis.from_url(redis.url.replace(redis.url.partition("@")[0], "redis://"))
                with pytest.raises(AuthenticationError), stranger:
                    stranger.ping()
                return client.config_get("maxmemory-policy"), client.config_get("appendonly")
        finally:
            await child.stop()

    policy, appendonly = asyncio.run(play())

    assert policy == {"maxmemory-policy": "noeviction"}
    assert appendonly == {"appendonly": "yes" if durable else "no"}
    assert stat.S_IMODE((data_dir / 'a "quoted" folder' / "redis.conf").stat().st_mode) == 0o600


def test_clicks_survive_a_stop(data_dir: Path) -> None:
    folder = DataFolder(data_dir)
    folder.claim()

    async def with_server(command: str, *arguments: str) -> object:
        redis = embedded_redis.prepare("redis-clicks", data_dir / "clicks", durable=True)
        child = Child(redis.program, folder)
        await child.start()
        try:
            with Redis.from_url(redis.url, decode_responses=True) as client:
                return client.execute_command(command, *arguments)
        finally:
            await child.stop()

    asyncio.run(with_server("SET", "click", "kept"))

    assert asyncio.run(with_server("GET", "click")) == "kept"
