"""What `up` looks at before it starts anything; each fault is one sentence that names the setting."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.machine import look, without_password
from deploy.refusal import Refusal
from tests.servers import free_port

PORTS = ("TURNOUT_EDGE_PORT", "TURNOUT_CONTROL_PORT", "TURNOUT_EDGE_ADMIN_PORT")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> pytest.MonkeyPatch:
    for name in list(os.environ):
        if name.startswith("TURNOUT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TURNOUT_DATA_DIR", str(data_dir))
    for name in PORTS:
        monkeypatch.setenv(name, str(free_port()))
    return monkeypatch


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_free_ports_are_fine() -> None:
    look().require_free_ports()


@pytest.mark.parametrize("name", PORTS)
def test_a_port_in_use_is_named(environment: pytest.MonkeyPatch, taken_port: int, name: str) -> None:
    environment.setenv(name, str(taken_port))

    with pytest.raises(Refusal, match=f"Port {taken_port} is in use by another program; choose another in {name}"):
        look().require_free_ports()


def test_two_parts_cannot_share_a_port(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_CONTROL_PORT", os.environ["TURNOUT_EDGE_PORT"])

    with pytest.raises(Refusal, match="TURNOUT_EDGE_PORT and TURNOUT_CONTROL_PORT are both"):
        look().require_free_ports()


def test_a_host_that_is_not_this_machines_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_HOST", "192.0.2.1")

    with pytest.raises(Refusal, match=r"Cannot listen on 192\.0\.2\.1 \(TURNOUT_HOST\)"):
        look().require_free_ports()


def test_port_zero_takes_a_free_port_that_all_parts_are_told(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_EDGE_PORT", "0")

    machine = look()

    assert machine.edge_port > 0
    assert machine.environment()["TURNOUT_EDGE_PORT"] == str(machine.edge_port)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TURNOUT_EDGE_PORT", "eighty"),
        ("TURNOUT_CONTROL_PORT", "70000"),
        ("TURNOUT_EDGE_WORKERS", "0"),
        ("TURNOUT_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("TURNOUT_CLICK_RETENTION_DAYS", "-1"),
        ("TURNOUT_PUBLIC_URL", "go.example.com"),
    ],
)
def test_a_setting_at_fault_is_named(environment: pytest.MonkeyPatch, name: str, value: str) -> None:
    environment.setenv(name, value)

    with pytest.raises(Refusal, match=name):
        look()


def test_a_dead_redis_is_named_without_its_password(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_REDIS_URL", "redis://:hush@127.0.0.1:1/0")

    with pytest.raises(Refusal, match=r"redis://127\.0\.0\.1:1/0 \(TURNOUT_REDIS_URL\) does not answer") as caught:
        look().require_given_redis()

    assert "hush" not in str(caught.value)


def test_clicks_go_where_the_rules_are_when_only_that_redis_is_named(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("TURNOUT_REDIS_URL", "redis://127.0.0.1:6379/0")

    assert look().clicks_redis_url == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("::", "http://[::1]:80"), ("127.0.0.1", "http://127.0.0.1:80")],
)
def test_this_machine_reaches_what_listens_everywhere_on_loopback(
    environment: pytest.MonkeyPatch, host: str, url: str
) -> None:
    environment.setenv("TURNOUT_HOST", host)
    environment.setenv("TURNOUT_CONTROL_PORT", "80")

    assert look().control_url == url


def test_a_shown_url_has_neither_password_nor_options() -> None:
    assert without_password("postgresql://me:hush@db/turnout?sslpassword=hush") == "postgresql://db/turnout"
