"""A short URL of another shortener, as Turnout can have it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from shared.key import is_slug, normalise_host

MAX_NAME: Final = 200


class CannotMove(ValueError):
    """Why an entry cannot be imported at all: one sentence."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as Turnout has it."""

    name: str
    when: Mapping[str, Sequence[str]]
    destination_url: str


@dataclass(frozen=True, slots=True)
class Left:
    """Something of an entry that stays behind: `what` names it for the sum, `detail` says it of this one."""

    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class ShortUrl:
    """One short URL; `domain` None is the default one, `number` its place in the file, from 1."""

    number: int
    slug: str
    domain: str | None
    name: str
    destination_url: str
    pass_query: bool
    rules: tuple[Rule, ...] = ()
    tags: tuple[str, ...] = ()
    enabled: bool = True
    expires_at: datetime | None = None
    left: tuple[Left, ...] = field(default=())

    @property
    def key(self) -> tuple[str | None, str]:
        """What tells short URLs apart."""
        return self.domain, self.slug

    def __str__(self) -> str:
        return f"{self.domain or ''}/{self.slug}"


def slug_from(written: str) -> str:
    """Return a short code as a slug, which is the same in every case. Raises CannotMove."""
    slug = written.strip("/").lower()
    if not (written.isascii() and is_slug(slug)):
        raise CannotMove(
            f"{written[:80]!r} cannot be a slug here: 1 to 64 letters a-z, digits, hyphens and underscores, beginning "
            "with a letter or digit"
        )
    return slug


def host_from(written: str | None) -> str | None:
    """Return a domain as Turnout registers it, without a port; None for the default one."""
    return normalise_host(written.strip()) if written else None


def name_from(*texts: str | None) -> str:
    """Return the first text that says something, fit to be a name."""
    printable = ("".join(it for it in text if it.isprintable()).strip() for text in texts if text)
    return next((text[:MAX_NAME] for text in printable if text), "Imported")
