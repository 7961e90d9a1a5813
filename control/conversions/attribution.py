"""Whom a conversion credits, from what was reported and what its click had. Pure.

A coupon beats a click: the buyer typed it in, at the till. A click names a partner by its link or its `via`, else by
the coupon it carried. Who is named but does not exist credits nobody, until they do.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class By(StrEnum):
    """What credited a partner: the coupon reported; what the click's link preset, its `via`, the coupon it carried."""

    COUPON = "coupon"
    LINK = "link"
    VIA = "via"
    CLICK_COUPON = "click_coupon"
    NONE = "none"


class Naming(NamedTuple):
    """Something that names a partner, as it was written; `partner_id` is None while nobody is called so."""

    by: By
    text: str
    partner_id: str | None


class Verdict(NamedTuple):
    """Who is credited and by what; `coupon` and `click` are what each of them said."""

    partner_id: str | None
    by: By
    coupon: Naming | None
    click: Naming | None

    @property
    def conflict(self) -> tuple[str, str] | None:
        """The partners whom coupon and click name, where these are two."""
        by_coupon = self.coupon.partner_id if self.coupon else None
        by_click = self.click.partner_id if self.click else None
        return (by_coupon, by_click) if by_coupon and by_click and by_coupon != by_click else None


def named_by_click(via: Naming | None, coupon: Naming | None) -> Naming | None:
    """Return what of a click names its partner: the first that somebody is called by, else the first."""
    given = [naming for naming in (via, coupon) if naming]
    return next((naming for naming in given if naming.partner_id), given[0] if given else None)


def judge(coupon: Naming | None, click: Naming | None) -> Verdict:
    """Return the verdict on a conversion with a coupon, a click, both or neither."""
    for naming in (coupon, click):
        if naming and naming.partner_id:
            return Verdict(naming.partner_id, naming.by, coupon, click)
    return Verdict(None, By.NONE, coupon, click)


_SAID: Final = {
    By.COUPON: "The coupon {text}",
    By.LINK: "The link, which presets via={text},",
    By.VIA: "The click's via={text}",
    By.CLICK_COUPON: "The click's coupon {text}",
}


def explain(verdict: Verdict, partners: Mapping[str, str], click: str) -> list[str]:
    """Return the verdict in sentences; `partners` are names by id, `click` a sentence about the click, or ""."""
    said = [_say(naming, partners) for naming in (verdict.coupon, verdict.click) if naming]
    if verdict.conflict:
        said.append("They name two partners: a coupon beats a click.")
    if verdict.partner_id:
        said.append(f"{partners.get(verdict.partner_id, verdict.partner_id)} is credited.")
    else:
        said.append("Nobody is credited." if said else "Nothing names a partner: nobody is credited.")
    return [*said, click] if click else said


def _say(naming: Naming, partners: Mapping[str, str]) -> str:
    subject = _SAID[naming.by].format(text=naming.text)
    if naming.partner_id is None:
        return f"{subject} names nobody yet; it counts for them once they exist."
    return f"{subject} names {partners.get(naming.partner_id, naming.partner_id)}."
