"""/clicks and /accounting"""

from fastapi import APIRouter

from control.access.guard import Viewer
from control.clicks import accounting, service
from control.clicks.schemas import Accounting, Click
from control.fields import PathId
from control.parts import PartsDep

router = APIRouter(tags=["clicks"])


@router.get("/clicks/{click_id}", summary="Explain a click")
async def get_click(parts: PartsDep, _caller: Viewer, click_id: PathId) -> Click:
    return await service.explain(parts, click_id)


@router.get("/accounting", summary="Account for every click")
async def get_accounting(parts: PartsDep, _caller: Viewer) -> Accounting:
    return await accounting.account(parts)
