"""When nobody takes clicks and the spool is full, redirects go on, and what was lost is counted to the last click."""

import json
import os
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from tests import builders
from tests.builders import US_ADDRESS
from tests.integration.test_edge_process import Edge, Publisher, eventually
from tests.servers import RedisServer

BURST = 50
REQUEST = (
    f"GET /saas?sub1={'x' * 150} HTTP/1.1\r\nHost: go.test\r\nX-Forwarded-For: {US_ADDRESS}\r\nUser-Agent: a\r\n\r\n"
).encode()


def click(edge: Edge, bursts: int) -> int:
    """Click on one connection, `BURST` requests at a time; return how many redirects came back."""
    redirects = 0
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as connection:
        for _ in range(bursts):
            connection.sendall(REQUEST * BURST)
            answered = b""
            while answered.count(b"\r\n\r\n") < BURST:
                received = connection.recv(1 << 20)
                assert received, answered[-300:]
                answered += received
            redirects += answered.count(b"HTTP/1.1 302 ")
    return redirects


def test_a_full_spool_costs_clicks_that_are_counted_and_no_redirect(
    redis_server: RedisServer, data_dir: Path, tmp_path: Path
) -> None:
    clicks_redis = RedisServer(tmp_path / "clicks")  # not started: nobody takes clicks
    with redis_server.client() as redis:
        publisher = Publisher(redis)
        publisher.put_common()
        publisher.put_offer(builders.offer())
    names = {"TURNOUT_CLICKS_REDIS_URL": clicks_redis.url, "TURNOUT_SPOOL_QUOTA_MB": "1"}
    edge = Edge(redis_server.url, data_dir, workers=1, **names)
    processes = [edge.process]
    try:
        eventually(edge.is_ready, edge.process)
        redirects = click(edge, bursts=100)
        assert redirects == 100 * BURST
        eventually(lambda: edge.metric("turnout_edge_events_total") == redirects)
        dropped = edge.metric('turnout_edge_events_dropped_total{reason="quota"}')
        assert 0 < dropped < redirects

        clicks_redis.start()
        settings = {"TURNOUT_DATA_DIR": str(data_dir), "TURNOUT_CLICKS_REDIS_URL": clicks_redis.url}
        command = [sys.executable, "-m", "control.ingest"]
        processes.append(subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL))
        eventually(lambda: edge.metric("turnout_edge_events_recorded_total") == redirects - dropped)
        assert click(edge, bursts=1) == BURST
        assert edge.stop() == 0
    finally:
        for process in processes:
            process.terminate()
            process.wait()
        clicks_redis.kill()

    with closing(sqlite3.connect(data_dir / "clicks.db")) as connection:
        [(produced, recorded, losses)] = connection.execute("SELECT produced, recorded, dropped FROM click_boots")
        [(rows,)] = connection.execute("SELECT COUNT(*) FROM clicks")
    assert json.loads(losses) == {"quota": dropped}
    assert produced == redirects + BURST
    assert rows == recorded == produced - dropped
