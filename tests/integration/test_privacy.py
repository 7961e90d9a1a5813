"""A visitor's whole address is kept nowhere: not in Redis, the spool, SQL, a snapshot or a log."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import builders
from tests.integration.test_edge_process import Edge, Publisher, eventually
from tests.servers import RedisServer

ADDRESSES = {"203.0.113.77": "203.0.113.0", "2001:db8:1234:5678::abcd": "2001:db8:1234::"}


@pytest.fixture
def edge(redis_server: RedisServer, data_dir: Path) -> Iterator[Edge]:
    with redis_server.client() as redis:
        publisher = Publisher(redis)
        publisher.put_common()
        publisher.put_offer(builders.offer())
        edge = Edge(redis_server.url, data_dir, workers=1, TURNOUT_LOG_LEVEL="debug")
        eventually(edge.is_ready, edge.process)
        yield edge
        if edge.process.poll() is None:
            edge.stop()


def everything(redis_server: RedisServer, folder: Path) -> dict[str, bytes]:
    """Every byte that is kept, by where."""
    kept = {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    with redis_server.client() as redis:
        for key in redis.keys("*"):
            kind = redis.type(key)
            value = redis.xrange(key) if kind == b"stream" else redis.dump(key)
            kept[f"redis {key!r}"] = repr(value).encode() if kind == b"stream" else value
    return kept


def test_no_whole_address_is_kept_anywhere(edge: Edge, redis_server: RedisServer, data_dir: Path) -> None:
    for address in ADDRESSES:
        assert edge.click(address=address).status == 302
        assert edge.click(address=address, user_agent="curl/8.0").status == 302
        assert edge.click("/unknown-slug", address=address).status == 404
    before_ingestion = eventually(lambda: _with_clicks(redis_server, data_dir))
    settings = {"TURNOUT_DATA_DIR": str(data_dir), "TURNOUT_CLICKS_REDIS_URL": redis_server.url}
    with (data_dir / "ingest.log").open("wb") as log:
        command = [sys.executable, "-m", "control.ingest"]
        ingester = subprocess.Popen(command, env={**os.environ, **settings}, stderr=log, stdout=log)
    try:
        eventually(lambda: edge.metric("turnout_edge_events_recorded_total") == 4)
    finally:
        ingester.terminate()
        ingester.wait()
    assert edge.stop() == 0

    for kept in (before_ingestion, everything(redis_server, data_dir)):
        for address, truncated in ADDRESSES.items():
            assert [place for place, content in kept.items() if address.encode() in content] == []
            assert [place for place, content in kept.items() if truncated.encode() in content] != []


def _with_clicks(redis_server: RedisServer, folder: Path) -> dict[str, bytes] | None:
    kept = everything(redis_server, folder)
    return kept if sum(content.count(b"203.0.113.0") for content in kept.values()) >= 4 else None
