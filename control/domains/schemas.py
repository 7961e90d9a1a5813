"""Domains as the API takes and gives them."""

import re
from enum import StrEnum
from typing import Annotated, Final

import idna
from pydantic import AfterValidator, Field

from control.fields import Input, Output, TimeOut, Url, unset

_HOST: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)(\.(?!-)[a-z0-9-]{1,63}(?<!-))*")


def _host(written: str) -> str:
    """Return a host as it is stored: lower-case A-labels, no port, no final dot."""
    name = written.strip().lower().removesuffix(".")
    try:
        name = name if name.isascii() else idna.encode(name, uts46=True).decode()
    except (idna.IDNAError, UnicodeError) as exc:
        raise ValueError("this is no host name") from exc
    if len(name) > 253 or not _HOST.fullmatch(name):
        raise ValueError("a host looks like go.example.com, without scheme, port or path")
    return name


class DomainStatus(StrEnum):
    """Whether links on a domain redirect, or all of it goes to `inactive_url`, else answers 410."""

    ACTIVE = "active"
    PAUSED = "paused"


class DomainIn(Input):
    """A host to register; its root answers 404 unless `root_url` says where it redirects.

    While it is paused all that is asked of it goes to `inactive_url`, else answers 410.
    """

    host: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)] = Field(
        examples=["go.yourbrand.com"]
    )
    root_url: Url | None = Field(default=None, examples=["https://yourbrand.com"])
    inactive_url: Url | None = Field(default=None, examples=["https://yourbrand.com/sorry"])
    status: DomainStatus = DomainStatus.ACTIVE


class DomainPatch(Input):
    """What of a domain can change: the host is in links that people have shared."""

    root_url: Url | None = Field(default_factory=unset, examples=["https://yourbrand.com"])
    inactive_url: Url | None = Field(default_factory=unset, examples=["https://yourbrand.com/sorry"])


class Domain(Output):
    """A registered host."""

    id: str = Field(examples=["d_mfzwizltoq2dgnbt"])
    host: str
    root_url: str | None
    inactive_url: str | None
    status: DomainStatus
    created_at: TimeOut


class SavedDomain(Domain):
    """A domain as it was just stored; `sequence` is the publish that makes it live (`GET /propagation`)."""

    sequence: int
