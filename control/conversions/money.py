"""Amounts of money: decimal on the wire, whole ten-thousandths in SQL, and never a binary fraction between."""

import re
from decimal import Decimal
from typing import Final

PLACES: Final = 4
"""Decimal places that are kept; no currency's smallest coin needs more."""

_WRITTEN: Final = re.compile(r"(-?[0-9]{1,10})(?:\.([0-9]{1,12}))?")  # ten digits: SQL can sum 92,000 of the largest
_NO_CENTS: Final = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF".split())  # noqa: SIM905
_MILLS: Final = frozenset("BHD IQD JOD KWD LYD OMR TND".split())  # noqa: SIM905


class NoAmount(ValueError):
    """A text that is no amount of money; the text says how one is written."""


def stored(written: str) -> int:
    """Return an amount such as `49.90`, or `-49.90` for what is taken back, in ten-thousandths. Raises NoAmount."""
    match = _WRITTEN.fullmatch(written)
    if match is None:
        raise NoAmount("An amount is written like 49.90, a refund's like -49.90: at most ten digits, no currency.")
    whole, fraction = match[1], (match[2] or "").rstrip("0")
    if len(fraction) > PLACES:
        raise NoAmount(f"An amount has at most {PLACES} decimal places.")
    return int(whole + fraction.ljust(PLACES, "0"))


def amount(ten_thousandths: int, currency: str) -> Decimal:
    """Return a stored amount with at least the decimal places that its currency is written with."""
    exact = Decimal(ten_thousandths).scaleb(-PLACES).normalize()
    _, _, exponent = exact.as_tuple()
    assert isinstance(exponent, int)
    usual = 0 if currency in _NO_CENTS else 3 if currency in _MILLS else 2
    return exact.quantize(Decimal(1).scaleb(-max(usual, -exponent)))
