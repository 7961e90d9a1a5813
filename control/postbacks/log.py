"""Entries of the postback log: what was tried and what became of it, without secrets and whole addresses."""

from collections.abc import Sequence
from dataclasses import dataclass

from control.conversions.report import REVERSALS
from control.conversions.schemas import Conversion
from control.conversions.service import Kept
from control.db import now_ms
from control.errors import Problem
from control.fields import utc
from control.offers.models import OfferRow
from control.postbacks.checks import MAX_TEXT_CHARS
from control.postbacks.models import PostbackRow
from control.postbacks.reading import Said
from control.postbacks.schemas import FaultOut, Outcome, Postback, TestedPostback


@dataclass(frozen=True, slots=True)
class Attempt:
    """One postback on its way: to which offer, from where, saying what."""

    offer: OfferRow
    method: str
    source: str
    said: Said
    test: bool = False


def success(attempt: Attempt, kept: Kept) -> PostbackRow:
    """Return the entry of an attempt that made a conversion, or repeated one."""
    outcome = Outcome.CREATED if kept.is_new else Outcome.DIFFERS if kept.differs else Outcome.REPEATED
    details = {
        Outcome.CREATED: "Taken back." if kept.row.event in REVERSALS else "A new conversion.",
        Outcome.REPEATED: "Reported before.",
        Outcome.DIFFERS: f"Reported before, with another {', '.join(kept.differs)}; the first report stands.",
    }
    row = _row(attempt, outcome, 201 if kept.is_new else 200, outcome, details[outcome])
    row.differs = kept.differs
    row.conversion_id = None if attempt.test and kept.is_new else kept.row.id
    return row


def refusal(attempt: Attempt, problem: Problem) -> PostbackRow:
    """Return the entry of an attempt that was refused."""
    row = _row(attempt, Outcome.REFUSED, problem.status, problem.code, problem.detail)
    row.errors = [{"path": error.path, "code": error.code, "message": error.message} for error in problem.errors]
    return row


def _row(attempt: Attempt, outcome: Outcome, status: int, code: str, detail: str) -> PostbackRow:
    return PostbackRow(
        offer_id=attempt.offer.id,
        at=now_ms(),
        method=attempt.method,
        source=attempt.source,
        params=_kept_params(attempt),
        ignored=[name.replace("\0", "\ufffd") for name in attempt.said.ignored],
        outcome=outcome,
        status=status,
        code=code,
        detail=detail,
        errors=[],
        differs=[],
        conversion_id=None,
        test=attempt.test,
    )


def _kept_params(attempt: Attempt) -> dict[str, str]:
    """Return what the log keeps of parameters: cut, and a secret that slipped into one of them left out."""
    secret = attempt.offer.postback_secret
    return {
        name: "(the secret)" if secret in value else value[:MAX_TEXT_CHARS].replace("\0", "\ufffd")
        for name, value in attempt.said.params.items()
    }


def _faults(errors: Sequence[dict[str, str]]) -> list[FaultOut]:
    return [FaultOut.model_validate(error) for error in errors]


def tested(row: PostbackRow, conversion: Conversion | None) -> TestedPostback:
    """Return what an attempt that was only tested would have been answered."""
    return TestedPostback(
        outcome=Outcome(row.outcome),
        status=row.status,
        code=row.code,
        detail=row.detail,
        errors=_faults(row.errors),
        params=row.params,
        conversion=conversion,
    )


def show(row: PostbackRow) -> Postback:
    """Return an entry as the API gives it."""
    return Postback(
        time=utc(row.at),
        method=row.method,
        source=row.source,
        params=row.params,
        ignored=row.ignored,
        outcome=Outcome(row.outcome),
        status=row.status,
        code=row.code,
        detail=row.detail,
        errors=_faults(row.errors),
        differs=row.differs,
        conversion_id=row.conversion_id,
        test=row.test,
    )
