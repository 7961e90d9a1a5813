"""/offers/{id}/smart-link/canary"""

from fastapi import APIRouter, Response

from control.access.guard import Editor, Viewer
from control.canaries import service
from control.canaries.schemas import CanaryShare, CanaryState
from control.fields import PathId
from control.parts import PartsDep
from control.smartlinks.api import ETAG_HEADER, GuardDep, WaitQuery
from control.smartlinks.schemas import SavedSmartLink

router = APIRouter(prefix="/offers/{offer_id}/smart-link/canary", tags=["smart links"])


@router.get("", summary="How the canary goes")
async def get_canary(parts: PartsDep, _caller: Viewer, offer_id: PathId) -> CanaryState:
    """Which revision is on some workers only, what became of clicks on either side, and how the last one ended.

    A canary begins with a save: `PUT .../smart-link?canary=10`.
    """
    return await service.state(parts, offer_id)


@router.post("/resize", summary="Publish the canary to more of the workers, or to fewer", responses=ETAG_HEADER)
async def resize_canary(
    *,
    parts: PartsDep,
    caller: Editor,
    offer_id: PathId,
    body: CanaryShare,
    guard: GuardDep,
    response: Response,
    wait: WaitQuery = 0.0,
) -> SavedSmartLink:
    """Those that serve it go on when the share grows."""
    saved = await service.resize(parts, caller, offer_id, body.share, guard=guard, wait_s=wait)
    response.headers["ETag"] = f'"{saved.revision}"'
    return saved


@router.post("/promote", summary="Publish the canary to everyone", responses=ETAG_HEADER)
async def promote_canary(
    *, parts: PartsDep, caller: Editor, offer_id: PathId, guard: GuardDep, response: Response, wait: WaitQuery = 0.0
) -> SavedSmartLink:
    saved = await service.promote(parts, caller, offer_id, guard=guard, wait_s=wait)
    response.headers["ETag"] = f'"{saved.revision}"'
    return saved


@router.post("/withdraw", summary="Take the canary back", responses=ETAG_HEADER)
async def withdraw_canary(
    *, parts: PartsDep, caller: Editor, offer_id: PathId, guard: GuardDep, response: Response, wait: WaitQuery = 0.0
) -> SavedSmartLink:
    """The stable revision goes to everyone, as a new one."""
    saved = await service.withdraw(parts, caller, offer_id, guard=guard, wait_s=wait)
    response.headers["ETag"] = f'"{saved.revision}"'
    return saved
