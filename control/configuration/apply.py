"""Taking the steps of a plan: what others refer to comes first, links and coupons five hundred at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import select

from control.access.roles import Caller
from control.bulk import Refused
from control.configuration.document import CouponDoc, LinkDoc, OfferDoc
from control.configuration.plan import Step
from control.coupons import service as coupons
from control.coupons.models import CouponRow, fold
from control.coupons.schemas import CouponIn, CouponPatch
from control.domains import service as domains
from control.domains.models import DomainRow
from control.domains.schemas import DomainIn, DomainPatch
from control.errors import FieldError, Problem
from control.links import service as links
from control.links.batch import MAX_ROWS
from control.links.models import LinkRow
from control.links.schemas import LinkIn, LinkPatch
from control.offers import making
from control.offers import service as offers
from control.offers.models import OfferRow
from control.offers.schemas import OfferIn, OfferPatch
from control.partners import service as partners
from control.partners.models import PartnerRow
from control.partners.schemas import PartnerIn, PartnerPatch
from control.parts import Parts
from control.savedtests import service as saved_tests
from control.smartlinks import service as smart_links
from control.smartlinks.writing import Guard
from shared.key import DEFAULT_DOMAIN
from shared.rules import OfferStatus

_PLAIN: Final = tuple(name for name in OfferPatch.model_fields if name not in ("slug", "domain_ids"))


async def apply(parts: Parts, caller: Caller, steps: Sequence[Step], *, override_tests: bool) -> None:
    """Take `steps` in order, each in a transaction of its own or of its like; taking them again is harmless.

    `override_tests` saves offers and smart links although saved tests fail. Raises Problem where somebody else's edit
    came between the plan and its step; what was done stays done.
    """
    for step in steps:
        if step.kind == "domain":
            await _domain(parts, caller, step)
        elif step.kind == "partner":
            await _partner(parts, caller, step)
    ids = await _Ids.read(parts)
    for step in steps:
        if step.kind == "offer":
            await _offer(parts, caller, step, ids, override_tests=override_tests)
    ids = await _Ids.read(parts)
    await _links(parts, caller, [step for step in steps if step.kind == "link"], ids)
    await _coupons(parts, caller, [step for step in steps if step.kind == "coupon"], ids)
    await parts.live.publish()


@dataclass(frozen=True, slots=True)
class _Ids:
    """Name -> id of what steps refer to."""

    offers: Mapping[str, str]
    partners: Mapping[str, str]
    domains: Mapping[str, str]

    @classmethod
    async def read(cls, parts: Parts) -> "_Ids":
        async with parts.db.read() as session:
            queries = (
                select(OfferRow.slug, OfferRow.id),
                select(PartnerRow.slug, PartnerRow.id),
                select(DomainRow.host, DomainRow.id),
            )
            return cls(*[dict((await session.execute(query)).all()) for query in queries])


async def _domain(parts: Parts, caller: Caller, step: Step) -> None:
    assert isinstance(step.wanted, DomainIn)
    if step.action == "create":
        await domains.create(parts, caller, step.wanted)
        return
    async with parts.db.read() as session:
        domain_id = await session.scalar(select(DomainRow.id).where(DomainRow.host == step.key)) or ""
    urls = {name: getattr(step.wanted, name) for name in DomainPatch.model_fields if name in step.fields}
    await domains.update(parts, caller, domain_id, DomainPatch(**urls))
    if "status" in step.fields:
        await domains.set_status(parts, caller, domain_id, step.wanted.status)


async def _partner(parts: Parts, caller: Caller, step: Step) -> None:
    assert isinstance(step.wanted, PartnerIn)
    if step.action == "create":
        await partners.create(parts, caller, step.wanted)
        return
    async with parts.db.read() as session:
        partner_id = await session.scalar(select(PartnerRow.id).where(PartnerRow.slug == step.key))
    await partners.update(parts, caller, partner_id or "", PartnerPatch(name=step.wanted.name))


async def _offer(parts: Parts, caller: Caller, step: Step, ids: _Ids, *, override_tests: bool) -> None:
    """Create or change one offer; its tests come before what is held against them."""
    doc = step.wanted
    assert isinstance(doc, OfferDoc)
    plain: dict[str, Any] = {name: getattr(doc, name) for name in _PLAIN}
    domain_ids = [ids.domains[host] for host in doc.domains]
    if step.action == "create":
        wanted = OfferIn(slug=doc.slug, smart_link=doc.smart_link, domain_ids=domain_ids, **plain)
        offer = await making.create(parts, caller, wanted)
        if doc.status != OfferStatus.ACTIVE:
            await offers.set_status(parts, caller, offer.id, doc.status)
        await saved_tests.put(parts, caller, offer.id, doc.tests)
        return
    offer_id = ids.offers[doc.slug]
    changed = {name: value for name, value in plain.items() if name in step.fields}
    if "domains" in step.fields:
        changed["domain_ids"] = domain_ids
    link = doc.smart_link if "smart_link" in step.fields else None
    if "tests" in step.fields:
        await saved_tests.put(parts, caller, offer_id, doc.tests)
    if changed:
        patch = OfferPatch(**changed)
        override = override_tests and link is None
        await offers.update(parts, caller, offer_id, patch, override_tests=override, tests_follow=link is not None)
    if "status" in step.fields:
        await offers.set_status(parts, caller, offer_id, doc.status)
    if link is not None:
        await smart_links.save(parts, caller, offer_id, link, guard=Guard(), wait_s=0, override_tests=override_tests)


async def _links(parts: Parts, caller: Caller, steps: Sequence[Step], ids: _Ids) -> None:
    new = [step.wanted for step in steps if step.action == "create"]
    for start in range(0, len(new), MAX_ROWS):
        wanted = [_link(doc, ids) for doc in new[start : start + MAX_ROWS] if isinstance(doc, LinkDoc)]
        _require_all(await links.create_many(parts, caller, wanted))
    for step in steps:
        doc = step.wanted
        if step.action == "update" and isinstance(doc, LinkDoc):
            query = select(LinkRow.id).where(LinkRow.slug == doc.slug, LinkRow.domain == (doc.domain or DEFAULT_DOMAIN))
            async with parts.db.read() as session:
                link_id = await session.scalar(query)
            fields = _link(doc, ids).model_dump(exclude={"slug", "domain_id"})
            await links.update(parts, caller, link_id or "", LinkPatch(**fields))


def _link(doc: LinkDoc, ids: _Ids) -> LinkIn:
    return LinkIn(
        offer_id=ids.offers[doc.offer],
        partner_id=ids.partners[doc.partner] if doc.partner else None,
        domain_id=ids.domains[doc.domain] if doc.domain else None,
        **doc.model_dump(exclude={"offer", "partner", "domain"}),
    )


async def _coupons(parts: Parts, caller: Caller, steps: Sequence[Step], ids: _Ids) -> None:
    new = [step.wanted for step in steps if step.action == "create"]
    for start in range(0, len(new), MAX_ROWS):
        wanted = [_coupon(doc, ids) for doc in new[start : start + MAX_ROWS] if isinstance(doc, CouponDoc)]
        _require_all(await coupons.create_many(parts, caller, wanted))
    for step in steps:
        doc = step.wanted
        if step.action == "update" and isinstance(doc, CouponDoc):
            wanted_coupon = _coupon(doc, ids)
            query = select(CouponRow.id).where(
                CouponRow.offer_id == wanted_coupon.offer_id, CouponRow.folded == fold(doc.code)
            )
            async with parts.db.read() as session:
                coupon_id = await session.scalar(query)
            patch = CouponPatch(code=doc.code, partner_id=wanted_coupon.partner_id)
            await coupons.update(parts, caller, coupon_id or "", patch)


def _coupon(doc: CouponDoc, ids: _Ids) -> CouponIn:
    return CouponIn(code=doc.code, offer_id=ids.offers[doc.offer], partner_id=ids.partners[doc.partner])


def _require_all(results: Sequence[object]) -> None:
    """Raise Problem 409 where somebody took a slug or a code between the plan and this."""
    for result in results:
        if isinstance(result, Refused):
            error = result.errors[0]
            raise Problem(409, error.code, error.message, [FieldError("", error.code, error.message)])
