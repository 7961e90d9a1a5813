"""Where a Redis is, as a URL says it: one server, or whichever one Sentinel calls the primary; in the clear or by TLS.

    redis://[user:password@]host[:6379][/database]
    redis+sentinel://[user:password@]host[:26379][,host...]/primary name[/database]
    unix://[user:password@]/path/of/socket[?db=database]

`rediss` and `rediss+sentinel` are the same by TLS. Options, after a `?`: `ssl_ca_certs` (file of the authorities that
are believed, besides the system's), `ssl_certfile` and `ssl_keyfile` (who we are, where the server asks),
`sentinel_username` and `sentinel_password` (where the Sentinels have passwords of their own). User, password and
options are percent-encoded.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

REDIS_PORT: Final = 6379
SENTINEL_PORT: Final = 26379
MAX_SENTINELS: Final = 16

_URL: Final = re.compile(
    r"(?P<scheme>rediss?(?:\+sentinel)?|unix)://(?:(?P<user>[^/?#]*)@)?(?P<hosts>[^/?#@]*)"
    r"(?P<path>/[^?#]*)?(?:\?(?P<query>[^#]*))?"
)
_HOST: Final = re.compile(r"(?:\[(?P<v6>[0-9a-fA-F:.]+)\]|(?P<name>[^\[\]:\s]+))(?::(?P<port>[0-9]{1,5}))?")
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SENTINEL_OPTIONS: Final = ("sentinel_username", "sentinel_password")
_FORMS: Final = (
    "must be the address of a Redis, such as redis://127.0.0.1:6379/0,"
    " rediss://user:password@host:6379/0 (TLS) or redis+sentinel://host:26379,host:26379/primary"
)


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """One Redis. With a `primary`, `nodes` are Sentinels that know it by this name; else the one node is the server.

    `files` are names of files by option, as the client library calls them. No password is in its repr.
    """

    nodes: tuple[tuple[str, int], ...] = ()
    socket_path: str = ""
    primary: str = ""
    database: int = 0
    tls: bool = False
    files: tuple[tuple[str, str], ...] = ()
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sentinel_username: str | None = None
    sentinel_password: str | None = field(default=None, repr=False)

    def server_options(self) -> dict[str, Any]:
        """Return what the client library takes to connect to the server itself; its place only where that is fixed."""
        options = {"db": self.database, "username": self.username, "password": self.password, **self._tls_options()}
        if self.socket_path:
            options["unix_socket_path"] = self.socket_path
        elif not self.primary:
            options["host"], options["port"] = self.nodes[0]
        return options

    def sentinel_options(self) -> dict[str, Any]:
        """Return what the client library takes to connect to one of the Sentinels."""
        return {"username": self.sentinel_username, "password": self.sentinel_password, **self._tls_options()}

    def _tls_options(self) -> dict[str, Any]:
        return {"ssl": True, "ssl_check_hostname": True, **dict(self.files)} if self.tls else {}


def parse_redis_address(url: str) -> RedisAddress:
    """Return the address in `url`. Raises ValueError with what is wrong, in words that go on from "it"."""
    found = _URL.fullmatch(url)
    if found is None:
        raise ValueError(_FORMS)
    scheme, path = found["scheme"], found["path"] or ""
    is_unix, by_sentinel = scheme == "unix", scheme.endswith("+sentinel")
    options = _options(scheme, found["query"] or "")
    username, _, password = (found["user"] or "").partition(":")
    primary, rest = _primary_in(path) if by_sentinel else ("", path)
    return RedisAddress(
        nodes=() if is_unix else _nodes(found["hosts"], by_sentinel),
        socket_path=_socket_path(path) if is_unix else "",
        primary=primary,
        database=_database(options.get("db", "") if is_unix else rest.strip("/")),
        tls=scheme.startswith("rediss"),
        files=tuple((name, options[name]) for name in _FILES if name in options),
        username=unquote(username) or None,
        password=unquote(password) or None,
        **{name: options[name] for name in _SENTINEL_OPTIONS if name in options},
    )


def without_secrets(url: str) -> str:
    """Return a URL, of a Redis or a database, fit to be shown: without user, password and options."""
    scheme, separator, rest = url.partition("://")
    if not separator:
        return url
    hosts, slash, path = rest.partition("/")
    return f"{scheme}://{hosts.rpartition('@')[2].partition('?')[0]}{slash}{path.partition('?')[0]}"


def _options(scheme: str, query: str) -> dict[str, str]:
    allowed: tuple[str, ...] = ("db",) if scheme == "unix" else ()
    allowed += _FILES if scheme.startswith("rediss") else ()
    allowed += _SENTINEL_OPTIONS if scheme.endswith("+sentinel") else ()
    options = dict(parse_qsl(query, keep_blank_values=True))
    for name, value in options.items():
        if name in _FILES and name not in allowed:
            raise ValueError(f"has {name}, which needs TLS: begin with rediss")
        if name not in allowed:
            raise ValueError(f"has the option {name[:40]}, which is none of {', '.join(allowed) or 'what it may have'}")
        if not value:
            raise ValueError(f"has {name} without a value")
    if "ssl_keyfile" in options and "ssl_certfile" not in options:
        raise ValueError("has ssl_keyfile without ssl_certfile")
    return options


def _nodes(text: str, by_sentinel: bool) -> tuple[tuple[str, int], ...]:
    hosts = text.split(",")
    if len(hosts) > 1 and not by_sentinel:
        raise ValueError("names several servers, which only redis+sentinel:// may")
    if len(hosts) > MAX_SENTINELS:
        raise ValueError(f"names more than {MAX_SENTINELS} Sentinels")
    return tuple(_node(host, SENTINEL_PORT if by_sentinel else REDIS_PORT) for host in hosts)


def _node(text: str, default_port: int) -> tuple[str, int]:
    found = _HOST.fullmatch(text)
    if found is None or int(found["port"] or 0) > 65_535:
        raise ValueError(f"names the server {text[:80]!r}: {_FORMS}" if text else _FORMS)
    return found["v6"] or unquote(found["name"]), int(found["port"] or default_port)


def _primary_in(path: str) -> tuple[str, str]:
    """Return the primary's name, and what of the path follows it."""
    primary, _, rest = path.removeprefix("/").partition("/")
    if not primary:
        raise ValueError("does not say which primary: it looks like redis+sentinel://host:26379/primary")
    return unquote(primary), rest


def _socket_path(path: str) -> str:
    if len(path) < 2:
        raise ValueError("names no socket: it looks like unix:///run/redis.sock")
    return unquote(path)


def _database(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= 5):
        raise ValueError(f"has the database {text[:40]!r}, which is no number")
    return int(text or 0)
