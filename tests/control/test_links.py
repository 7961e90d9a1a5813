"""Links over the API: presets, namespaces, what is published, and bulk work line by line."""

import json
import tracemalloc
from typing import Any, ClassVar

import pytest

from control.bulk import run
from control.links.schemas import LinkLine
from control.parts import Parts
from shared.pointer import Pointer, decode_pointer
from tests.control.api import Api, Client, errors_of
from tests.control.fakes import FakeLive
from tests.control.test_offers import published


def test_a_link_without_slug_gets_a_random_one(api: Api) -> None:
    offer = api.offer()

    link = api.made("/links", {"offer_id": offer["id"]})

    assert len(link["slug"]) == 8
    assert link["url"] == f"https://go.test/{link['slug']}"
    assert api.got(f"/links/{link['id']}") == link
    assert {name: link[name] for name in ("partner_id", "coupon", "sub1", "domain_id", "expires_at")} == dict.fromkeys(
        ("partner_id", "coupon", "sub1", "domain_id", "expires_at")
    )


def test_a_link_publishes_what_it_presets(api: Api, client: Client, parts: Parts) -> None:
    offer, partner = api.offer(), api.partner()
    domain = api.made("/domains", {"host": "links.example.com"})
    fields = {"slug": "mara-tiktok", "coupon": "MARA20", "sub1": "tiktok", "sub5": "ü", "enabled": False}
    refs = {"offer_id": offer["id"], "partner_id": partner["id"], "domain_id": domain["id"]}

    link = api.made("/links", fields | refs | {"expires_at": "2027-01-01T00:00:00+01:00"})

    assert link["url"] == "https://links.example.com/mara-tiktok"
    assert link["expires_at"] == "2026-12-31T23:00:00.000Z"
    pointer = decode_pointer(published(client, parts)["k:links.example.com/mara-tiktok"])
    assert pointer == Pointer(
        offer=offer["id"],
        link=link["id"],
        partner="mara",
        coupon="MARA20",
        subs=("tiktok", "", "", "", "ü"),
        enabled=False,
        expires_at=1_798_758_000_000,
    )


def test_the_last_moment_there_is_is_a_time(api: Api) -> None:
    link = api.made("/links", {"offer_id": api.offer()["id"], "expires_at": "9999-12-31T23:59:59.999999Z"})

    assert link["expires_at"] == "9999-12-31T23:59:59.999Z"


def test_one_slug_may_be_on_several_domains_but_never_an_offers(api: Api) -> None:
    offer = api.offer()
    domain = api.made("/domains", {"host": "links.example.com"})
    here = {"offer_id": offer["id"], "slug": "same"}
    api.made("/links", here)
    api.made("/links", here | {"domain_id": domain["id"]})

    assert errors_of(api.post("/links", here)) == [("slug", "slug_taken")]
    assert api.post("/links", here | {"domain_id": domain["id"]}).status_code == 409
    assert api.post("/links", {"offer_id": offer["id"], "slug": "saas", "domain_id": domain["id"]}).status_code == 409


def test_a_changed_link_is_published_and_its_old_slug_is_gone(api: Api, client: Client, parts: Parts) -> None:
    offer, partner = api.offer(), api.partner()
    link = api.made("/links", {"offer_id": offer["id"], "slug": "old", "sub1": "a"})

    changed = api.patch(f"/links/{link['id']}", {"slug": "new", "sub1": None, "partner_id": partner["id"]}).json()

    assert (changed["slug"], changed["sub1"], changed["partner_id"]) == ("new", None, partner["id"])
    bodies = published(client, parts)
    assert bodies["k:_/old"] is None
    assert decode_pointer(bodies["k:_/new"]).partner == "mara"


def test_a_deleted_link_is_gone(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer()
    link = api.made("/links", {"offer_id": offer["id"], "slug": "old"})

    assert api.delete(f"/links/{link['id']}").json() == link

    assert published(client, parts)["k:_/old"] is None
    assert api.get(f"/links/{link['id']}").status_code == 404
    assert api.delete(f"/links/{link['id']}").status_code == 404
    assert api.made("/links", {"offer_id": offer["id"], "slug": "old"})["id"] != link["id"]


@pytest.mark.parametrize(
    ("fields", "errors"),
    [
        ({"offer_id": "o_none"}, [("offer_id", "unknown_offer")]),
        ({"partner_id": "p_none"}, [("partner_id", "unknown_partner")]),
        ({"domain_id": "d_none"}, [("domain_id", "unknown_domain")]),
        ({"slug": "-x"}, [("slug", "string_pattern_mismatch")]),
        ({"sub1": "x" * 201}, [("sub1", "string_too_long")]),
        ({"expires_at": "2027-01-01T00:00:00"}, [("expires_at", "timezone_aware")]),
        ({"expires_at": 1790000000}, [("expires_at", "value_error")]),
        ({"expires_at": "tomorrow"}, [("expires_at", "value_error")]),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, [("expires_at", "value_error")]),
        ({"enabled": 1}, [("enabled", "bool_type")]),
    ],
)
def test_faults_of_a_new_link_are_told(api: Api, fields: dict[str, Any], errors: list[tuple[str, str]]) -> None:
    response = api.post("/links", {"offer_id": api.offer()["id"]} | fields)

    assert response.status_code == 422
    assert errors_of(response) == errors


def test_a_change_that_names_what_is_not_there_is_refused(api: Api) -> None:
    link = api.made("/links", {"offer_id": api.offer()["id"], "slug": "a"})
    api.made("/links", {"offer_id": link["offer_id"], "slug": "b"})

    assert errors_of(api.patch(f"/links/{link['id']}", {"partner_id": "p_none"})) == [("partner_id", "unknown_partner")]
    assert errors_of(api.patch(f"/links/{link['id']}", {"offer_id": "o_none"})) == [("offer_id", "unknown_offer")]
    assert api.patch(f"/links/{link['id']}", {"slug": "b"}).status_code == 409
    assert api.patch(f"/links/{link['id']}", {"slug": "saas"}).status_code == 409


def test_links_are_listed_by_what_they_belong_to(api: Api) -> None:
    offer, other, partner = api.offer(), api.offer("other"), api.partner()
    api.made("/links", {"offer_id": offer["id"], "slug": "a", "partner_id": partner["id"]})
    api.made("/links", {"offer_id": other["id"], "slug": "b"})

    def slugs(**filters: str) -> list[str]:
        return [link["slug"] for link in api.got("/links", params=filters)["items"]]

    assert slugs() == ["b", "a"]
    assert slugs(offer_id=offer["id"]) == slugs(partner_id=partner["id"]) == slugs(slug="a") == ["a"]


def bulk(api: Api, body: str | bytes, media_type: str = "application/x-ndjson", path: str = "/links/bulk") -> Any:
    response = api.call("POST", path, content=body, headers={"Content-Type": media_type})
    assert response.status_code == 200, response.text
    return response.json()


def lines(*items: Any) -> str:
    return "\n".join(item if isinstance(item, str) else json.dumps(item) for item in items)


def test_bulk_lines_are_answered_one_by_one(api: Api) -> None:
    offer = api.offer()
    api.partner()
    api.made("/links", {"offer_id": offer["id"], "slug": "taken"})

    result = bulk(
        api,
        lines(
            {"offer_id": offer["id"], "slug": "one"},
            {"offer": "saas", "partner": "mara", "sub1": "x"},
            "",
            {"offer_id": offer["id"], "slug": "taken"},
            {"offer_id": offer["id"], "slug": "one"},
            {"offer": "nope"},
            {"slug": "two"},
            "{broken",
            "[1]",
            {"offer": "saas", "weight": 1},
        ),
    )

    assert (result["created"], result["failed"]) == (2, 7)
    found = [(answer["line"], answer["status"], answer["code"]) for answer in result["results"]]
    assert found == [
        (1, 201, None),
        (2, 201, None),
        (4, 409, "slug_taken"),
        (5, 409, "slug_taken"),
        (6, 422, "unknown_offer"),
        (7, 422, "missing"),
        (8, 422, "malformed_json"),
        (9, 422, "not_an_object"),
        (10, 422, "extra_forbidden"),
    ]
    assert result["results"][0]["url"] == "https://go.test/one"
    made = api.got(f"/links/{result['results'][1]['id']}")
    assert (made["sub1"], made["partner_id"]) == ("x", api.got("/partners")["items"][0]["id"])


def test_bulk_takes_csv_with_a_header(api: Api) -> None:
    api.offer()
    api.partner()
    body = '\ufeffoffer,partner,slug,coupon,enabled\r\nsaas,mara,a,"MARA,20",no\r\nsaas,,b,,\r\nsaas,mara\r\n'

    result = bulk(api, body, "text/csv; charset=utf-8")

    assert [(answer["line"], answer["status"]) for answer in result["results"]] == [(2, 201), (3, 201), (4, 422)]
    first, second = (api.got(f"/links/{answer['id']}") for answer in result["results"][:2])
    assert (first["coupon"], first["enabled"]) == ("MARA,20", False)
    assert (second["coupon"], second["enabled"], second["partner_id"]) == (None, True, None)


def test_bulk_work_is_done_five_hundred_lines_a_transaction(api: Api, live: FakeLive) -> None:
    offer = api.offer()
    before = live.published

    result = bulk(api, lines(*[{"offer_id": offer["id"]}] * 1200))

    assert result["created"] == 1200
    assert len({answer["slug"] for answer in result["results"]}) == 1200
    assert live.published - before == 3
    changes = api.got("/audit", params={"action": "link.create"})["items"]
    assert [change["after"]["count"] for change in changes] == [200, 500, 500]


def test_a_line_that_never_ends_is_one_bad_line(api: Api) -> None:
    api.offer()

    result = bulk(api, lines("x" * 100_000, {"offer": "saas"}))

    assert [(answer["status"], answer["code"]) for answer in result["results"]] == [(422, "line_too_long"), (201, None)]


class EndlessLine:
    """A request whose line goes on for 100 MB, in pieces of 64 KiB."""

    headers: ClassVar = {"Content-Type": "application/x-ndjson"}

    async def stream(self) -> Any:
        for _ in range(1600):
            yield b"x" * 65_536


def test_a_line_that_never_ends_does_not_fill_memory(client: Client) -> None:
    async def no_work(_lines: Any) -> Any:
        raise AssertionError("there is no line to do")

    tracemalloc.start()
    result = client.portal.call(run, EndlessLine(), LinkLine, no_work)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert [answer.code for answer in result.results] == ["line_too_long"]
    assert peak_bytes < 10_000_000


@pytest.mark.parametrize("body", [b"\xff\xfe\x00", b"\x00", b"[" * 5000, b'{"offer": "\\ud800"}', b"1"])
def test_bytes_that_mean_nothing_are_bad_lines(api: Api, body: bytes) -> None:
    assert [answer["status"] for answer in bulk(api, body)["results"]] == [422]


def test_bulk_work_of_another_media_type_is_415(api: Api) -> None:
    response = api.call("POST", "/links/bulk", content=b"<a/>", headers={"Content-Type": "application/xml"})

    assert response.status_code == 415


def test_bulk_work_needs_an_editor(viewer: Api) -> None:
    assert viewer.call("POST", "/links/bulk", content=b"").status_code == 403
