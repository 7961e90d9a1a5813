"""Links by the thousand: names resolved, 500 lines a transaction, published while the next lines are read."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import Request

from control import bulk
from control.access.roles import Caller
from control.bulk import BulkResult, Line, LineResult, Refused
from control.bulk_names import BulkNames
from control.domains.urls import link_url
from control.links import service
from control.links.schemas import LinkIn, LinkLine
from control.parts import Parts
from control.settings import ControlSettings


async def create(parts: Parts, caller: Caller, request: Request) -> BulkResult:
    """Add the links of a body of JSON lines or CSV, and return once all of them were published."""
    publishing: set[asyncio.Task[None]] = set()

    async def work(lines: Sequence[Line[LinkLine]]) -> list[LineResult]:
        results = await _create(parts, caller, lines)
        task = asyncio.create_task(parts.live.publish())
        publishing.add(task)
        task.add_done_callback(publishing.discard)
        return results

    result = await bulk.run(request, LinkLine, work)
    if publishing:
        await asyncio.wait(publishing)
    return result


async def _create(parts: Parts, caller: Caller, lines: Sequence[Line[LinkLine]]) -> list[LineResult]:
    names = await BulkNames.of(parts, [line.wanted for line in lines], ("offer", "partner", "domain"))
    good, answers = names.sort(lines, required=("offer",))
    wanted: list[LinkIn] = [line.model_copy(update=ids) if ids else line for _, line, ids in good]
    created = await service.create_many(parts, caller, wanted) if good else []
    numbered = zip(good, created, strict=True)
    return answers + [_answer(parts.settings, number, result) for (number, _, _), result in numbered]


def _answer(settings: ControlSettings, number: int, result: Mapping[str, Any] | Refused) -> LineResult:
    if isinstance(result, Refused):
        return bulk.failed(number, result.status, result.errors)
    url = link_url(settings, result["domain"], result["slug"])
    return LineResult(line=number, status=201, id=result["id"], slug=result["slug"], url=url)
