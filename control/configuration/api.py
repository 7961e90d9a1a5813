"""/export and /import"""

import asyncio
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request, Response

from control.access.guard import Admin
from control.configuration import service, text
from control.configuration.document import Document
from control.configuration.schemas import ImportResult
from control.parts import PartsDep

router = APIRouter(tags=["configuration"])

_SCHEMA: Final = Document.model_json_schema(ref_template="#/components/schemas/{model}")
_DOCUMENT: Final[dict[str, Any]] = {"application/json": {"schema": _SCHEMA}, text.YAML_TYPE: {"schema": _SCHEMA}}


@router.get("/export", summary="Export the whole configuration", responses={200: {"content": _DOCUMENT}})
async def export_configuration(
    parts: PartsDep,
    _caller: Admin,
    request: Request,
    format: Annotated[  # the name of the query parameter
        Literal["json", "yaml"] | None, Query(description="Else as the header Accept says, else JSON")
    ] = None,
) -> Response:
    document = await service.export_document(parts)
    if format == "yaml" or (format is None and "yaml" in request.headers.get("Accept", "")):
        return Response(await asyncio.to_thread(text.as_yaml, document), media_type=text.YAML_TYPE)
    return Response(await asyncio.to_thread(text.as_json, document), media_type="application/json")


@router.post(
    "/import",
    summary="Import a configuration, or plan it",
    openapi_extra={"requestBody": {"required": True, "content": _DOCUMENT}},
)
async def import_configuration(
    parts: PartsDep,
    caller: Admin,
    request: Request,
    plan: Annotated[bool, Query(description="Only say what would change")] = False,
    override_tests: Annotated[
        bool, Query(description="Save offers and smart links although saved tests fail; on the record")
    ] = False,
) -> ImportResult:
    media_type = request.headers.get("Content-Type", "")
    raw = await request.body()
    return await service.import_text(parts, caller, raw, media_type, planned=plan, override_tests=override_tests)
