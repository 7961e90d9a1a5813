"""What `up` finds on this machine before it starts anything: settings, free ports, a Redis. A fault is one sentence."""

import errno
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from control.settings import ControlSettings
from deploy import embedded_redis
from deploy.refusal import Refusal
from edge import settings as edge_settings

LOOPBACK: Final = "127.0.0.0/8,::1/128"
_ANY_ADDRESS: Final = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # noqa: S104 (compared, not bound)


@dataclass(frozen=True, slots=True)
class Machine:
    """The settings that `up` itself needs, every port a real one."""

    data_dir: Path
    host: str
    edge_port: int
    control_port: int
    edge_admin_port: int
    redis_url: str
    """The person's own rules Redis; "" where `up` is to run one."""
    clicks_redis_url: str
    """Theirs for clicks; "" where `up` is to run one."""
    drain_seconds: float

    @property
    def control_url(self) -> str:
        """Where this machine reaches control."""
        return _url(self.host, self.control_port)

    @property
    def edge_url(self) -> str:
        """Where this machine reaches the edge."""
        return _url(self.host, self.edge_port)

    @property
    def edge_admin_url(self) -> str:
        """Where this machine reaches the edge's admin port."""
        return _url(self.host, self.edge_admin_port)

    def environment(self) -> dict[str, str]:
        """Return what every part is told, so that all agree on what was worked out here."""
        return {
            "TURNOUT_DATA_DIR": str(self.data_dir),
            "TURNOUT_EDGE_PORT": str(self.edge_port),
            "TURNOUT_CONTROL_PORT": str(self.control_port),
            "TURNOUT_EDGE_ADMIN_PORT": str(self.edge_admin_port),
        }

    def require_free_ports(self) -> None:
        """Raise Refusal when something listens on one of the ports, or when the host is not this machine's."""
        ports = {
            "TURNOUT_EDGE_PORT": self.edge_port,
            "TURNOUT_CONTROL_PORT": self.control_port,
            "TURNOUT_EDGE_ADMIN_PORT": self.edge_admin_port,
        }
        for name, port in ports.items():
            twin = next((other for other, number in ports.items() if number == port and other != name), None)
            if twin:
                raise Refusal(f"{name} and {twin} are both {port}; each needs a port of its own.")
            _require_free(self.host, port, name)

    def require_given_redis(self) -> None:
        """Raise Refusal when a Redis that the person named does not answer."""
        for name, url in (("TURNOUT_REDIS_URL", self.redis_url), ("TURNOUT_CLICKS_REDIS_URL", self.clicks_redis_url)):
            reason = embedded_redis.answers(url) if url else None
            if reason:
                raise Refusal(f"The Redis at {without_password(url)} ({name}) does not answer: {reason}.")


def look() -> Machine:
    """Return this machine's settings from the environment. Raises Refusal naming the one that is at fault."""
    control, edge = control_settings(), _edge_settings()
    redis_url = os.environ.get("TURNOUT_REDIS_URL", "")
    return Machine(
        data_dir=control.data_dir.expanduser().absolute(),
        host=edge.host,
        edge_port=edge.edge_port or embedded_redis.free_port(),
        control_port=control.control_port or embedded_redis.free_port(),
        edge_admin_port=edge.edge_admin_port or embedded_redis.free_port(),
        redis_url=redis_url,
        clicks_redis_url=os.environ.get("TURNOUT_CLICKS_REDIS_URL") or redis_url,
        drain_seconds=edge.drain_seconds,
    )


def control_settings() -> ControlSettings:
    """Return control's settings from the environment. Raises Refusal naming the one that is at fault."""
    try:
        return ControlSettings()
    except ValidationError as exc:
        fault = exc.errors(include_url=False)[0]
        name = f"TURNOUT_{str(fault['loc'][0]).upper()}" if fault["loc"] else "A setting"
        raise Refusal(f"{name} is {os.environ.get(name, '')[:200]!r}: {fault['msg']}.") from exc


def _edge_settings() -> edge_settings.EdgeSettings:
    given = {} if os.environ.get("TURNOUT_REDIS_URL") else {"redis_url": "redis://127.0.0.1"}
    try:
        return edge_settings.load(**given)
    except edge_settings.InvalidSettings as exc:
        raise Refusal(exc.faults[0]) from exc


def without_password(url: str) -> str:
    """Return a Redis or database URL fit to be shown."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()


def _require_free(host: str, port: int, name: str) -> None:
    """Raise Refusal unless `port` can be listened on: a port in TIME_WAIT can, one with a listener cannot."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as exc:
        if exc.errno == errno.EADDRINUSE:
            raise Refusal(f"Port {port} is in use by another program; choose another in {name}.") from exc
        if exc.errno == errno.EACCES:
            raise Refusal(f"Port {port} is for privileged programs only; choose another in {name}.") from exc
        raise Refusal(f"Cannot listen on {host} (TURNOUT_HOST), port {port}: {exc.strerror}.") from exc


def _url(host: str, port: int) -> str:
    reached = _ANY_ADDRESS.get(host, host)
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"
