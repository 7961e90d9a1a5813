"""The API's own tests over PostgreSQL: what holds on SQLite holds there."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers import free_port

_ROOT = Path(__file__).parents[2]
_HANG_S = 900
SUITES = (
    "test_foundations.py",
    "test_offers.py",
    "test_smart_links.py",
    "test_links.py",
    "test_partners_and_coupons.py",
    "test_conversions.py",
    "test_conversions_settling.py",
    "test_conversions_sums.py",
    "test_postbacks.py",
    "test_configuration.py",
    "test_publishing_outbox.py",
    "../integration/test_publishing.py",
    "../integration/test_acks.py",
)


def _programs() -> Path | None:
    """The folder of initdb and pg_ctl: Debian keeps them off PATH."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_ctl"))
    return versions[-1].parent if versions else None


def _as_its_user(command: list[str]) -> list[str]:
    """PostgreSQL refuses to run as root."""
    return ["runuser", "-u", "postgres", "--", *command] if os.geteuid() == 0 else command


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """A PostgreSQL of this test's own, which forgets on purpose what a power loss would."""
    programs = _programs()
    if programs is None:
        pytest.skip("needs PostgreSQL (initdb and pg_ctl)")
    folder = Path("/tmp") / f"turnout-postgres-{os.getpid()}"  # its sockets need a short path
    folder.mkdir()
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam("postgres").pw_uid, -1)
    port = free_port()
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    control = [str(programs / "pg_ctl"), "-D", str(folder / "data"), "-w"]
    try:
        _run([str(programs / "initdb"), "-D", str(folder / "data"), "-A", "trust", "-U", "turnout"])
        _run([*control, "-o", options, "-l", str(folder / "log"), "start"])
        yield f"postgresql://turnout@127.0.0.1:{port}/postgres"
        _run([*control, "-m", "immediate", "stop"])
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(command: list[str]) -> None:
    subprocess.run(_as_its_user(command), check=True, stdout=subprocess.DEVNULL, timeout=60, cwd="/")


def test_the_api_behaves_alike_on_postgresql(postgres_url: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/control/{name}" for name in SUITES)],
        cwd=_ROOT,
        env={**os.environ, "TURNOUT_TEST_POSTGRES_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=_HANG_S,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-8000:]
    assert " passed" in ended.stdout
