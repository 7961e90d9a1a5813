"""From what a postback says to a report, or to all of its faults. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Final

from control.conversions import money
from control.conversions.report import REFUND, REVERSALS, SALE, Report
from control.errors import Faults

MAX_TEXT_CHARS: Final = 200
_MACRO: Final = re.compile(r"[{\[]{1,2}[A-Za-z0-9_.-]*[}\]]{1,2}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_CLICK_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_EVENT: Final = re.compile(r"[a-z0-9][a-z0-9_.-]{0,49}")

_PATTERNS: Final[Mapping[str, tuple[re.Pattern[str], str]]] = {
    "click_id": (_CLICK_ID, "A click id has letters, digits, - and _, at most 64."),
    "currency": (_CURRENCY, "A currency has three letters, such as EUR."),
    "event": (_EVENT, "An event is named like sale or free_trial: at most 50 letters, digits, _, - and points."),
}
_SPELLED: Final[Mapping[str, Callable[[str], str]]] = {"currency": str.upper, "event": str.lower}


def check(params: Mapping[str, str], currency: str, faults: Faults) -> Report:
    """Return the report on a conversion of an offer with this currency. Raises Problem 422 where anything is at fault,
    what `faults` has already included.
    """
    texts = {name: _spelled(name, value) for name, value in params.items()}
    for name, value in texts.items():
        _check_text(name, value, faults)
    event, amount = _signed(texts.get("event", SALE), _amount(texts.get("amount"), faults))
    _check_named(texts, event, faults)
    said = texts.get("currency")
    if said and _CURRENCY.fullmatch(said) and said != currency:
        faults.add("currency", "currency_mismatch", f"This offer's amounts are in {currency}.")
    faults.raise_if_any()
    return Report(
        event=event,
        txn_id=texts.get("txn_id", ""),
        click_id=texts.get("click_id", ""),
        coupon=texts.get("coupon", ""),
        amount=amount,
        currency=currency,
        refund_id=texts.get("refund_id", ""),
    )


def _signed(event: str, amount: int | None) -> tuple[str, int | None]:
    """Return both as they are kept: what is negative is a refund, and a refund is negative, however it is written."""
    if amount is not None and amount < 0 and event not in REVERSALS:
        event = REFUND
    return event, -abs(amount) if amount is not None and event in REVERSALS else amount


def _check_named(texts: Mapping[str, str], event: str, faults: Faults) -> None:
    if event not in REVERSALS:
        if not texts.get("click_id") and not texts.get("coupon"):
            message = "Send click_id, coupon or both: without them nobody can be credited."
            faults.add("click_id", "nothing_named", message)
        if texts.get("refund_id"):
            faults.add(
                "refund_id", "no_refund", f"Only what takes something back has one: {', '.join(sorted(REVERSALS))}."
            )
    elif not (texts.get("txn_id") or texts.get("click_id") or texts.get("coupon")):
        faults.add("txn_id", "nothing_named", "Send the txn_id of the sale, or its click_id or coupon.")


def _spelled(name: str, value: str) -> str:
    return _SPELLED[name](value) if name in _SPELLED else value


def _check_text(name: str, value: str, faults: Faults) -> None:
    if _MACRO.fullmatch(value):
        faults.add(name, "macro_not_filled", "This is still a placeholder; the sender put no value there.")
    elif len(value) > MAX_TEXT_CHARS:
        faults.add(name, "too_long", f"This has at most {MAX_TEXT_CHARS} characters.")
    elif _CONTROL.search(value):
        faults.add(name, "control_character", "This has a character that is none of a text.")
    elif name in _PATTERNS and not _PATTERNS[name][0].fullmatch(value):
        faults.add(name, f"malformed_{name}", _PATTERNS[name][1])


def _amount(written: str | None, faults: Faults) -> int | None:
    if written is None or _MACRO.fullmatch(written):
        return None
    try:
        return money.stored(written)
    except money.NoAmount as exc:
        faults.add("amount", "malformed_amount", str(exc))
        return None
