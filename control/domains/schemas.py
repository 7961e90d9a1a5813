"""Domains as the API takes and gives them."""

import re
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


class DomainIn(Input):
    """A host to register; its root answers 404 unless `root_url` says where it redirects."""

    host: Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)] = Field(
        examples=["go.yourbrand.com"]
    )
    root_url: Url | None = Field(default=None, examples=["https://yourbrand.com"])


class DomainPatch(Input):
    """What of a domain can change: the host is in links that people have shared."""

    root_url: Url | None = Field(default_factory=unset, examples=["https://yourbrand.com"])


class Domain(Output):
    """A registered host."""

    id: str = Field(examples=["d_mfzwizltoq2dgnbt"])
    host: str
    root_url: str | None
    created_at: TimeOut
