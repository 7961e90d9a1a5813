"""Many at once: pasted from a spreadsheet or as CSV; refused lines stay in the field with what is wrong with them."""

import pytest

from control.errors import Problem
from control.web import lines
from tests.control.api import Api
from tests.control.browser import Browser

COLUMNS = ("slug", "offer", "partner", "coupon", "sub1")


def test_good_lines_are_made_and_bad_ones_stay_in_the_field(person: Browser, api: Api) -> None:
    api.offer()
    api.partner()
    text = 'slug,partner\none,mara\nsaas,mara\ntwo,nobody\n\nBad slug,mara\n"broken\nthree,\n'
    page = person.submit(person.get("/links/bulk?offer=saas"), "/links/bulk", lines=text)
    assert "2 links created, 4 refused." in page.text
    assert page.form("/links/bulk").fields["lines"] == 'slug,partner\nsaas,mara\ntwo,nobody\nBad slug,mara\n"broken'
    assert "slug: An offer or a link has the slug saas already." in page.text
    assert "partner: Name one partner that exists, by id or by name." in page.text
    assert "This line is not CSV." in page.text
    assert {link["slug"] for link in api.got("/links")["items"]} == {"one", "three"}
    assert "3" in page.text
    assert page.form("/links/bulk").fields["offer"] == "saas"


def test_cells_copied_from_a_spreadsheet_are_parted_by_tabs(person: Browser, api: Api) -> None:
    api.offer()
    api.partner()
    text = "Code\tOffer\tPartner\nM,20\tsaas\tmara\n"
    page = person.submit(person.get("/coupons/bulk"), "/coupons/bulk", lines=text)
    assert "1 coupon created." in page.text
    assert [coupon["code"] for coupon in api.got("/coupons")["items"]] == ["M,20"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slug,destination\na,b", "The first line names the columns, and “destination” is none. They are: slug, offer"),
        ("mara,saas", "The first line names the columns, and “mara” is none."),
        ("slug,offer\n\n", "There is nothing below the first line yet"),
        ("", "There is nothing below the first line yet"),
    ],
    ids=["unknown column", "no header", "header only", "nothing"],
)
def test_a_paste_without_a_usable_first_line_is_refused_whole(text: str, message: str) -> None:
    with pytest.raises(Problem) as refusal:
        lines.read(text, COLUMNS, {})
    assert refusal.value.errors[0].message.startswith(message)


def test_a_column_of_the_paste_beats_the_offer_of_the_page() -> None:
    pasted = lines.read("slug,offer\na,other", COLUMNS, {"offer": "saas"})
    assert pasted.texts == ["slug,offer", "a,other"]
