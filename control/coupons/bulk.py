"""Coupons by the thousand: names resolved, 500 lines a transaction."""

from collections.abc import Sequence

from fastapi import Request

from control import bulk
from control.access.roles import Caller
from control.bulk import BulkResult, Line, LineResult
from control.bulk_names import BulkNames
from control.coupons import service
from control.coupons.schemas import Coupon, CouponIn, CouponLine
from control.coupons.service import Refused
from control.parts import Parts


async def create(parts: Parts, caller: Caller, request: Request) -> BulkResult:
    """Add the coupons of a body of JSON lines or CSV."""

    async def work(lines: Sequence[Line[CouponLine]]) -> list[LineResult]:
        return await _create(parts, caller, lines)

    return await bulk.run(request, CouponLine, work)


async def _create(parts: Parts, caller: Caller, lines: Sequence[Line[CouponLine]]) -> list[LineResult]:
    names = await BulkNames.of(parts, [line.wanted for line in lines], ("offer", "partner"))
    results: list[LineResult] = []
    good: list[tuple[int, CouponIn]] = []
    for line in lines:
        assert line.wanted is not None
        ids, errors = names.resolve(line.wanted, required=("offer", "partner"))
        if errors:
            results.append(bulk.failed(line.number, 422, errors))
        else:
            named = line.wanted.model_dump(include={"code", "offer_id", "partner_id"}) | ids
            good.append((line.number, CouponIn.model_validate(named)))
    created = await service.create_many(parts, caller, [wanted for _, wanted in good]) if good else []
    return results + [_answer(number, result) for (number, _), result in zip(good, created, strict=True)]


def _answer(number: int, result: Coupon | Refused) -> LineResult:
    if isinstance(result, Refused):
        return bulk.failed(number, result.status, [result.error])
    return LineResult(line=number, status=201, id=result.id)
