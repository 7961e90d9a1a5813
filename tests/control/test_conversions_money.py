"""Amounts: exact, however they are written."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from control.conversions import money


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("49.90", 499_000),
        ("49", 490_000),
        ("0.0001", 1),
        ("0", 0),
        ("0.1000000", 1_000),
        ("9999999999.9999", 99_999_999_999_999),
        ("-49.90", -499_000),
        ("-0.05", -500),
        ("-0", 0),
    ],
)
def test_amount_is_kept_in_ten_thousandths(written: str, expected: int) -> None:
    assert money.stored(written) == expected


@pytest.mark.parametrize(
    "written",
    [
        "",
        "-",
        "--1",
        "+1",
        "1e3",
        "1,50",
        "1.",
        ".5",
        "NaN",
        "Infinity",
        "0x1",
        "12345678901",
        "0.00001",
        "1 0",
        "\u0661",
    ],
)
def test_what_is_no_amount_is_refused(written: str) -> None:
    with pytest.raises(money.NoAmount):
        money.stored(written)


@pytest.mark.parametrize(
    ("stored", "currency", "shown"),
    [
        (499_000, "USD", "49.90"),
        (499_050, "USD", "49.905"),
        (490_000, "JPY", "49"),
        (490_000, "KWD", "49.000"),
        (0, "EUR", "0.00"),
        (10_000_000, "JPY", "1000"),
        (-499_000, "USD", "-49.90"),
        (-500, "EUR", "-0.05"),
    ],
)
def test_amount_is_shown_as_its_currency_is_written(stored: int, currency: str, shown: str) -> None:
    assert str(money.amount(stored, currency)) == shown


@given(
    st.decimals(min_value=Decimal("-9999999999.9999"), max_value=Decimal("9999999999.9999"), places=4),
    st.sampled_from(["USD", "JPY", "BHD"]),
)
def test_amount_comes_back_exactly(written: Decimal, currency: str) -> None:
    assert money.amount(money.stored(f"{written:f}"), currency) == written
