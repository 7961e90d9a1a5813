"""/offers"""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from control.access.guard import Admin, Editor, Viewer
from control.fields import OverrideQuery, PathId, SlugQuery
from control.offers import making, service
from control.offers.schemas import Offer, OfferCopy, OfferIn, OfferPatch, SavedOffer
from control.pagination import CursorDep, Page
from control.parts import PartsDep
from shared.rules import OfferStatus

router = APIRouter(prefix="/offers", tags=["offers"])


@router.get("", summary="List offers")
async def list_offers(
    parts: PartsDep,
    caller: Viewer,
    cursor: CursorDep,
    slug: SlugQuery = None,
    status: Annotated[OfferStatus | None, Query(description="Only those with this status")] = None,
) -> Page[Offer]:
    return await service.page(parts, caller, cursor, slug=slug, status=status)


@router.post("", status_code=201, summary="Add an offer")
async def create_offer(parts: PartsDep, caller: Editor, body: OfferIn) -> SavedOffer:
    return await making.create(parts, caller, body)


@router.get("/{offer_id}", summary="Get an offer")
async def get_offer(parts: PartsDep, caller: Viewer, offer_id: PathId) -> Offer:
    return await service.get(parts, caller, offer_id)


@router.patch("/{offer_id}", summary="Change an offer")
async def update_offer(
    parts: PartsDep, caller: Editor, offer_id: PathId, body: OfferPatch, override_tests: OverrideQuery = False
) -> SavedOffer:
    return await service.update(parts, caller, offer_id, body, override_tests=override_tests)


@router.post("/{offer_id}/pause", summary="Pause: clicks go to inactive_url, else 410")
async def pause_offer(parts: PartsDep, caller: Editor, offer_id: PathId) -> SavedOffer:
    return await service.set_status(parts, caller, offer_id, OfferStatus.PAUSED)


@router.post("/{offer_id}/activate", summary="Activate: clicks are redirected")
async def activate_offer(parts: PartsDep, caller: Editor, offer_id: PathId) -> SavedOffer:
    return await service.set_status(parts, caller, offer_id, OfferStatus.ACTIVE)


@router.post("/{offer_id}/archive", summary="Archive: clicks get 410")
async def archive_offer(parts: PartsDep, caller: Editor, offer_id: PathId) -> SavedOffer:
    return await service.set_status(parts, caller, offer_id, OfferStatus.ARCHIVED)


@router.post("/{offer_id}/clone", status_code=201, summary="Clone an offer, without its links")
async def clone_offer(
    parts: PartsDep,
    caller: Editor,
    offer_id: PathId,
    body: Annotated[OfferCopy | None, Body(description="Name and slug of the clone")] = None,
) -> SavedOffer:
    return await making.clone(parts, caller, offer_id, body or OfferCopy())


@router.post("/{offer_id}/postback-secret/rotate", summary="Replace the postback secret")
async def rotate_postback_secret(parts: PartsDep, caller: Admin, offer_id: PathId) -> Offer:
    return await service.rotate_secret(parts, caller, offer_id)
