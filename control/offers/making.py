"""New offers: as somebody asks for them, or like another one."""

from typing import Any, Final

from control.access.roles import Caller
from control.db import now_ms
from control.destinations import UrlRules
from control.ids import new_id, new_secret
from control.offers import checks, store
from control.offers.compiled import draft_of
from control.offers.models import OfferRow
from control.offers.schemas import OfferCopy, OfferIn, SavedOffer
from control.offers.writing import store_first
from control.parts import Parts
from control.savedtests import service as saved_tests
from control.smartlinks import store as smart_links
from control.smartlinks.drafts import CheckedDraft, check_draft
from shared.rules import OfferStatus

_COPIED: Final = (
    "destination_url",
    "destination_final",
    "status",
    "inactive_url",
    "inactive_final",
    "redirect_status",
    "append_click_id",
    "pass_query",
    "currency",
)
_EMPTY: Final = CheckedDraft(enabled=False, fallback_url=None, fallback_final=None, rules=())


async def create(parts: Parts, caller: Caller, wanted: OfferIn) -> SavedOffer:
    """Add an offer. Raises Problem 409 where the slug is taken, 422."""
    urls = UrlRules(parts.settings.app_schemes)
    finals = checks.finals(urls, wanted.destination_url, wanted.inactive_url)
    draft = _EMPTY if wanted.smart_link is None else check_draft(wanted.smart_link, urls)
    async with parts.db.write() as session:
        hosts = await checks.require_domains(session, wanted.domain_ids)
        await checks.require_free(session, wanted.slug)
        row = _new(wanted, finals)
        session.add(row)
        await session.flush()
        await store.set_domains(session, row.id, wanted.domain_ids)
        offer = await store_first(session, parts.settings, caller, row, draft=draft, hosts=hosts)
    await parts.live.publish()
    return offer


async def clone(parts: Parts, caller: Caller, offer_id: str, wanted: OfferCopy) -> SavedOffer:
    """Add an offer like another one: its smart link under fresh rule ids, its saved tests, its own secret, no links.

    Raises Problem 404; 409 where the slug is taken.
    """
    async with parts.db.write() as session:
        original = await store.require(session, offer_id)
        slug = wanted.slug or await checks.free_copy_slug(session, original.slug)
        await checks.require_free(session, slug)
        current = draft_of(await smart_links.current(session, original))
        draft = current.with_new_ids()
        hosts = (await store.domains(session, [original.id]))[original.id]
        row = _copy(original, slug, wanted.name or f"{original.name[:190]} (copy)")
        session.add(row)
        await session.flush()
        await store.set_domains(session, row.id, [host.id for host in hosts])
        offer = await store_first(session, parts.settings, caller, row, draft=draft, hosts=hosts)
        rule_ids = {old.id: new.id for old, new in zip(current.rules, draft.rules, strict=True)}
        await saved_tests.copy(session, caller, original.id, row.id, rule_ids)
    await parts.live.publish()
    return offer


def _new(wanted: OfferIn, finals: tuple[str, str | None]) -> OfferRow:
    now = now_ms()
    return OfferRow(
        id=new_id("o"),
        slug=wanted.slug,
        name=wanted.name,
        destination_url=wanted.destination_url,
        destination_final=finals[0],
        status=OfferStatus.ACTIVE,
        inactive_url=wanted.inactive_url,
        inactive_final=finals[1],
        redirect_status=wanted.redirect_status,
        append_click_id=wanted.append_click_id,
        pass_query=wanted.pass_query,
        currency=wanted.currency,
        postback_secret=new_secret("pb"),
        revision=0,
        created_at=now,
        updated_at=now,
    )


def _copy(original: OfferRow, slug: str, name: str) -> OfferRow:
    fields: dict[str, Any] = {field: getattr(original, field) for field in _COPIED}
    now = now_ms()
    return OfferRow(
        id=new_id("o"),
        slug=slug,
        name=name,
        postback_secret=new_secret("pb"),
        revision=0,
        created_at=now,
        updated_at=now,
        **fields,
    )
