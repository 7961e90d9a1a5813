"""Undo: what was deleted is there again under the id by which it was counted; what was switched is as it was."""

from typing import Any

import pytest
from sqlalchemy import update

from control.audit.models import AuditRow
from control.parts import Parts
from tests.control.api import Api
from tests.control.browser import Browser, Page, PageForm
from tests.control.fakes import FakeLive

NOUNS = ["links", "coupons", "partners", "domains"]


@pytest.fixture
def things(api: Api) -> dict[str, Any]:
    """One of every noun whose deletion can be undone, each as full as it can be and none in another's way."""
    offer = api.offer()
    partner, other = api.partner(), api.partner("theo")
    link = {
        "offer_id": offer["id"],
        "slug": "x",
        "partner_id": other["id"],
        "coupon": "c",
        "sub3": "s",
        "enabled": False,
    }
    link["expires_at"] = "2030-01-01T00:00:00Z"
    coupon = {"offer_id": offer["id"], "partner_id": other["id"], "code": "Mara20"}
    return {
        "links": api.made("/links", link),
        "coupons": api.made("/coupons", coupon),
        "partners": partner,
        "domains": api.made("/domains", {"host": "go.own.example", "root_url": "https://own.example"}),
    }


def delete(person: Browser, noun: str, thing: dict[str, Any]) -> Page:
    """The page after deleting, which offers Undo."""
    path = f"/{noun}/{thing['id']}"
    return person.submit(person.get("/coupons" if noun == "coupons" else path), f"{path}/delete")


@pytest.mark.parametrize("noun", NOUNS)
def test_what_was_deleted_is_back_as_it_was_under_its_id(
    person: Browser, api: Api, things: dict[str, Any], noun: str
) -> None:
    path = f"/{noun}/{things[noun]['id']}"
    before = api.got(path)
    page = delete(person, noun, things[noun])
    assert api.get(path).status_code == 404

    undone = person.submit(page, f"{path}/undelete")

    assert "Back again" in undone.text
    assert api.got(path) == before


def test_a_link_that_is_back_is_published_again(person: Browser, things: dict[str, Any], live: FakeLive) -> None:
    page = delete(person, "links", things["links"])
    published = live.published

    person.submit(page, f"/links/{things['links']['id']}/undelete")

    assert live.published == published + 1


@pytest.mark.parametrize("noun", NOUNS)
def test_it_is_undone_once(person: Browser, api: Api, things: dict[str, Any], noun: str) -> None:
    path = f"/{noun}/{things[noun]['id']}"
    page = delete(person, noun, things[noun])
    person.submit(page, f"{path}/undelete")

    assert person.submit(page, f"{path}/undelete").status == 404
    assert api.get(path).status_code == 200


def test_what_changed_since_it_was_back_is_not_undone_again(person: Browser, api: Api, things: dict[str, Any]) -> None:
    path = f"/links/{things['links']['id']}"
    page = delete(person, "links", things["links"])
    person.submit(page, f"{path}/undelete")
    api.patch(path, {"slug": "moved"})

    assert person.submit(page, f"{path}/undelete").status == 404
    assert api.got(path)["slug"] == "moved"


def test_a_slug_that_somebody_took_meanwhile_is_theirs(person: Browser, api: Api, things: dict[str, Any]) -> None:
    page = delete(person, "links", things["links"])
    api.made("/links", {"offer_id": things["links"]["offer_id"], "slug": "x"})

    refused = person.submit(page, f"/links/{things['links']['id']}/undelete")

    assert refused.status == 409
    assert "has the slug x already" in refused.text


def test_after_an_hour_it_is_too_late(person: Browser, things: dict[str, Any], parts: Parts) -> None:
    page = delete(person, "coupons", things["coupons"])

    async def let_time_pass() -> None:
        async with parts.db.write() as session:
            await session.execute(update(AuditRow).values(at=AuditRow.at - 3_600_000))

    person.client.portal.call(let_time_pass)

    assert person.submit(page, f"/coupons/{things['coupons']['id']}/undelete").status == 404


def toast_form(page: Page) -> PageForm:
    """The form of the toast: the last one of the page."""
    assert "Undo" in page.forms[-1].buttons
    return page.forms[-1]


@pytest.mark.parametrize("back_to", ["/links", "/links/{id}"])
def test_a_link_that_was_switched_is_switched_back_from_where_that_was(
    person: Browser, api: Api, things: dict[str, Any], back_to: str
) -> None:
    path = f"/links/{things['links']['id']}"
    switched = person.submit(person.get(back_to.format(**things["links"])), f"{path}/switch")
    assert api.got(path)["enabled"] is True

    undo = toast_form(switched)
    undone = person.post(undo.action, undo.fields)

    assert api.got(path)["enabled"] is False
    assert undone.url.partition("?")[0].endswith(back_to.format(**things["links"]))
    assert "Disabled" in undone.text


@pytest.mark.parametrize(
    ("before", "status"), [("active", "paused"), ("active", "archived"), ("paused", "archived"), ("archived", "active")]
)
def test_an_offers_status_is_put_back(person: Browser, api: Api, before: str, status: str) -> None:
    path = f"/offers/{api.offer()['id']}"
    form = person.get(f"{path}/settings").form(f"{path}/status").fields
    person.post(f"{path}/status", form | {"status": before})
    undo = toast_form(person.post(f"{path}/status", form | {"status": status}))

    person.post(undo.action, undo.fields)

    assert api.got(path)["status"] == before


def test_a_domain_that_was_paused_is_put_back(person: Browser, api: Api, things: dict[str, Any]) -> None:
    path = f"/domains/{things['domains']['id']}"
    undo = toast_form(person.submit(person.get(path), f"{path}/status"))
    assert api.got(path)["status"] == "paused"

    person.post(undo.action, undo.fields)

    assert api.got(path)["status"] == "active"


@pytest.mark.parametrize(
    "query", ["switched=//evil", "switched=l_x&done=saved", "of=o_x&was=gone", "gone=", "of=..&was=paused"]
)
def test_an_address_that_nobody_made_undoes_nothing(person: Browser, query: str) -> None:
    page = person.get(f"/links?{'' if 'done' in query else 'done=paused&'}{query}")
    assert all("Undo" not in form.buttons for form in page.forms)
