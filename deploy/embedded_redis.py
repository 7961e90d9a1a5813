"""Redis servers for one machine: a Redis or Valkey on PATH, else the one that deploy/up has put beside Python.

The rules server keeps nothing: the truth is in SQL, and control publishes it again. The clicks server appends what it
is given to a file. Both refuse new data rather than evict old (`noeviction`), listen on loopback and want a password.
"""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from redis import RedisError

from deploy.children import Program
from deploy.data_folder import write_private
from deploy.redis_client import connected
from deploy.refusal import Refusal

OLDEST: Final = (6, 2)
_NAMES: Final = ("valkey-server", "redis-server")
_VERSION: Final = re.compile(r"\bv=(\d+)\.(\d+)")
_CONFIG: Final = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
daemonize no
maxmemory-policy noeviction
save ""
appendonly {appendonly}
appendfsync everysec
"""


@dataclass(frozen=True, slots=True)
class EmbeddedRedis:
    """One Redis server: how to run it and how to reach it."""

    program: Program
    url: str


def prepare(name: str, folder: Path, *, durable: bool) -> EmbeddedRedis:
    """Return a Redis server called `name` with its files in `folder`. Raises Refusal when this machine has none."""
    server, port, password = find_server(), free_port(), secrets.token_urlsafe(24)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    config = folder / "redis.conf"
    quoted = str(folder).replace("\\", "\\\\").replace('"', '\\"')
    appendonly = "yes" if durable else "no"
    write_private(config, _CONFIG.format(port=port, password=password, folder=quoted, appendonly=appendonly))
    url = f"redis://:{password}@127.0.0.1:{port}/0"
    program = Program(name, (server, str(config)), is_ready=lambda: answers(url) is None, grace_s=30.0)
    return EmbeddedRedis(program, url)


def find_server() -> str:
    """Return the path of a Redis or Valkey server that is new enough. Raises Refusal when there is none."""
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), f"{sys.prefix}/bin"]
    for name in _NAMES:
        for folder in folders:
            server = shutil.which(name, path=folder)
            if server and version_of(server) >= OLDEST:
                return server
    raise Refusal(
        "Turnout needs a Redis or Valkey server, 6.2 or newer: install the package redis-server or valkey (on macOS:"
        " redis), or name a running one in TURNOUT_REDIS_URL."
    )


def version_of(server: str) -> tuple[int, int]:
    """Return the version that a server binary says it has; (0, 0) when it does not run."""
    try:
        told = subprocess.run([server, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = _VERSION.search(told)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def answers(url: str) -> str | None:
    """Return None when the Redis at `url` answers a PING, else why not, in a few words."""
    try:
        with connected(url) as redis:
            redis.ping()
    except (RedisError, OSError, ValueError) as exc:
        return str(exc) or type(exc).__name__
    return None


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
