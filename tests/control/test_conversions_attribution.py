"""Whom a conversion credits."""

import pytest

from control.conversions.attribution import By, Naming, explain, judge, named_by_click

MARA, JO = "p_mara", "p_jo"
CODE = Naming(By.COUPON, "MARA20", MARA)
UNKNOWN_CODE = Naming(By.COUPON, "NEW", None)
VIA = Naming(By.VIA, "jo", JO)
UNKNOWN_VIA = Naming(By.VIA, "someone", None)
NAMES = {MARA: "Mara", JO: "Jo"}


@pytest.mark.parametrize(
    ("coupon", "click", "partner", "by"),
    [
        pytest.param(CODE, None, MARA, By.COUPON, id="coupon alone"),
        pytest.param(None, VIA, JO, By.VIA, id="click alone"),
        pytest.param(CODE, VIA, MARA, By.COUPON, id="a coupon beats a click"),
        pytest.param(UNKNOWN_CODE, VIA, JO, By.VIA, id="an unknown coupon leaves it to the click"),
        pytest.param(CODE, UNKNOWN_VIA, MARA, By.COUPON, id="coupon and a via that nobody is called"),
        pytest.param(UNKNOWN_CODE, UNKNOWN_VIA, None, By.NONE, id="nobody known"),
        pytest.param(None, None, None, By.NONE, id="nobody named"),
    ],
)
def test_verdict(coupon: Naming | None, click: Naming | None, partner: str | None, by: By) -> None:
    verdict = judge(coupon, click)

    assert (verdict.partner_id, verdict.by) == (partner, by)


@pytest.mark.parametrize(
    ("coupon", "click", "conflict"),
    [
        pytest.param(CODE, VIA, (MARA, JO), id="two partners"),
        pytest.param(CODE, Naming(By.LINK, "mara", MARA), None, id="the same partner twice"),
        pytest.param(CODE, UNKNOWN_VIA, None, id="one of them unknown"),
        pytest.param(CODE, None, None, id="only one"),
    ],
)
def test_two_partners_are_a_conflict(coupon: Naming, click: Naming | None, conflict: tuple[str, str] | None) -> None:
    assert judge(coupon, click).conflict == conflict


@pytest.mark.parametrize(
    ("via", "coupon", "expected"),
    [
        pytest.param(VIA, Naming(By.CLICK_COUPON, "mara20", MARA), By.VIA, id="via before the coupon it carried"),
        pytest.param(UNKNOWN_VIA, Naming(By.CLICK_COUPON, "mara20", MARA), By.CLICK_COUPON, id="via names nobody"),
        pytest.param(UNKNOWN_VIA, Naming(By.CLICK_COUPON, "x", None), By.VIA, id="neither names anybody"),
        pytest.param(None, Naming(By.CLICK_COUPON, "x", None), By.CLICK_COUPON, id="coupon alone"),
    ],
)
def test_click_names_by_the_first_that_somebody_is_called(via: Naming | None, coupon: Naming, expected: By) -> None:
    naming = named_by_click(via, coupon)

    assert naming is not None
    assert naming.by is expected


def test_explanation_says_who_was_named_and_who_won() -> None:
    assert explain(judge(CODE, VIA), NAMES, "A click.") == [
        "The coupon MARA20 names Mara.",
        "The click's via=jo names Jo.",
        "They name two partners: a coupon beats a click.",
        "Mara is credited.",
        "A click.",
    ]
    assert explain(judge(UNKNOWN_CODE, None), NAMES, "") == [
        "The coupon NEW names nobody yet; it counts for them once they exist.",
        "Nobody is credited.",
    ]
