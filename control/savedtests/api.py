"""/offers/{id}/smart-link/tests"""

from typing import Annotated

from fastapi import APIRouter, Path

from control.access.guard import Editor, Viewer
from control.fields import PathId
from control.pagination import Page
from control.parts import PartsDep
from control.savedtests import holding, service
from control.savedtests.schemas import RunIn, SavedTest, SavedTestIn, SavedTestPatch, SavedTestReport

router = APIRouter(prefix="/offers/{offer_id}/smart-link/tests", tags=["saved tests"])

TestId = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,64}$", description="A saved test's id")]


@router.get("", summary="List saved tests, oldest first")
async def list_tests(parts: PartsDep, _caller: Viewer, offer_id: PathId) -> Page[SavedTest]:
    return Page[SavedTest](items=await service.everyone(parts, offer_id), next_cursor=None)


@router.post("", status_code=201, summary="Save a test visitor with what is expected")
async def create_test(parts: PartsDep, caller: Editor, offer_id: PathId, body: SavedTestIn) -> SavedTest:
    return await service.create(parts, caller, offer_id, body)


@router.post("/run", summary="Run the saved tests")
async def run_tests(parts: PartsDep, _caller: Viewer, offer_id: PathId, body: RunIn) -> SavedTestReport:
    return await holding.run(parts, offer_id, body)


@router.get("/{test_id}", summary="Get a saved test")
async def get_test(parts: PartsDep, _caller: Viewer, offer_id: PathId, test_id: TestId) -> SavedTest:
    return await service.get(parts, offer_id, test_id)


@router.patch("/{test_id}", summary="Change a saved test")
async def update_test(
    parts: PartsDep, caller: Editor, offer_id: PathId, test_id: TestId, body: SavedTestPatch
) -> SavedTest:
    return await service.update(parts, caller, offer_id, test_id, body)


@router.delete("/{test_id}", summary="Delete a saved test")
async def delete_test(parts: PartsDep, caller: Editor, offer_id: PathId, test_id: TestId) -> SavedTest:
    return await service.delete(parts, caller, offer_id, test_id)
