"""Domains over the API, and the list of hosts that every edge holds."""

from typing import Any

import pytest

from control.parts import Parts
from tests.control.api import Api, Client, errors_of
from tests.control.test_offers import published


def test_registered_hosts_are_published_with_their_roots(api: Api, client: Client, parts: Parts) -> None:
    assert published(client, parts)["domains"]["domains"] == {"_": None}

    one = api.made("/domains", {"host": "Links.Example.com", "root_url": "https://Example.com"})
    two = api.made("/domains", {"host": "bücher.example"})

    assert (one["host"], one["root_url"]) == ("links.example.com", "https://Example.com")
    hosts = {"_": None, "links.example.com": "https://example.com/", "xn--bcher-kva.example": None}
    assert published(client, parts)["domains"]["domains"] == hosts
    api.patch(f"/domains/{one['id']}", {"root_url": None})
    api.delete(f"/domains/{two['id']}")
    assert published(client, parts)["domains"]["domains"] == {"_": None, "links.example.com": None}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"host": "https://a.test"}, ("host", "value_error")),
        ({"host": "a.test:8080"}, ("host", "value_error")),
        ({"host": "-a.test"}, ("host", "value_error")),
        ({"host": "_"}, ("host", "value_error")),
        ({"host": "a..test"}, ("host", "value_error")),
        ({"root_url": "/relative"}, ("root_url", "url_not_absolute")),
        ({"root_url": "https://a.test/{click_id}"}, ("root_url", "macro_place")),
    ],
)
def test_faults_of_a_new_domain_are_told(api: Api, fields: dict[str, Any], error: tuple[str, str]) -> None:
    assert errors_of(api.post("/domains", {"host": "a.test"} | fields)) == [error]


def test_a_host_is_registered_once_and_stays_while_it_is_used(api: Api) -> None:
    domain = api.made("/domains", {"host": "a.test"})
    offer = api.offer(domain_ids=[domain["id"]])

    assert errors_of(api.post("/domains", {"host": "A.TEST."})) == [("host", "host_taken")]
    assert api.delete(f"/domains/{domain['id']}").json()["code"] == "in_use"
    api.patch(f"/offers/{offer['id']}", {"domain_ids": []})
    link = api.made("/links", {"offer_id": offer["id"], "domain_id": domain["id"]})
    assert api.delete(f"/domains/{domain['id']}").json()["code"] == "in_use"
    api.delete(f"/links/{link['id']}")
    assert api.delete(f"/domains/{domain['id']}").json() == domain
    assert api.get(f"/domains/{domain['id']}").status_code == 404


def test_domains_are_the_admins(editor: Api) -> None:
    assert editor.post("/domains", {"host": "a.test"}).status_code == 403
    assert editor.get("/domains").status_code == 200


def test_pausing_a_domain_publishes_that_all_of_it_goes_to_one_page_and_can_be_undone(
    api: Api, client: Client, parts: Parts
) -> None:
    domain = api.made("/domains", {"host": "a.test", "root_url": "https://a.test/home"})
    api.patch(f"/domains/{domain['id']}", {"inactive_url": "https://Safe.test"})

    paused = api.post(f"/domains/{domain['id']}/pause").json()
    assert (paused["status"], paused["inactive_url"]) == ("paused", "https://Safe.test")
    value = published(client, parts)["domains"]
    assert (value["schema"], value["paused"]) == (2, {"a.test": "https://safe.test/"})

    again = api.post(f"/domains/{domain['id']}/pause").json()
    assert again["sequence"] == paused["sequence"]

    active = api.post(f"/domains/{domain['id']}/activate").json()
    assert active["sequence"] == paused["sequence"] + 1
    assert published(client, parts)["domains"] == {
        "schema": 1,
        "domains": {"_": None, "a.test": "https://a.test/home"},
    }
    actions = [entry["action"] for entry in api.got("/audit")["items"][:3]]
    assert actions == ["domain.activate", "domain.pause", "domain.update"]


def test_a_pause_without_a_page_is_published_as_such(api: Api, client: Client, parts: Parts) -> None:
    domain = api.made("/domains", {"host": "a.test", "status": "paused"})

    assert domain["status"] == "paused"
    assert published(client, parts)["domains"]["paused"] == {"a.test": None}


def test_who_may_not_edit_domains_may_not_pause_them(api: Api, editor: Api) -> None:
    domain = api.made("/domains", {"host": "a.test"})

    assert editor.post(f"/domains/{domain['id']}/pause").status_code == 403
    assert api.post("/domains/d_none/pause").status_code == 404


def test_a_safe_page_is_checked(api: Api) -> None:
    domain = api.made("/domains", {"host": "a.test"})

    response = api.patch(f"/domains/{domain['id']}", {"inactive_url": "javascript:alert(1)"})
    assert [path for path, _ in errors_of(response)] == ["inactive_url"]


def test_a_paused_domain_is_exported_and_imported_as_paused(api: Api) -> None:
    domain = api.made("/domains", {"host": "a.test", "inactive_url": "https://safe.test"})
    api.post(f"/domains/{domain['id']}/pause")
    document = api.got("/export?format=json")
    assert document["domains"] == [{"host": "a.test", "inactive_url": "https://safe.test", "status": "paused"}]

    api.post(f"/domains/{domain['id']}/activate")
    api.patch(f"/domains/{domain['id']}", {"inactive_url": None})
    assert api.post("/import", document).status_code == 200
    restored = api.got(f"/domains/{domain['id']}")
    assert (restored["status"], restored["inactive_url"]) == ("paused", "https://safe.test")
    assert api.post("/import?plan=true", document).json()["changes"] == []
