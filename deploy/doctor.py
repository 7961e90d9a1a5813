"""`turnout doctor`: looks at one thing after another and says what is wrong and what to do about it."""

import asyncio
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final
from urllib.error import URLError
from urllib.request import urlopen

from redis import RedisError
from sqlalchemy import text

from control.db import Database
from control.settings import ControlSettings
from deploy import embedded_redis, geo
from deploy.data_folder import DataFolder
from deploy.machine import Machine, control_settings, look, without_password
from deploy.redis_client import connected
from deploy.refusal import Refusal
from edge.clicks import agents

_LOW_SPACE_BYTES: Final = 1 << 30
_MAX_SKEW_S: Final = 5.0
_OLD_GEO_DAYS: Final = 60
_BEFORE_THIS_RELEASE: Final = 1_767_225_600  # 2026-01-01: a clock that says less is wrong


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at, what was found, and what to do about it ("" when nothing)."""

    level: Level
    subject: str
    found: str
    advice: str = ""


def examine() -> Iterator[Finding]:
    """Yield what is found; a check that cannot be made is a finding too, and the others go on."""
    yield _python()
    yield _attempt("user agents", _user_agents)
    try:
        machine, settings = look(), control_settings()
    except Refusal as exc:
        yield Finding(Level.BAD, "settings", str(exc), "Correct it; the README lists every setting.")
        return
    yield Finding(Level.OK, "settings", "every one can be used")
    folder = DataFolder(machine.data_dir)
    running = folder.noted()
    yield _data_folder(machine.data_dir)
    yield from _redis(machine, running)
    yield from _ports(machine, folder)
    yield _attempt("country database", lambda: _country_database(machine))
    yield _attempt("database", lambda: _database(settings))
    yield _clock()


def _attempt(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as exc:  # whatever goes wrong in a check is what the person needs to know
        return Finding(Level.BAD, subject, f"{type(exc).__name__}: {exc}")


def _python() -> Finding:
    release = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 14):
        return Finding(Level.OK, "Python", release)
    return Finding(Level.NOTE, "Python", release, "Turnout is made for Python 3.11 to 3.14.")


def _user_agents() -> Finding:
    agents.open_names()
    return Finding(Level.OK, "user agents", "the Rust engine of ua-parser works")


def _data_folder(path: Path) -> Finding:
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding(Level.BAD, "data folder", f"{there} cannot be written to", "Name another in TURNOUT_DATA_DIR.")
    free = shutil.disk_usage(there).free
    if free < _LOW_SPACE_BYTES:
        return Finding(
            Level.NOTE, "data folder", f"{path} has {free >> 20} MiB left", "Spools may need 1 GiB: make room."
        )
    return Finding(Level.OK, "data folder", f"{path}, {free >> 30} GiB left")


def _redis(machine: Machine, running: dict[str, Any]) -> Iterator[Finding]:
    rules = str(running.get("redis", machine.redis_url))
    clicks = str(running.get("clicks_redis", machine.clicks_redis_url))
    if not (rules and clicks):
        yield _attempt("Redis", _embedded_server)
    if rules:
        yield _server("Redis for rules", rules, durable=False)
    if clicks and clicks != rules:
        yield _server("Redis for clicks", clicks, durable=True)


def _embedded_server() -> Finding:
    try:
        server = embedded_redis.find_server()
    except Refusal as exc:
        return Finding(Level.BAD, "Redis", "there is no server to start", str(exc))
    version = ".".join(map(str, embedded_redis.version_of(server)))
    return Finding(Level.OK, "Redis", f"`turnout up` will start {server} ({version})")


def _server(subject: str, url: str, *, durable: bool) -> Finding:
    shown = without_password(url)
    try:
        with connected(url) as redis:
            info: dict[str, Any] = redis.info()
            skew_s = abs(redis.time()[0] - time.time())
    except (RedisError, OSError, ValueError) as exc:
        return Finding(Level.BAD, subject, f"{shown} does not answer: {exc}", "Start it, or correct its URL.")
    version = tuple(int(part) for part in str(info["redis_version"]).split(".")[:2])
    if version < embedded_redis.OLDEST:
        return Finding(Level.BAD, subject, f"{shown} is {info['redis_version']}", "Turnout needs 6.2 or newer.")
    if info.get("maxmemory_policy") != "noeviction":
        found = f"{shown} evicts keys when it is full ({info.get('maxmemory_policy')})"
        return Finding(Level.BAD, subject, found, "Set maxmemory-policy to noeviction: evicted data is lost data.")
    if durable and not info.get("aof_enabled"):
        found = f"{shown} forgets clicks on their way when it stops"
        return Finding(Level.NOTE, subject, found, "Set appendonly to yes; edges send again what was lost meanwhile.")
    if skew_s > _MAX_SKEW_S:
        return Finding(Level.NOTE, subject, f"its clock is {skew_s:.0f} s off ours", "Run NTP on both machines.")
    return Finding(Level.OK, subject, f"{shown}, {info['redis_version']}, noeviction")


def _ports(machine: Machine, folder: DataFolder) -> Iterator[Finding]:
    if not folder.is_running():
        try:
            machine.require_free_ports()
        except Refusal as exc:
            yield Finding(Level.NOTE, "ports", str(exc), "That is as it should be where another Turnout runs.")
        else:
            yield Finding(Level.OK, "ports", "free")
        return
    for name, url in (("control", machine.control_url), ("edge", machine.edge_admin_url)):
        yield _readiness(name, f"{url}/readyz")


def _readiness(name: str, url: str) -> Finding:
    try:
        with urlopen(url, timeout=2) as response:  # noqa: S310 (the scheme is ours)
            return Finding(Level.OK, name, f"ready ({url}, {response.status})")
    except URLError as exc:
        return Finding(Level.BAD, name, f"not ready ({url}: {exc})", "Its log says why.")


def _country_database(machine: Machine) -> Finding:
    info = geo.inspect(geo.in_use(machine.data_dir))
    if info.age_days > _OLD_GEO_DAYS:
        found = f"{info.path} is {info.age_days} days old"
        return Finding(Level.NOTE, "country database", found, "Addresses move: run `turnout geo update`.")
    return Finding(Level.OK, "country database", f"{info.kind}, {info.age_days} days old")


def _database(settings: ControlSettings) -> Finding:
    if not settings.config_database.startswith("sqlite:///"):
        return _postgresql(settings.config_database)
    path = Path(settings.config_database.removeprefix("sqlite:///")).expanduser()
    if not path.exists():
        return Finding(Level.OK, "database", f"{path} will be created at first start")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as database:
        verdict = database.execute("PRAGMA quick_check(1)").fetchone()[0]
    if verdict != "ok":
        return Finding(Level.BAD, "database", f"{path} is damaged: {verdict}", "Restore the last backup.")
    return Finding(Level.OK, "database", f"{path}, sound")


def _postgresql(url: str) -> Finding:
    version = asyncio.run(_postgresql_version(url))
    return Finding(Level.OK, "database", f"{without_password(url)}, PostgreSQL {version}")


async def _postgresql_version(url: str) -> str:
    database = Database.open(url)
    try:
        async with database.read() as session:
            return str(await session.scalar(text("SHOW server_version")))
    finally:
        await database.close()


def _clock() -> Finding:
    if time.time() < _BEFORE_THIS_RELEASE:
        return Finding(Level.BAD, "clock", time.ctime(), "Set the clock: clicks would be filed under the wrong day.")
    return Finding(Level.OK, "clock", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))
