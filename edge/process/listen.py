"""The sockets an edge listens on: one for each worker on the visitors' port, one on the admin port."""

import errno
import socket
from typing import Final

BACKLOG: Final = 4096
"""Connections that wait for a worker, while one is replaced too, per worker. The kernel may allow less."""


class CannotListen(Exception):
    """An address or port that cannot be had; the text says which and why."""


def listen_together(host: str, port: int, count: int) -> list[socket.socket]:
    """Return `count` sockets bound to one port, which the kernel spreads connections over; port 0 takes a free one.

    They are not listening yet, so that nobody is let in before a worker is there. Raises CannotListen.
    """
    _require_free(host, port)
    sockets: list[socket.socket] = []
    for _ in range(count):
        sockets.append(_bind(host, sockets[0].getsockname()[1] if sockets else port, shared=True))
    return sockets


def listen_alone(host: str, port: int) -> socket.socket:
    """Return a listening socket that nobody shares. Raises CannotListen."""
    listener = _bind(host, port, shared=False)
    listener.listen(64)
    listener.setblocking(False)
    return listener


def _require_free(host: str, port: int) -> None:
    """Refuse a port that another edge listens on: sharing it would answer half of its visitors from here."""
    if port:
        _bind(host, port, shared=False).close()


def _bind(host: str, port: int, *, shared: bool) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as exc:
        raise CannotListen(f"TURNOUT_HOST {host!r} is no address of this machine: {exc.strerror or exc}.") from exc
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(address)
    except OSError as exc:
        listener.close()
        raise CannotListen(_reason(exc, host, port)) from exc
    return listener


def _reason(exc: OSError, host: str, port: int) -> str:
    if exc.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is in use: stop what listens there, or choose another port."
    if exc.errno == errno.EACCES:
        return f"Port {port} on {host} is not for this user: ports below 1024 need a privilege."
    return f"Cannot listen on {host} port {port}: {exc.strerror}."
