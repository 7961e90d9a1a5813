"""From nouns to changes: what each edit publishes, and under which keys. Pure."""

from collections.abc import Iterable, Mapping

from control.publishing.outbox import Change
from shared.canary import Canary, compile_canary
from shared.domains import compile_domains, compile_salts
from shared.key import DEFAULT_DOMAIN, Key
from shared.pointer import Pointer, compile_pointer
from shared.rules import Offer
from shared.table import compile_offer
from shared.wire import DOMAINS, SALTS, pointer_key, table_key


def table_change(what: Offer | Canary) -> Change:
    """Return what every edit of an offer publishes, however many links point at it; both sides of a canary in one.

    Raises ValueError where a compiled table is too large.
    """
    if isinstance(what, Canary):
        return Change(table_key(what.new.id), compile_canary(what))
    return Change(table_key(what.id), compile_offer(what))


def offer_changes(what: Offer | Canary, domains: Iterable[str], left: Iterable[str] = ()) -> list[Change]:
    """Return an offer's table and its own slug, in the default namespace and on each of its `domains`.

    `left` names domains it is no longer on. Raises ValueError where the compiled table is too large.
    """
    offer = what.new if isinstance(what, Canary) else what
    pointer = Pointer(offer.id)
    stays = dict.fromkeys([DEFAULT_DOMAIN, *domains])
    gone = [Key(domain, offer.slug) for domain in dict.fromkeys(left) if domain not in stays]
    return [
        table_change(what),
        *(pointer_change(Key(domain, offer.slug), pointer) for domain in stays),
        *(removal(key) for key in gone),
    ]


def pointer_change(key: Key, pointer: Pointer) -> Change:
    """Return what publishes one link: where its slug, in its namespace, points."""
    return Change(pointer_key(key), compile_pointer(pointer))


def removal(key: Key) -> Change:
    """Return what makes a slug unknown."""
    return Change(pointer_key(key), None)


def domains_change(root_urls: Mapping[str, str | None], paused: Mapping[str, str | None] | None = None) -> Change:
    """Return what publishes the registered hosts (and `_`), each with where its root redirects.

    paused: hosts that are switched off -> where everybody goes, None for 410.
    """
    return Change(DOMAINS, compile_domains(root_urls, paused))


def salts_change(salts: Mapping[str, str]) -> Change:
    """Return what publishes the visitor-hash salts: UTC day -> 32 hex digits."""
    return Change(SALTS, compile_salts(salts))
