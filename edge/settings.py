"""Every setting of the edge: read once from the environment, checked whole, then never changed.

The descriptions are the reference; README.md lists them, and a test holds both together.
"""

import os
import re
import socket
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.client_ip import TrustedProxies
from shared.redis_address import parse_redis_address, without_secrets

PREFIX: Final = "TURNOUT_"

_HEADER_NAME: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_EDGE_NAME: Final = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_ADDRESS: Final = re.compile(r"([A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):[0-9]{1,5}")
_MIB: Final = 1024 * 1024


class InvalidSettings(ValueError):
    """Settings the edge cannot start with; `faults` holds one sentence for each."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


def _redis_url(url: str) -> str:
    for option, file in parse_redis_address(url).files:
        if not os.access(file, os.R_OK):
            raise ValueError(f"names {file} in {option}, which cannot be read")
    return url


def _networks(value: object) -> object:
    """Split `10.0.0.0/8, ::1` into networks, each checked."""
    if not isinstance(value, str):
        return value
    networks = tuple(text.strip() for text in value.split(",") if text.strip())
    TrustedProxies.parse(networks)
    return networks


def _header_name(name: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise ValueError("must be the name of a header: letters, digits and hyphens")
    return name.lower()


def _edge_name(name: str) -> str:
    if not _EDGE_NAME.fullmatch(name):
        raise ValueError("must be 1 to 100 letters, digits, dots, colons, hyphens or underscores")
    return name


def _address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError("must be a host and a port, such as 10.0.0.5:8080 or [fd00::5]:8080")
    return address


RedisUrl = Annotated[str, AfterValidator(_redis_url)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_networks)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
EdgeName = Annotated[str, AfterValidator(_edge_name)]
Folder = Annotated[Path, AfterValidator(Path.expanduser)]


class EdgeSettings(BaseSettings):
    """What one edge is told at start: a field `name` is `TURNOUT_NAME` in the environment. Port 0 takes a free one."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    redis_url: RedisUrl = Field(
        description="Redis with the rules. Required: an edge that guessed could serve somebody else's links.",
    )
    redis_replica_url: RedisUrl | None = Field(
        default=None,
        description="A replica of that Redis, nearer by: rules are read and listened for there, while leases go to the "
        "primary. While it fails, the primary is read instead.",
    )
    clicks_redis_url: RedisUrl | None = Field(
        default=None,
        description="Redis that takes the clicks; where unset, the rules' one, so that one server is enough to begin.",
    )
    data_dir: Folder = Field(
        default=Path("~/.local/share/turnout"),
        validate_default=True,
        description="Folder of spools, snapshots and the unpacked country database: the edge's only state.",
    )
    host: str = Field(
        default="127.0.0.1",
        min_length=1,
        description="Address both ports listen on; this machine alone, until someone decides otherwise.",
    )
    edge_port: Port = Field(default=8080, description="Port for visitors.")
    edge_admin_port: Port = Field(
        default=8082,
        description="Port of `/livez`, `/readyz`, `/metrics` and `/version`; its own, out of the visitors' reach.",
    )
    edge_name: EdgeName | None = Field(
        default=None,
        description="The edge's name in leases; where unset `<host name>:<port>`, which no two edges can share.",
    )
    edge_address: Annotated[str, AfterValidator(_address)] | None = Field(
        default=None,
        description="`<host>:<port>` at which control asks this edge what it serves; where unset `TURNOUT_HOST`, or "
        "where that is every address the one from which this machine reaches Redis.",
    )
    edge_workers: int = Field(
        default=1,
        ge=1,
        le=256,
        description="Worker processes. More than one a core gains nothing.",
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="Networks whose X-Forwarded-For and country header are believed, separated by commas; "
        "none, because believing a stranger lets every visitor choose a country.",
    )
    country_header: HeaderName | None = Field(
        default=None,
        description="Header in which a trusted proxy names the country (`CF-IPCountry`); it beats the database.",
    )
    geo_db: Folder | None = Field(
        default=None,
        description="Country database (MMDB) in place of the packaged DB-IP Lite; a replaced file is taken up.",
    )
    dedupe_seconds: int = Field(
        default=0,
        ge=0,
        le=86_400,
        description="Seconds in which a visitor's further clicks on one link are duplicates; 0: every click counts.",
    )
    spool_quota_mb: int = Field(
        default=1024,
        ge=1,
        le=1_048_576,
        description="MiB of clicks, all workers together, kept while nobody takes them: about four million clicks.",
    )
    edge_cached_links: int = Field(
        default=100_000,
        ge=1_000,
        le=10_000_000,
        description="Links a worker keeps in memory, at most 1 KiB each: 100 MB once all are in use.",
    )
    edge_keep_alive_seconds: int = Field(
        default=75,
        ge=1,
        le=3_600,
        description="Seconds an idle connection stays open; longer than the 60 s of common balancers, who must be the "
        "first to close or they lose a request.",
    )
    ready_max_age_seconds: int = Field(
        default=86_400,
        ge=1,
        description="Seconds without Redis until `/readyz` says no. A day: old rules serve visitors better than no "
        "edge, and all edges lose Redis at once.",
    )
    drain_seconds: float = Field(
        default=0,
        ge=0,
        le=300,
        description="Seconds a stopping edge is unready and still serves, for a balancer to turn away first.",
    )
    log_format: str = Field(
        default="auto",
        pattern="^(auto|json|text)$",
        description="Log lines as `json` or `text`; `auto` is text on a terminal.",
    )
    log_level: str = Field(
        default="info",
        pattern="^(debug|info|warning|error)$",
        description="Least severe line logged. No level logs a line per click.",
    )

    @property
    def clicks_url(self) -> str:
        """The Redis that takes the clicks."""
        return self.clicks_redis_url or self.redis_url

    @property
    def spool_quota_bytes(self) -> int:
        """What one worker's spool may grow to."""
        return self.spool_quota_mb * _MIB // self.edge_workers

    def name_at(self, port: int) -> str:
        """Return the edge's name in leases when it listens on `port`."""
        return self.edge_name or f"{socket.gethostname()[:80]}:{port}"


def load(**given: Any) -> EdgeSettings:
    """Return the settings in the environment, beaten by those `given`. Raises InvalidSettings."""
    try:
        return EdgeSettings(**given)
    except ValidationError as exc:
        raise InvalidSettings([_sentence(dict(error)) for error in exc.errors(include_url=False)]) from exc


def _sentence(error: dict[str, Any]) -> str:
    name = PREFIX + str(error["loc"][0] if error["loc"] else "?").upper()
    if error["type"] == "missing":
        return f"{name} is not set: it must be the address of the Redis with the rules, redis://127.0.0.1:6379/0 say."
    reason = str(error["ctx"]["error"]) if error["type"] == "value_error" else str(error["msg"]).lower()
    return f"{name} is {without_secrets(str(error['input']))[:200]!r}: {reason}."
