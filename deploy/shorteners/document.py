"""Short URLs as a document of Turnout's own: each is an offer, which says where visitors go, and a link with the slug.

The offer has a slug of its own, made from the short URL, so that a second import finds it again. A link is what answers
under the old address, for a slug may be on several domains, and can end at a time.
"""

import hashlib
from collections.abc import Collection, Sequence
from typing import Any, Final

from deploy.shorteners.shorturl import ShortUrl

TAGS: Final = "sub1"
"""Where tags go: clicks can be grouped by it."""

_MAX_SLUG: Final = 64
_MAX_PRESET: Final = 200
_DIGEST: Final = 8


def document(source: str, urls: Sequence[ShortUrl], known: Collection[str] = ()) -> dict[str, Any]:
    """Return what `/import` takes; offer and link of a short URL have its place in `urls`.

    Domains that are `known` are left as they are: their roots may lead somewhere by now.
    """
    return {
        "turnout": 1,
        "domains": [{"host": host} for host in new_hosts(urls, known)],
        "offers": [_offer(source, url) for url in urls],
        "links": [_link(source, url) for url in urls],
    }


def new_hosts(urls: Sequence[ShortUrl], known: Collection[str]) -> list[str]:
    """Return the domains that short URLs are on and nobody has registered yet."""
    return list(dict.fromkeys(url.domain for url in urls if url.domain and url.domain not in known))


def offer_slug(source: str, url: ShortUrl) -> str:
    """Return the slug of a short URL's offer: `shlink-spring`; with a digest on a domain, or where it is too long."""
    plain = f"{source}-{url.slug}"
    if url.domain is None and len(plain) <= _MAX_SLUG:
        return plain
    digest = hashlib.sha256(str(url).encode()).hexdigest()[:_DIGEST]
    return f"{plain[: _MAX_SLUG - _DIGEST - 1]}-{digest}"


def tag_preset(url: ShortUrl) -> str:
    """Return the tags as a sub-ID."""
    return ",".join(url.tags)[:_MAX_PRESET]


def _offer(source: str, url: ShortUrl) -> dict[str, Any]:
    """Visitors get what the old shortener gave them: no click id is added to where they go.

    What is switched off is so by its offer, whose own slug would answer otherwise.
    """
    offer: dict[str, Any] = {
        "slug": offer_slug(source, url),
        "name": url.name,
        "destination_url": url.destination_url,
        "status": "active" if url.enabled else "paused",
        "append_click_id": False,
        "pass_query": url.pass_query,
    }
    if url.rules:
        rules = [{"name": it.name, "when": it.when, "destination_url": it.destination_url} for it in url.rules]
        offer["smart_link"] = {"enabled": True, "rules": rules}
    return offer


def _link(source: str, url: ShortUrl) -> dict[str, Any]:
    link: dict[str, Any] = {
        "slug": url.slug,
        "domain": url.domain,
        "offer": offer_slug(source, url),
        "expires_at": url.expires_at.isoformat() if url.expires_at else None,
    }
    return link | ({TAGS: tag_preset(url)} if url.tags else {})
