"""A primary, its replicas and the Sentinels that watch them: whoever is the primary changes, the name does not."""

import contextlib
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.servers import RedisServer, free_port
from tests.waiting import wait

NAME = "main"
DOWN_AFTER_MS = 1_000
_HANG_S = 30.0
_MAJORITY = 2


class SentinelGroup:
    """Two servers, the first of which begins as the primary, and three Sentinels."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.first = RedisServer(folder / "first", *options)
        self.second = RedisServer(folder / "second", "--replicaof", "127.0.0.1", str(self.first.port), *options)
        self._ports = [free_port() for _ in range(3)]
        self._sentinels: list[subprocess.Popen[bytes]] = []
        self.url = f"redis+sentinel://{','.join(f'127.0.0.1:{port}' for port in self._ports)}/{NAME}/0"

    def start(self) -> "SentinelGroup":
        """Start all, and wait until the second follows the first and the Sentinels know of both and of one another."""
        self.first.start()
        self.second.start()
        self._sentinels = [self._sentinel(port) for port in self._ports]
        wait_for(lambda: self._info(self.second).get("master_link_status") == "up", "the replica follows")
        wait_for(lambda: all(self._knows_all(port) for port in self._ports), "the Sentinels know one another")
        return self

    def client(self) -> Redis:
        """A connection of the test's own to today's primary."""
        return self.primary().client()

    def primary(self) -> RedisServer:
        """Whoever the Sentinels call the primary."""
        port = self._primary_port()
        return self.first if port == self.first.port else self.second

    def cut_replication(self) -> None:
        """Freeze the second server and forget it: from now on nothing written to the first is anywhere else."""
        self.second.freeze()
        with self.first.client() as client:
            client.execute_command("CLIENT", "KILL", "TYPE", "replica")

    def lose_the_first(self) -> float:
        """Kill the first server and thaw the second; return how many seconds it took until that was the primary."""
        self.first.kill()
        begin = time.monotonic()
        self.second.thaw()
        wait_for(lambda: self._primary_port() == self.second.port and self._role(self.second) == "master", "failover")
        return time.monotonic() - begin

    def bring_back_the_first(self) -> None:
        """Start the first server again, and wait until the Sentinels have made a replica of it."""
        self.first.start()
        wait_for(lambda: self._role(self.first) == "slave", "the first follows the second")
        wait_for(lambda: self._info(self.first).get("master_link_status") == "up", "the first follows the second")

    def kill(self) -> None:
        """End all of it."""
        for sentinel in self._sentinels:
            sentinel.kill()
            sentinel.wait()
        self.first.kill()
        self.second.kill()

    def _sentinel(self, port: int) -> subprocess.Popen[bytes]:
        binary = shutil.which("redis-server") or shutil.which("valkey-server")
        if binary is None:
            pytest.skip("needs a redis-server or valkey-server on PATH")
        self.folder.mkdir(parents=True, exist_ok=True)
        file = self.folder / f"sentinel-{port}.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {self.first.port} {_MAJORITY}\n"
            f"sentinel down-after-milliseconds {NAME} {DOWN_AFTER_MS}\nsentinel failover-timeout {NAME} 5000\n"
        )
        with (self.folder / f"sentinel-{port}.log").open("wb") as log:
            return subprocess.Popen([binary, str(file), "--sentinel"], stdout=log, stderr=log)

    def _knows_all(self, port: int) -> bool:
        masters: Any = {}
        with contextlib.suppress(RedisError, OSError), Redis(port=port, decode_responses=True) as sentinel:
            masters = sentinel.sentinel_masters()
        found = masters.get(NAME, {})
        return bool(found.get("num-other-sentinels") == 2 and found.get("num-slaves") == 1)

    def _primary_port(self) -> int:
        with contextlib.suppress(RedisError, OSError), Redis(port=self._ports[0], decode_responses=True) as sentinel:
            address: Any = sentinel.sentinel_get_master_addr_by_name(NAME)
            return int(address[1])
        return 0

    def _role(self, server: RedisServer) -> str:
        return str(self._info(server).get("role", ""))

    def _info(self, server: RedisServer) -> dict[str, Any]:
        with contextlib.suppress(RedisError, OSError), server.client() as client:
            info: dict[str, Any] = client.info("replication")
            return info
        return {}


def wait_for(condition: Any, what: str) -> None:
    """Return when `condition` holds."""
    wait(condition, _HANG_S, lambda: f"in vain: {what}")
