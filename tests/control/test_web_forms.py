"""Plain forms: made, changed, deleted and brought back without a script; what was typed stays and faults are told."""

import pytest

from tests.control.api import Api
from tests.control.browser import Browser, Page


def send(person: Browser, path: str, **typed: str) -> Page:
    """What comes of filling in the form at `path` that goes there."""
    return person.submit(person.get(path), path.partition("?")[0], **typed)


def test_a_link_is_made_by_names_and_shows_what_it_presets(person: Browser, api: Api) -> None:
    offer, partner = api.offer(), api.partner()
    page = send(person, "/links/new?offer=saas", partner="mara", slug="mara-yt", coupon="M20", sub1="yt")
    assert page.status == 200
    assert "Created" in page.text
    (link,) = api.got("/links")["items"]
    assert (link["offer_id"], link["partner_id"]) == (offer["id"], partner["id"])
    assert (link["slug"], link["coupon"], link["sub1"]) == ("mara-yt", "M20", "yt")


def test_what_is_wrong_with_a_link_stands_beside_its_field_and_the_rest_stays(person: Browser, api: Api) -> None:
    api.offer()
    page = send(person, "/links/new", offer="nope", partner="nobody", slug="Not a slug!", sub2="kept")
    assert page.status == 422
    fields = page.form("/links/new").fields
    assert (fields["offer"], fields["slug"], fields["sub2"]) == ("nope", "Not a slug!", "kept")
    assert "beginning with a letter or a digit; at most 64 characters." in page.errors[0]
    assert len(page.errors) == 1
    page = person.submit(page, "/links/new", slug="fine")
    assert page.errors == [
        "Name one offer that exists, by id or by name.",
        "Name one partner that exists, by id or by name.",
    ]
    page = person.submit(page, "/links/new", offer="saas", partner="", slug="saas")
    assert page.errors == ["An offer or a link has the slug saas already."]
    invalid = [given for tag, given in page.elements if tag == "input" and given.get("aria-invalid") == "true"]
    assert [(given["name"], given["aria-describedby"]) for given in invalid] == [("slug", "f-slug-err")]


def test_a_link_is_changed_and_emptied_fields_are_unset(person: Browser, api: Api) -> None:
    offer, partner = api.offer(), api.partner()
    fields = {"offer_id": offer["id"], "partner_id": partner["id"], "coupon": "M20", "sub5": "x", "slug": "old"}
    link = api.made("/links", fields | {"expires_at": "2031-01-02T03:04:00Z"})
    path = f"/links/{link['id']}"
    assert person.get(path).form(path).fields["expires_at"] == "2031-01-02T03:04"
    page = send(person, path, partner="", coupon="", slug="new", expires_at="2032-01-02T03:04")
    assert "Saved" in page.text
    after = api.got(path)
    assert (after["slug"], after["partner_id"], after["coupon"], after["sub5"]) == ("new", None, None, "x")
    assert after["expires_at"] == "2032-01-02T03:04:00.000Z"


def test_a_link_is_switched_off_from_the_list_and_on_again(person: Browser, api: Api) -> None:
    link = api.made("/links", {"offer_id": api.offer()["id"], "slug": "mara"})
    action = f"/links/{link['id']}/switch"
    page = person.submit(person.get("/links"), action)
    assert "Disabled" in page.text
    assert api.got(f"/links/{link['id']}")["enabled"] is False
    person.submit(page, action)
    assert api.got(f"/links/{link['id']}")["enabled"] is True


@pytest.mark.parametrize("noun", ["links", "partners", "coupons", "domains"])
def test_what_was_deleted_comes_back_by_undo(person: Browser, api: Api, noun: str) -> None:
    offer, partner = api.offer(), api.partner()
    thing = {
        "links": lambda: api.made("/links", {"offer_id": offer["id"], "slug": "mara-yt", "sub1": "yt"}),
        "partners": lambda: api.made("/partners", {"name": "Lena", "slug": "lena"}),
        "coupons": lambda: api.made("/coupons", {"offer_id": offer["id"], "partner_id": partner["id"], "code": "M20"}),
        "domains": lambda: api.made("/domains", {"host": "go.own.example", "root_url": "https://own.example"}),
    }[noun]()
    shown_on = f"/offers/{offer['id']}/coupons" if noun == "coupons" else f"/{noun}/{thing['id']}"
    page = person.submit(person.get(shown_on), f"/{noun}/{thing['id']}/delete")
    assert "Deleted" in page.text
    assert api.get(f"/{noun}/{thing['id']}").status_code == 404
    page = person.submit(page, f"/{noun}/{thing['id']}/undelete")
    assert "Back again" in page.text
    again = [one for one in api.got(f"/{noun}")["items"] if one["id"] != partner["id"]]
    kept = {name for name in thing if name not in ("id", "created_at")}
    assert [{name: one[name] for name in kept} for one in again] == [{name: thing[name] for name in kept}]


def test_undo_brings_back_only_what_was_deleted(person: Browser, api: Api) -> None:
    csrf = person.get("/links").form("/logout").fields["csrf"]
    assert person.post(f"/links/{api.offer()['id']}/undelete", {"csrf": csrf}).status == 404


def test_a_partner_in_use_stays_and_the_page_says_why(person: Browser, api: Api) -> None:
    partner = api.partner()
    api.made("/links", {"offer_id": api.offer()["id"], "partner_id": partner["id"]})
    path = f"/partners/{partner['id']}"
    page = person.submit(person.get(path), f"{path}/delete")
    assert page.status == 422
    assert "Links or coupons are Mara's: delete or reassign them first." in page.text


def test_a_partners_name_is_asked_for_and_their_slug_is_theirs_alone(person: Browser, api: Api) -> None:
    api.partner()
    assert send(person, "/partners/new", name="", slug="").errors == [
        "Give it a name.",
        "Give it a slug: the end of a URL, such as mara-tiktok.",
    ]
    page = send(person, "/partners/new", name="Other", slug="mara")
    assert page.errors == ["Another partner has the slug mara."]
    assert page.form("/partners/new").fields["name"] == "Other"


def test_settings_are_saved_whole_and_followed_until_they_are_live(person: Browser, api: Api) -> None:
    domain = api.made("/domains", {"host": "go.own.example"})
    path = f"/offers/{api.offer()['id']}/settings"
    page = person.get(path)
    assert page.form(path).fields["pass_query"] == "on"
    fields = {name: value for name, value in page.form(path).fields.items() if name != "pass_query"}
    fields |= {"name": "Renamed", "redirect_status": "307", "currency": "eur", f"domain:{domain['id']}": "on"}
    page = person.post(path, fields)
    assert "Saved" in page.text
    assert [given["data-sequence"] for _, given in page.elements if "data-sequence" in given] != []
    offer = api.got(path.removesuffix("/settings"))
    assert (offer["name"], offer["redirect_status"], offer["currency"]) == ("Renamed", 307, "EUR")
    assert (offer["pass_query"], offer["append_click_id"], offer["domain_ids"]) == (False, True, [domain["id"]])


def test_settings_that_fail_saved_tests_are_refused_and_an_admin_may_save_them_anyway(
    person: Browser, api: Api
) -> None:
    offer = api.offer()
    expected = {"destination_url": offer["destination_url"]}
    test = {"name": "French", "visitor": {"country": "FR"}, "expected": expected}
    api.made(f"/offers/{offer['id']}/smart-link/tests", test)
    path = f"/offers/{offer['id']}/settings"

    page = person.submit(person.get(path), path, destination_url="https://moved.test")

    assert page.status == 422
    assert "“French” should go to https://yourbrand.com and would go to https://moved.test/" in page.text
    assert person.submit(page, path, override_tests="on").status == 200
    assert api.got(f"/offers/{offer['id']}")["destination_url"] == "https://moved.test"


def test_bad_settings_change_nothing_and_say_what_is_wrong(person: Browser, api: Api) -> None:
    path = f"/offers/{api.offer()['id']}/settings"
    page = send(person, path, destination_url="javascript:alert(1)", currency="Euro", name="Kept")
    assert page.status == 422
    assert page.form(path).fields["name"] == "Kept"
    assert "Use three capital letters, such as EUR." in page.errors
    assert api.got(path.removesuffix("/settings"))["name"] == "SaaS"


@pytest.mark.parametrize("status", ["paused", "archived"])
def test_an_offer_is_paused_or_archived_and_activated(person: Browser, api: Api, status: str) -> None:
    path = f"/offers/{api.offer()['id']}"
    page = person.get(f"{path}/settings")
    page = person.post(f"{path}/status", page.form(f"{path}/status").fields | {"status": status})
    assert api.got(path)["status"] == status
    person.post(f"{path}/status", page.form(f"{path}/status").fields | {"status": "active"})
    assert api.got(path)["status"] == "active"


def test_a_clone_needs_a_free_slug_and_its_page_says_so(person: Browser, api: Api) -> None:
    path = f"/offers/{api.offer()['id']}"
    page = person.submit(person.get(f"{path}/settings"), f"{path}/clone", clone_slug="saas", clone_name="Twin")
    assert page.errors == ["An offer or a link has the slug saas already."]
    assert page.form(f"{path}/clone").fields["clone_name"] == "Twin"
    page = person.submit(page, f"{path}/clone", clone_slug="twin")
    assert page.status == 200
    assert {offer["slug"] for offer in api.got("/offers")["items"]} == {"saas", "twin"}


def test_the_postback_secret_is_replaced(person: Browser, api: Api) -> None:
    path = f"/offers/{api.offer()['id']}"
    before = api.got(path)["postback_secret"]
    page = person.submit(person.get(f"{path}/settings"), f"{path}/postback-secret")
    after = api.got(path)["postback_secret"]
    assert after != before
    assert after in page.text
    assert before not in page.html


def test_a_keys_token_is_shown_once(person: Browser, api: Api) -> None:
    page = send(person, "/access/keys/new", name="nightly", role="viewer")
    token = next(given["data-copy"] for _, given in page.elements if given.get("data-copy", "").startswith("tn_"))
    assert Api(api.client, token).get("/me").json()["role"] == "viewer"
    listed = person.get("/access")
    assert token not in listed.html
    key_id = next(key["id"] for key in api.got("/keys")["items"] if key["name"] == "nightly")
    asked = person.get(f"/access/keys/{key_id}")
    assert f"/access/keys/{key_id}" in listed.links
    assert "Revoke nightly?" in asked.text
    assert "It cannot be undone" in asked.text
    assert Api(api.client, token).get("/me").status_code == 200
    person.submit(asked, f"/access/keys/{key_id}/revoke")
    assert Api(api.client, token).get("/me").status_code == 401


def test_the_last_admin_stays_one(person: Browser, api: Api) -> None:
    mara = next(user for user in api.got("/users")["items"] if user["login"] == "mara@test")
    path = f"/access/users/{mara['id']}"
    assert send(person, path, role="viewer").errors == ["Mara is the only admin: make somebody else one first."]
    page = person.submit(person.get(path), f"{path}/delete")
    assert "Mara is the only admin: make somebody else one first." in page.text


def test_a_qr_code_is_a_picture_that_runs_nothing(person: Browser, api: Api) -> None:
    link = api.made("/links", {"offer_id": api.offer()["id"], "slug": "mara"})
    answer = person.client.request("GET", f"/links/{link['id']}/qr.svg?download=1")
    assert answer.headers["Content-Type"] == "image/svg+xml"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="mara.svg"'
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.text.startswith("<svg")


def test_a_notice_says_only_words_of_ours(person: Browser) -> None:
    assert "Pwned" not in person.get("/links?done=Pwned").text
    page = person.get("/links?done=deleted&gone=../../logout")
    assert [form.action for form in page.forms if "undelete" in form.action] == []
