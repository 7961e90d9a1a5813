"""A Redis is where its URL says, or the URL is refused with what is wrong about it."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.redis_address import RedisAddress, parse_redis_address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://127.0.0.1", RedisAddress((("127.0.0.1", 6379),))),
        ("redis://cache:6380/3", RedisAddress((("cache", 6380),), database=3)),
        ("redis://[::1]:6380/", RedisAddress((("::1", 6380),))),
        ("redis://:p%40ss@cache", RedisAddress((("cache", 6379),), password="p@ss")),
        ("redis://edge:p%3A%2F@cache", RedisAddress((("cache", 6379),), username="edge", password="p:/")),
        (
            "rediss://cache?ssl_ca_certs=/etc/ca%20s.pem",
            RedisAddress((("cache", 6379),), tls=True, files=(("ssl_ca_certs", "/etc/ca s.pem"),)),
        ),
        (
            "redis+sentinel://a,b:1,[::1]:2/main/4?sentinel_password=x%26y",
            RedisAddress((("a", 26379), ("b", 1), ("::1", 2)), primary="main", database=4, sentinel_password="x&y"),
        ),
        ("rediss+sentinel://u:p@a/main", RedisAddress((("a", 26379),), "", "main", 0, True, (), "u", "p")),
        ("unix:///run/r.sock?db=2", RedisAddress(socket_path="/run/r.sock", database=2)),
        ("unix://u:p@/run/r.sock", RedisAddress(socket_path="/run/r.sock", username="u", password="p")),
    ],
)
def test_an_address_says_where_and_how(url: str, address: RedisAddress) -> None:
    assert parse_redis_address(url) == address


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "must be the address of a Redis"),
        ("http://127.0.0.1", "must be the address of a Redis"),
        ("127.0.0.1:6379", "must be the address of a Redis"),
        ("redis://", "must be the address of a Redis"),
        ("redis://a:port", "names the server 'a:port'"),
        ("redis://a:70000", "names the server 'a:70000'"),
        ("redis://[::1", "names the server"),
        ("redis://a/main", "has the database 'main', which is no number"),
        ("redis://a,b", "names several servers"),
        ("redis+sentinel://a:26379", "does not say which primary"),
        ("redis+sentinel://a//0", "does not say which primary"),
        ("redis+sentinel://" + ",".join("a" * 17) + "/main", "more than 16 Sentinels"),
        ("redis://a?ssl_ca_certs=/ca.pem", "needs TLS"),
        ("rediss://a?ssl_keyfile=/k.pem", "without ssl_certfile"),
        ("redis://a/0#x", "must be the address of a Redis"),
        ("rediss://a?ssl_ca_certs=", "without a value"),
        ("redis://a?socket_timeout=60", "has the option socket_timeout"),
        ("redis://a?sentinel_password=x", "has the option sentinel_password"),
        ("unix://", "names no socket"),
        ("unix:///run/r.sock?db=x", "no number"),
    ],
)
def test_what_is_wrong_is_said(url: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_redis_address(url)


@given(st.text(max_size=60).map(lambda text: f"redis+sentinel://{text}") | st.text(max_size=60))
def test_whatever_is_given_is_an_address_or_refused_in_words(url: str) -> None:
    with contextlib.suppress(ValueError):
        address = parse_redis_address(url)
        assert all(host and 0 <= port < 65_536 for host, port in address.nodes)
        assert address.nodes or address.socket_path


def test_the_server_and_its_sentinels_have_passwords_of_their_own() -> None:
    address = parse_redis_address("rediss+sentinel://u:p@a/main?sentinel_password=s&ssl_ca_certs=/ca.pem")

    tls = {"ssl": True, "ssl_check_hostname": True, "ssl_ca_certs": "/ca.pem"}
    assert address.server_options() == {"db": 0, "username": "u", "password": "p", **tls}
    assert address.sentinel_options() == {"username": None, "password": "s", **tls}
    assert "'p'" not in repr(address)
    assert "'s'" not in repr(address)
