"""Workers share a port that no other edge can share; what cannot be had is said in one sentence."""

import socket

import pytest

from edge.process.listen import CannotListen, listen_alone, listen_together


def test_all_sockets_are_bound_to_one_port() -> None:
    sockets = listen_together("127.0.0.1", 0, 3)

    assert len({each.getsockname() for each in sockets}) == 1
    for each in sockets:
        each.close()


def test_nobody_is_let_in_before_a_worker_listens() -> None:
    (bound,) = listen_together("127.0.0.1", 0, 1)

    with bound, pytest.raises(ConnectionRefusedError):
        socket.create_connection(bound.getsockname(), timeout=5)


def test_a_second_edge_cannot_share_the_port_of_the_first() -> None:
    (first,) = listen_together("127.0.0.1", 0, 1)
    with first:
        first.listen()
        port = first.getsockname()[1]

        with pytest.raises(CannotListen, match=f"Port {port} on 127.0.0.1 is in use"):
            listen_together("127.0.0.1", port, 1)


def test_a_used_admin_port_is_named() -> None:
    with listen_alone("127.0.0.1", 0) as used:
        port = used.getsockname()[1]

        with pytest.raises(CannotListen, match=f"Port {port} "):
            listen_alone("127.0.0.1", port)


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(CannotListen, match=r"192\.0\.2\.1"):
        listen_alone("192.0.2.1", 0)


def test_ipv6_is_an_address_too() -> None:
    try:
        listener = listen_alone("::1", 0)
    except CannotListen:
        pytest.skip("this machine has no IPv6")

    with listener:
        assert listener.family is socket.AF_INET6
