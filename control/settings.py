"""Settings of the control plane: read once from the environment, refused at start when wrong."""

import ipaddress
import os
import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.redis_address import parse_redis_address

NEVER_SCHEMES: Final = frozenset(
    "javascript data vbscript blob file filesystem about view-source intent content ws wss ftp jar chrome".split()  # noqa: SIM905
)
"""Schemes that run code, read local files or open something unchecked: no setting allows them."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]{0,30}")


def _default_data_dir() -> Path:
    return Path.home() / ".local" / "share" / "turnout"


class ControlSettings(BaseSettings):
    """Each field is the environment variable TURNOUT_<NAME>; an empty variable counts as absent."""

    model_config = SettingsConfigDict(
        env_prefix="TURNOUT_", env_ignore_empty=True, frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    data_dir: Path = Field(default_factory=_default_data_dir)
    """Folder of the SQLite databases."""
    database_url: str = ""
    """`postgresql://...` holds both databases; empty: control.db and clicks.db in the data folder."""
    redis_url: str = "redis://127.0.0.1:6379/0"
    """The rules Redis."""
    clicks_redis_url: str = ""
    """The clicks Redis; empty: the same server as the rules."""

    host: str = "127.0.0.1"
    """Address to listen on."""
    control_port: int = Field(default=8081, ge=0, le=65535)
    """Port of the API and the admin pages; 0 takes a free one."""
    edge_port: int = Field(default=8080, ge=0, le=65535)
    """Where the edge listens, for links that are shown while no public URL is set."""
    public_url: str = ""
    """What every `url` shown begins with; empty: the edge's own address."""
    root_url: str = ""
    """Where the bare public URL redirects; empty: 404."""

    bootstrap_api_key: SecretStr = SecretStr("")
    """An admin's API key, used at the first start only; empty: made up then, and printed once."""
    admin_password: SecretStr = SecretStr("")
    """Password of `admin`, used at the first start only; empty: made up then, and printed once."""

    trusted_proxies: str = ""
    """CIDRs of proxies in front of control, whose X-Forwarded-For and -Proto are believed."""
    geo_db: str = ""
    """MMDB for "test a visitor"; empty: the one that comes with the package."""
    app_schemes: Annotated[tuple[str, ...], NoDecode] = ()
    """Schemes besides http and https that a destination may have, such as `itms-apps,market`."""
    audit_edges: bool = True
    """Ask every edge over HTTP, all the time, whether it serves what SQL says; no where control cannot reach edges."""
    session_hours: int = Field(default=24 * 7, ge=1, le=24 * 365)
    """Hours that a login lasts."""
    click_retention_days: int = Field(default=90, ge=1, le=3650)
    """Days that single clicks are kept; charts go on from their sums."""
    log_format: Literal["auto", "json", "text"] = "auto"
    """How log lines look; `auto` is text on a terminal, else JSON."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """Least severe line that is logged."""

    @field_validator("redis_url", "clicks_redis_url")
    @classmethod
    def _check_redis(cls, value: str) -> str:
        for option, file in parse_redis_address(value).files if value else ():
            if not os.access(file, os.R_OK):
                raise ValueError(f"names {file} in {option}, which cannot be read")
        return value

    @field_validator("app_schemes", mode="before")
    @classmethod
    def _split_schemes(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(name.strip().lower().removesuffix(":") for name in value.split(",") if name.strip())

    @field_validator("app_schemes")
    @classmethod
    def _check_schemes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name in NEVER_SCHEMES or not _SCHEME.fullmatch(name):
                raise ValueError(f"{name!r} is no scheme that a destination may have")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: str) -> str:
        for cidr in filter(None, (part.strip() for part in value.split(","))):
            ipaddress.ip_network(cidr, strict=False)
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment):
            raise ValueError("a public URL looks like https://go.example.com")
        return value.rstrip("/")

    @property
    def config_database(self) -> str:
        """URL of the configuration database."""
        return self.database_url or f"sqlite:///{self.data_dir / 'control.db'}"

    @property
    def clicks_database(self) -> str:
        """URL of the clicks database: under SQLite a file of its own beside the configuration's."""
        if self.database_url.startswith("sqlite"):
            return f"{self.database_url.removesuffix('.db')}-clicks.db"
        return self.database_url or f"sqlite:///{self.data_dir / 'clicks.db'}"

    @property
    def clicks_redis(self) -> str:
        """URL of the clicks Redis."""
        return self.clicks_redis_url or self.redis_url

    @property
    def links_base(self) -> str:
        """What a link on no domain of its own begins with, without slash."""
        if self.public_url:
            return self.public_url
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::", "") else self.host  # noqa: S104  # compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.edge_port}"
