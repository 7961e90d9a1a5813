"""/offers/{id}/smart-link and /offers/{id}/revisions"""

import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Header, Path, Query, Response

from control.access.guard import Editor, Viewer
from control.errors import FieldError, Problem
from control.fields import OverrideQuery, PathId
from control.pagination import CursorDep, Page
from control.parts import PartsDep
from control.smartlinks import service
from control.smartlinks.schemas import MAX_WAIT_S, LiveSmartLink, Revision, RevisionEntry, SavedSmartLink, SmartLinkIn
from control.smartlinks.writing import Guard
from shared.canary import SHARES

router = APIRouter(prefix="/offers/{offer_id}", tags=["smart links"])

_ETAG: Final = re.compile(r'(?:W/)?"?([0-9]{1,9})"?')

WaitQuery = Annotated[
    float, Query(ge=0, le=MAX_WAIT_S, description="Seconds to wait until it is live on every edge", examples=[5])
]
CanaryQuery = Annotated[
    int | None,
    Query(
        ge=min(SHARES),
        le=max(SHARES),
        description="Percent of the workers that get it at first; where left out it is for everyone",
        examples=[10],
    ),
]
RevisionPath = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def guard_of(
    if_match: Annotated[
        str | None,
        Header(max_length=256, description="The ETag that the edit began from", examples=['"3"']),
    ] = None,
) -> Guard:
    if if_match is None or if_match.strip() == "*":
        return Guard()
    tags = [_ETAG.fullmatch(tag.strip()) for tag in if_match.split(",")]
    if not any(tags):
        raise Problem.invalid([FieldError("If-Match", "invalid_etag", 'An ETag looks like "3".')])
    return Guard(frozenset(int(tag[1]) for tag in tags if tag))


ETAG_HEADER: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "headers": {
            "ETag": {"description": "The revision, for If-Match", "schema": {"type": "string"}, "example": '"3"'}
        }
    }
}
GuardDep = Annotated[Guard, Depends(guard_of)]


@router.get("/smart-link", summary="Get the smart link", responses=ETAG_HEADER)
async def get_smart_link(parts: PartsDep, _caller: Viewer, offer_id: PathId, response: Response) -> LiveSmartLink:
    link = await service.get(parts, offer_id)
    response.headers["ETag"] = f'"{link.revision}"'
    return link


@router.put("/smart-link", summary="Save and publish the smart link", responses=ETAG_HEADER)
async def put_smart_link(
    *,
    parts: PartsDep,
    caller: Editor,
    offer_id: PathId,
    body: SmartLinkIn,
    guard: GuardDep,
    response: Response,
    wait: WaitQuery = 0.0,
    override_tests: OverrideQuery = False,
    canary: CanaryQuery = None,
) -> SavedSmartLink:
    saved = await service.save(
        parts, caller, offer_id, body, guard=guard, wait_s=wait, override_tests=override_tests, canary=canary
    )
    response.headers["ETag"] = f'"{saved.revision}"'
    return saved


@router.get("/revisions", summary="List revisions")
async def list_revisions(parts: PartsDep, _caller: Viewer, offer_id: PathId, cursor: CursorDep) -> Page[RevisionEntry]:
    return await service.history(parts, offer_id, cursor)


@router.get("/revisions/{revision}", summary="Get a revision")
async def get_revision(parts: PartsDep, _caller: Viewer, offer_id: PathId, revision: RevisionPath) -> Revision:
    return await service.revision(parts, offer_id, revision)


@router.post("/revisions/{revision}/restore", summary="Restore a revision, as a new one", responses=ETAG_HEADER)
async def restore_revision(
    *,
    parts: PartsDep,
    caller: Editor,
    offer_id: PathId,
    revision: RevisionPath,
    guard: GuardDep,
    response: Response,
    wait: WaitQuery = 0.0,
    override_tests: OverrideQuery = False,
) -> SavedSmartLink:
    saved = await service.restore(
        parts, caller, offer_id, revision, guard=guard, wait_s=wait, override_tests=override_tests
    )
    response.headers["ETag"] = f'"{saved.revision}"'
    return saved
