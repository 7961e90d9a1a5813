"""Control as a process, over a real Redis: what it publishes, what it does without Redis, how it starts and stops."""

import json
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.pointer import decode_pointer
from shared.table import decode_table
from shared.wire import HEAD, decode_head, decode_value, redis_key
from tests.integration.control_process import KEY, ControlProcess
from tests.servers import RedisServer
from tests.waiting import wait

OFFER = {"name": "SaaS", "slug": "saas", "destination_url": "https://yourbrand.com"}
_HANG_S = 60.0


@pytest.fixture
def control(tmp_path: Path, redis_server: RedisServer) -> Iterator[ControlProcess]:
    """A running control."""
    process = ControlProcess(tmp_path / "control", redis_server.url)
    try:
        yield process.start()
    finally:
        process.close()


def stored(redis_server: RedisServer, key: str) -> Any:
    """The body that edges find under `key`; None where it is deleted or absent."""
    with redis_server.client() as client:
        raw = client.get(redis_key(key))
    return decode_value(raw, key).body if isinstance(raw, bytes) else None


def until(condition: Callable[[], bool]) -> None:
    wait(condition, _HANG_S, str)


def published_sequence(redis_server: RedisServer) -> int:
    with redis_server.client() as client:
        raw = client.get(HEAD)
    return decode_head(raw).sequence if isinstance(raw, bytes) else 0


def test_an_edit_is_in_redis_when_its_answer_arrives(control: ControlProcess, redis_server: RedisServer) -> None:
    offer = control.got("POST", "/offers", json=OFFER)
    link = {"rules": [{"when": {"country": ["UK"]}, "destination_url": "https://yourbrand.co.uk"}]}

    saved = control.got("PUT", f"/offers/{offer['id']}/smart-link", json=link)

    assert published_sequence(redis_server) == saved["sequence"]
    table = decode_table(stored(redis_server, f"o:{offer['id']}"))
    assert [decision.destination.url for decision in table.decisions] == [
        "https://yourbrand.co.uk/",
        "https://yourbrand.com/",
    ]
    assert decode_pointer(stored(redis_server, "k:_/saas")).offer == offer["id"]
    assert saved["propagation"] | {"ms": 0} == {
        "live": 0,
        "of": 0,
        "unknown": 0,
        "refused": 0,
        "ms": 0,
        "complete": False,
        "refusals": [],
    }


def test_bulk_links_are_all_in_redis_when_the_answer_arrives(
    control: ControlProcess, redis_server: RedisServer
) -> None:
    control.got("POST", "/offers", json=OFFER)
    body = "\n".join(json.dumps({"offer": "saas", "slug": f"l{number}"}) for number in range(2000))

    result = control.got("POST", "/links/bulk", content=body, headers={"Content-Type": "application/x-ndjson"})

    assert (result["created"], result["failed"]) == (2000, 0)
    with redis_server.client() as client:
        assert client.exists(*[redis_key(f"k:_/l{number}") for number in range(2000)]) == 2000


def test_without_redis_edits_are_kept_and_go_live_when_it_returns(
    control: ControlProcess, redis_server: RedisServer
) -> None:
    offer = control.got("POST", "/offers", json=OFFER)
    redis_server.kill()

    changed = control.got("PATCH", f"/offers/{offer['id']}", json={"destination_url": "https://later.test"})
    link = control.got("PUT", f"/offers/{offer['id']}/smart-link?wait=0.2", json={"rules": []})

    assert link["propagation"]["complete"] is False
    redis_server.start()
    until(lambda: published_sequence(redis_server) >= link["sequence"] > changed["sequence"])
    until(lambda: (stored(redis_server, f"o:{offer['id']}") or {}).get("destination_url") == "https://later.test/")


def test_control_starts_without_redis(tmp_path: Path, redis_server: RedisServer) -> None:
    redis_server.kill()
    process = ControlProcess(tmp_path / "control", redis_server.url)
    try:
        process.start()
        offer = process.got("POST", "/offers", json=OFFER)
        redis_server.start()
        until(lambda: stored(redis_server, f"o:{offer['id']}") is not None)
    finally:
        process.close()


def test_a_restart_finds_everything_again(control: ControlProcess, redis_server: RedisServer) -> None:
    offer = control.got("POST", "/offers", json=OFFER)
    sequence = published_sequence(redis_server)

    status = control.stop(signal.SIGTERM)
    control.start()

    assert status in (0, -signal.SIGTERM)
    assert "Traceback" not in control.log()
    assert control.got("GET", f"/offers/{offer['id']}")["slug"] == "saas"
    assert control.log().count("First start.") == 1
    until(lambda: published_sequence(redis_server) >= sequence)


def test_a_kill_loses_nothing_that_was_answered(control: ControlProcess, redis_server: RedisServer) -> None:
    offers = [control.got("POST", "/offers", json=OFFER | {"slug": f"s{number}"}) for number in range(5)]

    control.stop(signal.SIGKILL)
    redis_server.flush()
    control.start()

    assert {offer["slug"] for offer in control.got("GET", "/offers")["items"]} == {offer["slug"] for offer in offers}
    until(lambda: all(stored(redis_server, f"k:_/{offer['slug']}") for offer in offers))


def test_a_key_that_is_made_up_is_printed_once_and_works(tmp_path: Path, redis_server: RedisServer) -> None:
    process = ControlProcess(
        tmp_path / "control", redis_server.url, TURNOUT_BOOTSTRAP_API_KEY="", TURNOUT_ADMIN_PASSWORD=""
    )
    try:
        process.start()
        words = process.log().split()
        key = next(word for word in words if word.startswith("tn_"))
        password = next(word for word in words if word.startswith("pw_"))
        headers = {"Authorization": f"Bearer {key}"}
        assert process.call("GET", "/me", headers=headers).json()["role"] == "admin"
        login = {"login": "admin", "password": password}
        assert process.call("POST", "/login", json=login, headers={"Authorization": ""}).status_code == 200
        process.stop()
        process.start()
        assert process.log().count(key) == 1
        assert process.log().count(password) == 2, "as the password, and in the address that sets up"
    finally:
        process.close()


def test_a_later_bootstrap_key_is_said_to_be_ignored(control: ControlProcess, redis_server: RedisServer) -> None:
    control.stop()
    later = ControlProcess(control.folder, redis_server.url, TURNOUT_BOOTSTRAP_API_KEY="tn_another_one")
    try:
        later.start()
        assert "TURNOUT_BOOTSTRAP_API_KEY is ignored" in later.log()
        assert later.call("GET", "/me", headers={"Authorization": "Bearer tn_another_one"}).status_code == 401
        assert later.call("GET", "/me", headers={"Authorization": f"Bearer {KEY}"}).status_code == 200
    finally:
        later.close()


@pytest.mark.parametrize(
    ("environment", "word"),
    [
        ({"TURNOUT_CONTROL_PORT": "many"}, "TURNOUT_CONTROL_PORT"),
        ({"TURNOUT_APP_SCHEMES": "javascript"}, "TURNOUT_APP_SCHEMES"),
        ({"TURNOUT_TRUSTED_PROXIES": "10.0.0.0/99"}, "TURNOUT_TRUSTED_PROXIES"),
        ({"TURNOUT_REDIS_URL": "not-a-url"}, "TURNOUT_REDIS_URL"),
        ({"TURNOUT_DATA_DIR": "/proc/nowhere"}, "/proc/nowhere"),
        ({"TURNOUT_DATABASE_URL": "mysql://a/b"}, "mysql"),
        ({"TURNOUT_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/x"}, "database"),
    ],
)
def test_what_stands_in_the_way_of_a_start_is_said_in_one_sentence(
    tmp_path: Path, environment: dict[str, str], word: str
) -> None:
    process = ControlProcess(tmp_path / "control", "redis://127.0.0.1:1/0", **environment)

    ended = process.run_to_end()

    process.close()
    assert ended.returncode == 1
    assert word in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_a_port_in_use_is_said_in_one_sentence(tmp_path: Path) -> None:
    process = ControlProcess(tmp_path / "control", "redis://127.0.0.1:1/0")
    with socket.create_server(("127.0.0.1", process.port)):
        ended = process.run_to_end()

    process.close()
    assert ended.returncode == 1
    assert f"port {process.port}" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_a_database_file_that_is_none_is_said_in_one_sentence(tmp_path: Path) -> None:
    process = ControlProcess(tmp_path / "control", "redis://127.0.0.1:1/0")
    data = tmp_path / "control" / "data"
    data.mkdir(parents=True)
    (data / "control.db").write_bytes(b"this is no database" * 100)

    ended = process.run_to_end()

    process.close()
    assert ended.returncode == 1
    assert "the database cannot be used" in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1, ended.stderr


def test_openapi_describes_every_call_with_an_example(control: ControlProcess) -> None:
    document = control.got("GET", "/../../openapi.json")

    assert orjson.dumps(document)
    for path, item in document["paths"].items():
        for method, operation in item.items():
            assert operation["summary"], (method, path)
            assert set(operation["responses"]) & {"200", "201"}, (method, path)
    written = [item["post"] for path, item in document["paths"].items() if "post" in item and "{" not in path]
    assert all("401" in operation["responses"] or "security" not in operation for operation in written)
