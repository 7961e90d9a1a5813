"""Links of Kutt, as `GET /api/v2/links` gives them."""

from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, Field

from deploy.shorteners.reading import checked
from deploy.shorteners.shorturl import CannotMove, Left, ShortUrl, host_from, name_from, slug_from


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time


class Link(BaseModel):
    """What Kutt says of a link, as far as it matters here."""

    address: Annotated[str, Field(min_length=1)]
    target: Annotated[str, Field(min_length=1)]
    description: str | None = None
    domain: str | None = None
    banned: bool = False
    password: bool = False
    expire_in: Annotated[datetime, AfterValidator(_utc)] | None = None
    visit_count: int = 0


def short_url(number: int, entry: Any, now: datetime) -> ShortUrl:
    """Return the link in `entry`. Raises CannotMove."""
    del now
    link = checked(Link, entry)
    if link.password:
        raise CannotMove("it asks for a password, and Turnout has none: moved, it would be open to everybody")
    return ShortUrl(
        number=number,
        slug=slug_from(link.address),
        domain=host_from(link.domain),
        name=name_from(link.description, link.target),
        destination_url=link.target,
        pass_query=False,
        enabled=not link.banned,
        expires_at=link.expire_in,
        left=(Left("visits", f"{link.visit_count} visits"),) if link.visit_count else (),
    )
