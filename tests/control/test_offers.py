"""Offers over the API: their fields, their states, clones, what is published and what is refused."""

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from control.parts import Parts
from control.publishing.models import OutboxRow
from shared.pointer import decode_pointer
from shared.table import OFF, decode_table
from tests.control.api import Api, Client, errors_of, rule
from tests.control.fakes import FakeLive


def published(client: Client, parts: Parts) -> dict[str, Any]:
    """The newest body of every key in the outbox."""

    async def read() -> dict[str, Any]:
        async with parts.db.read() as session:
            rows = await session.scalars(select(OutboxRow).order_by(OutboxRow.sequence, OutboxRow.place))
            return {row.key: row.body and orjson.loads(row.body) for row in rows}

    return client.portal.call(read)


def test_an_offer_has_every_field_of_the_contract(api: Api) -> None:
    offer = api.offer()

    assert offer.pop("id").startswith("o_")
    assert offer.pop("postback_secret").startswith("pb_")
    assert offer.pop("created_at") <= offer.pop("updated_at")
    assert offer.pop("sequence") > 0
    assert offer == {
        "slug": "saas",
        "url": "https://go.test/saas",
        "name": "SaaS",
        "destination_url": "https://yourbrand.com",
        "status": "active",
        "inactive_url": None,
        "redirect_status": 302,
        "append_click_id": True,
        "pass_query": True,
        "domain_ids": [],
        "currency": "USD",
        "smart_link": {"enabled": False, "fallback_url": None, "rules": [], "revision": 1},
        "revision": 1,
        "canary": None,
        "warnings": [],
    }


def test_an_offer_is_created_with_its_smart_link(api: Api) -> None:
    link = {"enabled": True, "rules": [rule(when={"country": ["UK"]})]}

    offer = api.offer(smart_link=link)

    assert offer["smart_link"]["rules"][0]["when"] == {"country": ["GB"]}
    assert api.got(f"/offers/{offer['id']}")["smart_link"] == offer["smart_link"]


def test_destinations_are_kept_as_typed_and_published_as_sent(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer(destination_url="https://Bücher.example", inactive_url="https://gone.test")
    api.post(f"/offers/{offer['id']}/pause")

    assert api.got(f"/offers/{offer['id']}")["destination_url"] == "https://Bücher.example"
    table = published(client, parts)[f"o:{offer['id']}"]
    assert table["destination_url"] == "https://xn--bcher-kva.example/"
    assert decode_table(table).decisions[0].destination.url == "https://gone.test/"


def test_a_new_offer_is_published_with_its_slug(api: Api, client: Client, parts: Parts, live: FakeLive) -> None:
    offer = api.offer()

    bodies = published(client, parts)
    assert decode_table(bodies[f"o:{offer['id']}"]).decisions[0].rule == OFF
    assert decode_pointer(bodies["k:_/saas"]).offer == offer["id"]
    assert live.published == 1


def test_a_custom_domain_carries_the_slug_until_the_offer_leaves_it(api: Api, client: Client, parts: Parts) -> None:
    domain = api.made("/domains", {"host": "links.example.com"})
    offer = api.offer(domain_ids=[domain["id"]])
    assert offer["url"] == "https://links.example.com/saas"
    assert published(client, parts)["k:links.example.com/saas"]["offer"] == offer["id"]

    left = api.patch(f"/offers/{offer['id']}", {"domain_ids": []}).json()

    assert left["url"] == "https://go.test/saas"
    assert published(client, parts)["k:links.example.com/saas"] is None
    assert published(client, parts)["k:_/saas"]["offer"] == offer["id"]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        pytest.param({"slug": "Not A Slug"}, [("slug", "string_pattern_mismatch")], id="slug"),
        pytest.param({"slug": ""}, [("slug", "string_pattern_mismatch")], id="empty slug"),
        pytest.param({"name": "  "}, [("name", "string_too_short")], id="blank name"),
        pytest.param({"name": "a\x00b"}, [("name", "string_pattern_mismatch")], id="zero byte"),
        pytest.param({"name": "\x0ba"}, [("name", "string_pattern_mismatch")], id="control character at the end"),
        pytest.param({"destination_url": "ftp://a.test/"}, [("destination_url", "url_scheme")], id="scheme"),
        pytest.param({"inactive_url": "nope"}, [("inactive_url", "url_not_absolute")], id="inactive_url"),
        pytest.param({"redirect_status": 301}, [("redirect_status", "literal_error")], id="a status browsers keep"),
        pytest.param({"currency": "usd"}, [("currency", "string_pattern_mismatch")], id="currency"),
        pytest.param({"domain_ids": ["d_none"]}, [("domain_ids.0", "unknown_domain")], id="domain"),
        pytest.param({"status": "paused"}, [("status", "extra_forbidden")], id="status has its own calls"),
        pytest.param(
            {"smart_link": {"rules": [rule("x")]}}, [("rules.0.destination_url", "url_not_absolute")], id="a rule"
        ),
    ],
)
def test_faults_of_a_new_offer_are_told(api: Api, fields: dict[str, Any], errors: list[tuple[str, str]]) -> None:
    offer = {"name": "SaaS", "slug": "saas", "destination_url": "https://yourbrand.com"} | fields

    response = api.post("/offers", offer)

    assert response.status_code == 422
    assert errors_of(response) == errors


def test_a_taken_slug_is_409(api: Api) -> None:
    offer = api.offer()
    api.made("/links", {"offer_id": offer["id"], "slug": "taken"})

    for slug in ("saas", "taken"):
        response = api.post("/offers", {"name": "x", "slug": slug, "destination_url": "https://a.test"})
        assert response.status_code == 409
        assert errors_of(response) == [("slug", "slug_taken")]


def test_a_patch_changes_what_it_names_and_is_published(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer(inactive_url="https://gone.test/")

    changed = api.patch(f"/offers/{offer['id']}", {"destination_url": "https://new.test", "inactive_url": None}).json()

    assert changed["destination_url"] == "https://new.test"
    assert changed["inactive_url"] is None
    assert (changed["name"], changed["revision"]) == ("SaaS", 1)
    assert published(client, parts)[f"o:{offer['id']}"]["destination_url"] == "https://new.test/"


def test_an_offers_slug_never_changes(api: Api) -> None:
    offer = api.offer()

    assert api.patch(f"/offers/{offer['id']}", {"slug": "saas", "name": "x"}).status_code == 200
    assert errors_of(api.patch(f"/offers/{offer['id']}", {"slug": "other"})) == [("slug", "slug_immutable")]


@pytest.mark.parametrize("field", ["name", "destination_url", "redirect_status", "domain_ids", "currency"])
def test_what_must_be_there_cannot_be_patched_to_null(api: Api, field: str) -> None:
    offer = api.offer()

    assert api.patch(f"/offers/{offer['id']}", {field: None}).status_code == 422
    assert api.got(f"/offers/{offer['id']}")[field] == offer[field]


def test_statuses_are_values_in_the_table(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer()

    for action, status in (("pause", "paused"), ("archive", "archived"), ("activate", "active")):
        assert api.post(f"/offers/{offer['id']}/{action}").json()["status"] == status
        assert published(client, parts)[f"o:{offer['id']}"]["status"] == status


def test_a_clone_has_its_own_slug_secret_and_rule_ids(api: Api) -> None:
    offer = api.offer()
    (original,) = api.save(offer["id"], [rule(name="a", when={"country": ["US"]})]).json()["rules"]

    clone = api.made(f"/offers/{offer['id']}/clone")
    again = api.made(f"/offers/{offer['id']}/clone", {"name": "Second"})
    named = api.made(f"/offers/{offer['id']}/clone", {"slug": "other"})

    assert [made["slug"] for made in (clone, again, named)] == ["saas-copy", "saas-copy-2", "other"]
    assert (clone["name"], again["name"]) == ("SaaS (copy)", "Second")
    (copied,) = clone["smart_link"]["rules"]
    assert copied == original | {"id": copied["id"]}
    assert copied["id"] != original["id"]
    assert clone["postback_secret"] not in (offer["postback_secret"], again["postback_secret"])
    assert api.post(f"/offers/{offer['id']}/clone", {"slug": "saas"}).status_code == 409


def test_only_admins_see_and_rotate_the_postback_secret(api: Api, editor: Api) -> None:
    offer = api.offer()

    assert editor.got(f"/offers/{offer['id']}")["postback_secret"] is None
    assert editor.post(f"/offers/{offer['id']}/postback-secret/rotate").status_code == 403
    rotated = api.post(f"/offers/{offer['id']}/postback-secret/rotate").json()
    assert rotated["postback_secret"] != offer["postback_secret"]
    assert offer["postback_secret"] not in api.get("/audit").text


def test_offers_are_listed_newest_first_by_page_slug_and_status(api: Api) -> None:
    for slug in ("one", "two", "three"):
        api.offer(slug)
    api.post(f"/offers/{api.got('/offers', params={'slug': 'two'})['items'][0]['id']}/archive")

    page = api.got("/offers", params={"limit": 2})
    rest = api.got("/offers", params={"limit": 2, "cursor": page["next_cursor"]})
    archived = api.got("/offers", params={"status": "archived"})

    assert [offer["slug"] for offer in page["items"]] == ["three", "two"]
    assert ([offer["slug"] for offer in rest["items"]], rest["next_cursor"]) == (["one"], None)
    assert [offer["slug"] for offer in archived["items"]] == ["two"]


@pytest.mark.parametrize("cursor", ["", "x", "bm9wZQ", "bjE", "ä"])
def test_a_cursor_is_one_of_ours_or_refused(api: Api, cursor: str) -> None:
    response = api.get("/offers", params={"cursor": cursor})

    assert response.status_code == (200 if cursor == "bjE" else 422)


def test_warnings_come_with_every_save(api: Api) -> None:
    offer = api.offer(destination_url="http://plain.test/")
    assert [warning["code"] for warning in offer["warnings"]] == ["not_https"]

    changed = api.patch(f"/offers/{offer['id']}", {"append_click_id": False}).json()

    assert [warning["code"] for warning in changed["warnings"]] == ["not_https", "no_click_id"]
