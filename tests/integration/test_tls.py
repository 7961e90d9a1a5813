"""Everything behind the edge may ask for TLS and passwords, and what does not fit is said in a sentence."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.certificates import issue
from tests.installation import Installation, wait_until
from tests.postgres import Postgres
from tests.servers import RedisServer, free_port

PASSWORD = "p@ss/word:1"


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    """A PostgreSQL that takes only TLS and a password."""
    server = Postgres(issue(tmp_path / "tls", "postgres"), PASSWORD)
    try:
        yield server.create()
    finally:
        server.remove()


@pytest.fixture
def rules(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis that takes only TLS and a password."""
    server = RedisServer(tmp_path / "rules", certificate=issue(tmp_path / "tls", "rules"), password=PASSWORD).start()
    yield server
    server.kill()


def test_an_edit_and_a_click_go_all_the_way_by_tls(tmp_path: Path, postgres: Postgres, rules: RedisServer) -> None:
    clicks = RedisServer(tmp_path / "clicks", certificate=issue(tmp_path / "tls", "clicks"), password="another").start()
    addresses = {"TURNOUT_DATABASE_URL": postgres.url, "TURNOUT_CLICKS_REDIS_URL": clicks.url}
    here = Installation(tmp_path / "here", rules, **addresses)
    try:
        here.start()
        offer = here.add_offer("saas", "https://go.example/1")
        saved = here.save(offer, "https://go.example/2")
        assert saved["propagation"]["live"] == saved["propagation"]["of"] == 1
        with here.visitors() as visitors:
            assert [visitor.click("saas").location for visitor in visitors] == ["https://go.example/2"] * 2
        wait_until(lambda: here.api("GET", "/accounting")["total"]["recorded"] >= 2, here.output)
        assert PASSWORD not in here.output()
    finally:
        here.stop()
        clicks.kill()


def settings_of_an_edge(tmp_path: Path, redis_url: str) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("TURNOUT_")} | {
        "TURNOUT_REDIS_URL": redis_url,
        "TURNOUT_DATA_DIR": str(tmp_path / "data"),
        "TURNOUT_EDGE_PORT": str(free_port()),
        "TURNOUT_EDGE_ADMIN_PORT": str(free_port()),
        "TURNOUT_CONTROL_PORT": str(free_port()),
        "TURNOUT_LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(("rules-ca.pem", "other-ca.pem"), "certificate verify failed", id="another authority"),
        pytest.param(("127.0.0.1", "127.0.0.2"), "", id="another name"),
        pytest.param(("word", "words"), "invalid username-password pair", id="another password"),
        pytest.param(("rediss://", "redis://"), "", id="not by TLS"),
    ],
)
def test_a_server_that_is_not_trusted_is_not_followed(
    tmp_path: Path, rules: RedisServer, change: tuple[str, str], said: str
) -> None:
    issue(tmp_path / "tls", "other")
    url = rules.url.replace(*change)
    environment = settings_of_an_edge(tmp_path, url if "rediss" in url else url.partition("?")[0])
    with (tmp_path / "log").open("w+") as log:
        edge = subprocess.Popen([sys.executable, "-m", "edge"], env=environment, stderr=log)
        try:
            wait_until(lambda: "announcements cannot be heard" in (tmp_path / "log").read_text())
        finally:
            edge.terminate()
            edge.wait()

    logged = (tmp_path / "log").read_text()
    assert said in logged
    assert "rules are synced" not in logged
    assert PASSWORD not in logged


@pytest.mark.parametrize("part", ["edge", "control"])
@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("REDIS_URL", "rediss://u:secret@a?ssl_ca_certs=/none.pem", "names /none.pem in ssl_ca_certs, which cannot be"),
        ("CLICKS_REDIS_URL", "redis://u:secret@a?ssl_ca_certs=/none.pem", "needs TLS: begin with rediss"),
        ("REDIS_URL", "redis+sentinel://u:secret@a:26379", "does not say which primary"),
        ("REDIS_URL", "http://u:secret@a", "must be the address of a Redis"),
    ],
)
def test_a_wrong_address_stops_the_start_with_a_sentence(
    tmp_path: Path, part: str, name: str, value: str, sentence: str
) -> None:
    environment = settings_of_an_edge(tmp_path, "redis://127.0.0.1:1") | {f"TURNOUT_{name}": value}

    ended = subprocess.run(
        [sys.executable, "-m", part], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode in (1, 2)
    assert f"TURNOUT_{name}" in ended.stderr
    assert sentence in ended.stderr
    assert "secret" not in ended.stderr


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("sslmode=always", "has sslmode 'always', which is none of disable"),
        ("sslmode=verify-full&sslrootcert=/none.pem", "certificates that cannot be used: No such file"),
        ("sslmode=prefer&sslrootcert=/none.pem", "which need sslmode require, verify-ca or verify-full"),
    ],
)
def test_a_wrong_database_address_stops_the_start_with_a_sentence(tmp_path: Path, query: str, sentence: str) -> None:
    url = f"postgresql://u:secret@127.0.0.1:1/x?{query}"
    environment = settings_of_an_edge(tmp_path, "redis://127.0.0.1:1") | {"TURNOUT_DATABASE_URL": url}

    ended = subprocess.run(
        [sys.executable, "-m", "control"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 1
    assert sentence in ended.stderr
    assert "secret" not in ended.stderr


def test_a_database_of_another_authority_is_not_believed(tmp_path: Path, postgres: Postgres) -> None:
    issue(tmp_path / "tls", "other")
    url = postgres.url.replace("postgres-ca.pem", "other-ca.pem")
    environment = settings_of_an_edge(tmp_path, "redis://127.0.0.1:1") | {"TURNOUT_DATABASE_URL": url}

    ended = subprocess.run(
        [sys.executable, "-m", "control"], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert ended.returncode == 1
    assert "certificate verify failed" in ended.stderr
