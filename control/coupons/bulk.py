"""Coupons by the thousand: names resolved, 500 lines a transaction."""

from collections.abc import Sequence
from typing import Final

from fastapi import Request

from control import bulk
from control.access.roles import Caller
from control.bulk import BulkResult, Line, LineResult, Refused
from control.bulk_names import BulkNames
from control.coupons import service
from control.coupons.schemas import Coupon, CouponIn, CouponLine
from control.parts import Parts

_FIELDS: Final = set(CouponIn.model_fields)


async def create(parts: Parts, caller: Caller, request: Request) -> BulkResult:
    """Add the coupons of a body of JSON lines or CSV."""

    async def work(lines: Sequence[Line[CouponLine]]) -> list[LineResult]:
        return await _create(parts, caller, lines)

    return await bulk.run(request, CouponLine, work)


async def _create(parts: Parts, caller: Caller, lines: Sequence[Line[CouponLine]]) -> list[LineResult]:
    names = await BulkNames.of(parts, [line.wanted for line in lines], ("offer", "partner"))
    good, answers = names.sort(lines, required=("offer", "partner"))
    wanted = [CouponIn.model_validate(line.model_dump(include=_FIELDS) | ids) for _, line, ids in good]
    created = await service.create_many(parts, caller, wanted) if good else []
    return answers + [_answer(number, result) for (number, _, _), result in zip(good, created, strict=True)]


def _answer(number: int, result: Coupon | Refused) -> LineResult:
    if isinstance(result, Refused):
        return bulk.failed(number, result.status, result.errors)
    return LineResult(line=number, status=201, id=result.id)
