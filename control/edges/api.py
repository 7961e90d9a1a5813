"""/edges and /propagation"""

from typing import Annotated

from fastapi import APIRouter, Query

from control.access.guard import Viewer
from control.edges import service
from control.edges.schemas import Edge
from control.pagination import Page
from control.parts import PartsDep
from control.smartlinks.schemas import Propagation

router = APIRouter(tags=["edges"])

SequenceQuery = Annotated[int, Query(ge=1, le=2**53 - 1, description="The `sequence` that a save answered")]


@router.get("/edges", summary="Who serves links, and which publish")
async def list_edges(parts: PartsDep, _caller: Viewer) -> Page[Edge]:
    """Every edge that is heard from, and for a day those that went away without a word."""
    return await service.everyone(parts)


@router.get("/propagation", summary="How far a publish got")
async def get_propagation(parts: PartsDep, _caller: Viewer, sequence: SequenceQuery) -> Propagation:
    """On how many edges it is live, after how many milliseconds, and who refuses it why."""
    return await service.propagation(parts, sequence)
