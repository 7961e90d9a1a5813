"""The servers that other tests stand on do what they say."""

import pytest
from redis.exceptions import RedisError

from tests.servers import RedisServer


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
