"""A PostgreSQL of the test's own, that can be stopped, started again and put back to an older backup."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg  # type: ignore[import-untyped]
import pytest

from tests.certificates import Certificate
from tests.servers import free_port

_HANG_S = 60


class Postgres:
    """One server, which forgets on purpose what a power loss would. It keeps its port for life.

    With a `certificate` it takes only TLS and the `password`, and its `url` says by whose authority; else it trusts.
    """

    def __init__(self, certificate: Certificate | None = None, password: str = "") -> None:
        self.port = free_port()
        self.url = f"postgresql://turnout@127.0.0.1:{self.port}/postgres"
        if certificate:
            given = f"sslmode=verify-full&sslrootcert={certificate.authority}"
            self.url = f"postgresql://turnout:{quote(password, safe='')}@127.0.0.1:{self.port}/postgres?{given}"
        self.folder = Path(tempfile.mkdtemp(prefix="turnout-pg-", dir="/tmp"))  # its sockets need a short path
        self._certificate, self._password = certificate, password
        self._programs = _programs()

    def create(self) -> "Postgres":
        """Make an empty cluster and start it; skips the test where no PostgreSQL is installed."""
        if self._programs is None:
            pytest.skip("needs PostgreSQL (initdb and pg_ctl)")
        if os.geteuid() == 0:
            os.chown(self.folder, pwd.getpwnam("postgres").pw_uid, -1)
        self._run("initdb", "-D", str(self.folder / "data"), *self._access(), "-U", "turnout")
        if self._certificate:
            self._require_tls(self._certificate)
        return self.start()

    def start(self) -> "Postgres":
        """Start it and wait until it answers."""
        given = ("-p", str(self.port), "-k", str(self.folder), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off")
        self._control("-o", " ".join(given), "-l", str(self.folder / "log"), "start")
        return self

    def stop(self, mode: str = "immediate") -> None:
        """End it; `immediate` is without a word to anybody, `fast` in order."""
        self._control("-m", mode, "stop")

    def back_up(self) -> Path:
        """Copy it while it runs; return where to."""
        copy = self.folder / f"backup-{len(list(self.folder.glob('backup-*')))}"
        where = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "turnout")
        self._run("pg_basebackup", *where, "-D", str(copy), "-X", "stream", "-c", "fast")
        return copy

    def step_back(self, backup: Path) -> None:
        """Stop it and put a backup in its place, to be started."""
        self.stop()
        shutil.rmtree(self.folder / "data")
        shutil.copytree(backup, self.folder / "data", copy_function=shutil.copy2)
        _give_to_postgres(self.folder / "data")

    def query(self, statement: str) -> list[Any]:
        """Return the rows of a statement."""

        async def ask() -> list[Any]:
            connection = await asyncpg.connect(self.url)
            try:
                return list(await connection.fetch(statement))
            finally:
                await connection.close()

        return asyncio.run(ask())

    def remove(self) -> None:
        """End it for good."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _access(self) -> tuple[str, ...]:
        if not self._password:
            return ("-A", "trust")
        file = self.folder / "password"
        file.write_text(self._password)
        _give_to_postgres(file)
        return ("-A", "scram-sha-256", "--pwfile", str(file))

    def _require_tls(self, certificate: Certificate) -> None:
        data = self.folder / "data"
        shutil.copy(certificate.file, data / "server.crt")
        shutil.copy(certificate.key, data / "server.key")
        (data / "server.key").chmod(0o600)
        (data / "pg_hba.conf").write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        with (data / "postgresql.conf").open("a") as settings:
            settings.write("ssl = on\n")
        _give_to_postgres(data)

    def _control(self, *arguments: str) -> None:
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-w", *arguments)

    def _run(self, program: str, *arguments: str) -> None:
        assert self._programs is not None
        command = _as_its_user([str(self._programs / program), *arguments])
        subprocess.run(
            command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=_HANG_S, cwd="/"
        )


def _programs() -> Path | None:
    """The folder of initdb, pg_ctl and pg_basebackup: Debian keeps them off PATH."""
    if versions := sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")):
        return versions[-1].parent
    found = shutil.which("pg_ctl")
    return Path(found).parent if found else None


def _as_its_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


def _give_to_postgres(folder: Path) -> None:
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres").pw_uid
        for path in (folder, *folder.rglob("*")):
            os.chown(path, user, -1)
    folder.chmod(0o700)
