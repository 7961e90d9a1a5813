"""The servers that other tests stand on do what they say."""

import signal
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import pytest
from redis.exceptions import RedisError

from tests.servers import RedisServer

ROOT = Path(__file__).parents[2]
HANG_S = 30.0
CHILD = """
import os
from tests.servers import let_children_heed_signals
let_children_heed_signals()
os.execlp("sh", "sh", "-c", "echo up; exec sleep 60")
"""


def test_a_killed_server_comes_back_empty_on_the_same_port(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.set("key", "value")

        redis_server.restart()

        assert client.get("key") is None


def test_a_frozen_server_does_not_answer_until_it_is_thawed(redis_server: RedisServer) -> None:
    with redis_server.client() as client:
        client.connection_pool.connection_kwargs["socket_timeout"] = 0.1
        client.connection_pool.connection_kwargs["retry"] = None
        client.set("key", "value")
        redis_server.freeze()
        with pytest.raises(RedisError):
            client.get("key")

        redis_server.thaw()

        assert client.get("key") == b"value"


def test_what_tests_start_under_nohup_is_ended_by_a_closed_terminal() -> None:
    with Popen(["nohup", sys.executable, "-c", CHILD], cwd=ROOT, stdout=PIPE, stderr=DEVNULL) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"up\n"

        child.send_signal(signal.SIGHUP)

        assert child.wait(HANG_S) == -signal.SIGHUP
