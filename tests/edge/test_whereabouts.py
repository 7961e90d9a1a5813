"""An edge says where it can be asked: what it was told, what it listens on, or where its way to Redis begins."""

import asyncio

import pytest

from edge.process.whereabouts import Whereabouts

REDIS = "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("given", "host", "address"),
    [
        ("edge-1.internal:80", "0.0.0.0", "edge-1.internal:80"),
        ("", "10.0.0.5", "10.0.0.5:8080"),
        ("", "fd00::5", "[fd00::5]:8080"),
        ("", "0.0.0.0", ""),
        ("", "::", ""),
    ],
)
def test_what_is_listened_on_is_known_at_once(given: str, host: str, address: str) -> None:
    assert Whereabouts(given, host, 8080, REDIS).address == address


@pytest.mark.parametrize("url", [REDIS, "unix:///run/redis.sock"])
def test_who_listens_everywhere_says_where_its_way_to_redis_begins(url: str) -> None:
    whereabouts = Whereabouts("", "0.0.0.0", 8080, url)

    asyncio.run(whereabouts.find())

    assert whereabouts.address == "127.0.0.1:8080"


def test_a_known_address_is_not_looked_for() -> None:
    whereabouts = Whereabouts("edge-1:80", "0.0.0.0", 8080, "redis://no.such.host.invalid/0")

    asyncio.run(asyncio.wait_for(whereabouts.find(), 10))

    assert whereabouts.address == "edge-1:80"
