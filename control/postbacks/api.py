"""/postback/{offer_slug}, which shops call; under /api/v1 also /offers/{offer_id}/postbacks and "send test"."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request, Response

from control.access.guard import Editor, Viewer
from control.conversions.schemas import Conversion
from control.errors import MEDIA_TYPE
from control.fields import PathId
from control.pagination import CursorDep, Page
from control.parts import PartsDep
from control.postbacks import service
from control.postbacks.reading import SECRET, SECRET_HEADER
from control.postbacks.schemas import Outcome, Postback, PostbackTest, TestedPostback

REPLAYED: Final = "Idempotent-Replayed"

_PARAMETERS: Final[dict[str, str]] = {
    "click_id": "The click's id, as the destination got it",
    "coupon": "The code that the buyer used; `coupon_code` means the same",
    "txn_id": "Number of the sale: what is reported again with it counts once",
    "amount": "Like 49.90; without it, nothing, and of a refund all that is left of its sale",
    "currency": "The offer's, such as EUR; may be left out",
    "event": "What happened; without it, `sale`. `refund`, `chargeback` and `rejected` take a sale back",
    "refund_id": "Number of the refund, where one sale may have several",
    SECRET: f"The offer's secret, here, in {SECRET_HEADER} or as a Bearer token",
}
_TEXT: Final = {"type": "string"}
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {name: {**_TEXT, "description": about} for name, about in _PARAMETERS.items()},
    "example": {"click_id": "0abc", "txn_id": "1042", "amount": "49.90", "currency": "EUR", "secret": "pb_..."},
}
_IN_QUERY: Final[dict[str, Any]] = {
    "parameters": [
        *(
            {"name": name, "in": "query", "required": False, "schema": _TEXT, "description": about}
            for name, about in _PARAMETERS.items()
        ),
        {"name": SECRET_HEADER, "in": "header", "required": False, "schema": _TEXT, "description": "The secret"},
    ]
}
_IN_BODY: Final[dict[str, Any]] = {
    "requestBody": {
        "required": False,
        "content": {
            "application/x-www-form-urlencoded": {"schema": _SCHEMA},
            "application/json": {"schema": _SCHEMA},
        },
    }
}
_REFUSED: Final[dict[int | str, dict[str, Any]]] = {
    401: {
        "description": "No secret, or a wrong one",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
_DESCRIPTION: Final = f"""\
Parameters come in the query, in a form or in a JSON object; others are ignored. Send `click_id`, `coupon` or both.

What is known by the same `txn_id` (without one: the same `click_id`) and `event` counts once: a repeat is answered 200
with the first result and the header `{REPLAYED}: true`. A coupon alone, without `txn_id`, counts each time. A click id
that is not recorded yet is no error. Every attempt is kept in the offer's postback log.

A refund is an event `refund`, `chargeback` or `rejected`, or any event with a negative amount. It lowers revenue, is no
conversion, and is credited as the sale was that it names by `txn_id`, else by `click_id`."""

public = APIRouter(prefix="/postback", tags=["postbacks"])
router = APIRouter(prefix="/offers/{offer_id}", tags=["postbacks"])

Slug = Annotated[str, Path(description="The offer's slug", examples=["saas"])]


@public.get(
    "/{offer_slug}",
    summary="Report a conversion by GET",
    description=_DESCRIPTION,
    responses=_REFUSED,
    openapi_extra=_IN_QUERY,
)
async def get_postback(parts: PartsDep, request: Request, response: Response, offer_slug: Slug) -> Conversion:
    taken = await service.receive(parts, offer_slug, request)
    _tell_replayed(response, taken)
    return taken.conversion


@public.post(
    "/{offer_slug}",
    summary="Report a conversion",
    description=_DESCRIPTION,
    status_code=201,
    responses={**_REFUSED, 200: {"model": Conversion, "description": "Reported before"}},
    openapi_extra={**_IN_QUERY, **_IN_BODY},
)
async def post_postback(parts: PartsDep, request: Request, response: Response, offer_slug: Slug) -> Conversion:
    taken = await service.receive(parts, offer_slug, request)
    _tell_replayed(response, taken)
    if not taken.is_new:
        response.status_code = 200
    return taken.conversion


def _tell_replayed(response: Response, taken: service.Taken) -> None:
    if not taken.is_new:
        response.headers[REPLAYED] = "true"


@router.get("/postbacks", summary="Read the postback log")
async def list_postbacks(
    *,
    parts: PartsDep,
    _caller: Viewer,
    offer_id: PathId,
    cursor: CursorDep,
    outcome: Annotated[Outcome | None, Query(description="Only those with this outcome")] = None,
) -> Page[Postback]:
    return await service.page(parts, offer_id, cursor, outcome)


@router.post("/postback/test", status_code=200, summary="Send a test conversion, which is never counted")
async def send_test(parts: PartsDep, _caller: Editor, offer_id: PathId, body: PostbackTest) -> TestedPostback:
    return await service.test(parts, offer_id, body)
