"""Export and import: one document, compared before it is applied, harmless to apply again."""

from typing import Any

import orjson
import pytest
import yaml

from tests.control.api import Api, Client, errors_of, rule

DOCUMENT = """
turnout: 1
domains:
  - host: links.example.com
    root_url: https://example.com
partners:
  - {slug: mara, name: Mara}
offers:
  - slug: saas
    name: SaaS
    destination_url: https://yourbrand.com
    inactive_url: https://gone.test
    status: paused
    domains: [links.example.com]
    smart_link:
      fallback_url: https://yourbrand.com/else
      rules:
        - {name: UK, when: {country: [UK]}, destination_url: https://yourbrand.co.uk}
        - {when: {device: [mobile]}, destination_url: https://m.yourbrand.com}
links:
  - {slug: mara-tiktok, offer: saas, partner: mara, sub1: tiktok, expires_at: 2027-01-01T00:00:00Z}
  - {slug: mara-tiktok, offer: saas, domain: links.example.com, enabled: false}
coupons:
  - {code: MARA20, offer: saas, partner: mara}
"""


def imported(api: Api, text: str | bytes, plan: bool = False, media_type: str = "application/yaml") -> Any:
    params = {"plan": "true"} if plan else {}
    response = api.call("POST", "/import", content=text, params=params, headers={"Content-Type": media_type})
    assert response.status_code == 200, response.text
    return response.json()


def refused(api: Api, document: dict[str, Any]) -> list[tuple[str, str]]:
    response = api.call("POST", "/import", json=document)
    assert response.status_code == 422
    return errors_of(response)


def test_a_document_becomes_the_configuration(api: Api) -> None:
    result = imported(api, DOCUMENT)

    assert (result["created"], result["updated"], result["unchanged"]) == (6, 0, 0)
    (offer,) = api.got("/offers")["items"]
    assert (offer["status"], offer["url"]) == ("paused", "https://links.example.com/saas")
    assert [given["name"] for given in offer["smart_link"]["rules"]] == ["UK", ""]
    links = api.got("/links")["items"]
    assert {link["url"] for link in links} == {"https://go.test/mara-tiktok", "https://links.example.com/mara-tiktok"}
    assert api.got("/coupons")["items"][0]["partner_id"] == api.got("/partners")["items"][0]["id"]


def test_importing_again_changes_nothing(api: Api) -> None:
    imported(api, DOCUMENT)
    before = api.got("/offers"), api.got("/audit")["items"][0]

    result = imported(api, DOCUMENT)

    assert (result["created"], result["updated"], result["unchanged"], result["changes"]) == (0, 0, 6, [])
    assert (api.got("/offers"), api.got("/audit")["items"][0]) == before


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_is_exported_imports_as_no_change(api: Api, form: str) -> None:
    imported(api, DOCUMENT)

    response = api.get("/export", params={"format": form})

    assert response.headers["Content-Type"] == f"application/{form}"
    result = imported(api, response.content, media_type=f"application/{form}")
    assert (result["created"], result["updated"], result["unchanged"]) == (0, 0, 6)


def test_an_export_has_names_and_no_secrets(api: Api) -> None:
    imported(api, DOCUMENT)

    text = api.get("/export", headers={"Accept": "application/yaml"}).text

    document = yaml.safe_load(text)
    assert document["links"][1] == {
        "slug": "mara-tiktok",
        "domain": "links.example.com",
        "offer": "saas",
        "enabled": False,
    }
    assert document["coupons"] == [{"code": "MARA20", "offer": "saas", "partner": "mara"}]
    assert "pb_" not in text
    assert "tn_" not in text


def test_an_export_moves_to_another_installation_with_its_rule_ids(api: Api) -> None:
    imported(api, DOCUMENT)
    document = orjson.loads(api.get("/export").content)
    ids = [given["id"] for given in document["offers"][0]["smart_link"]["rules"]]
    document["offers"][0]["slug"] = "moved"
    document["links"], document["coupons"] = [], []
    for given in document["offers"][0]["smart_link"]["rules"]:
        given["id"] = f"x{given['id']}"

    imported(api, orjson.dumps(document), media_type="application/json")

    moved = api.got("/offers", params={"slug": "moved"})["items"][0]
    assert [given["id"] for given in moved["smart_link"]["rules"]] == [f"x{rule_id}" for rule_id in ids]


def test_a_plan_shows_the_diff_and_does_nothing(api: Api) -> None:
    imported(api, DOCUMENT)
    changed = DOCUMENT.replace("status: paused", "status: active").replace("sub1: tiktok", "sub1: insta")
    changed = changed.replace("name: Mara}", "name: Mara L.}").replace("{country: [UK]}", "{country: [UK, IE]}")

    result = imported(api, changed, plan=True)

    assert (result["planned"], result["created"], result["updated"], result["unchanged"]) == (True, 0, 3, 3)
    fields = {change["key"]: [field["field"] for field in change["fields"]] for change in result["changes"]}
    assert fields == {"mara": ["name"], "saas": ["status", "smart_link"], "/mara-tiktok": ["sub1"]}
    assert result["changes"][0]["fields"][0] == {"field": "name", "before": "Mara", "after": "Mara L."}
    assert api.got("/offers")["items"][0]["status"] == "paused"
    assert imported(api, changed)["updated"] == 3
    assert imported(api, changed)["updated"] == 0
    assert api.got("/offers")["items"][0]["status"] == "active"


def test_rules_without_ids_keep_the_ids_of_the_rules_they_stand_for(api: Api) -> None:
    imported(api, DOCUMENT)
    uk, mobile = api.got("/offers")["items"][0]["smart_link"]["rules"]
    document = yaml.safe_load(DOCUMENT)
    rules = document["offers"][0]["smart_link"]["rules"]
    rules[0]["destination_url"] = "https://uk.test"
    rules.insert(0, rule("https://new.test", when={"os": ["ios"]}))
    rules.reverse()

    imported(api, orjson.dumps(document, default=str), media_type="application/json")

    ids = [given["id"] for given in api.got("/offers")["items"][0]["smart_link"]["rules"]]
    assert ids[:2] == [mobile["id"], uk["id"]]
    assert ids[2] not in (mobile["id"], uk["id"])


def test_what_a_document_does_not_name_is_left_alone(api: Api) -> None:
    imported(api, DOCUMENT)

    result = imported(api, "offers: [{slug: saas, name: New name, destination_url: https://yourbrand.com}]")

    changed = {field["field"] for field in result["changes"][0]["fields"]}
    assert "smart_link" not in changed
    (offer,) = api.got("/offers")["items"]
    assert (offer["name"], len(offer["smart_link"]["rules"])) == ("New name", 2)
    assert len(api.got("/links")["items"]) == 2


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        pytest.param({"turnout": 2}, [("turnout", "literal_error")], id="another version"),
        pytest.param({"offer": []}, [("offer", "extra_forbidden")], id="unknown field"),
        pytest.param(
            {"links": [{"slug": "a", "offer": "x", "partner": "y", "domain": "z"}]},
            [
                ("links.0.offer", "unknown_offer"),
                ("links.0.partner", "unknown_partner"),
                ("links.0.domain", "unknown_domain"),
            ],
            id="names of nothing",
        ),
        pytest.param(
            {"partners": [{"slug": "a", "name": "A"}, {"slug": "a", "name": "B"}]},
            [("partners.1", "duplicate")],
            id="the same twice",
        ),
        pytest.param(
            {"offers": [{"slug": "a", "name": "A", "destination_url": "x", "smart_link": {"rules": [rule("y")]}}]},
            [
                ("offers.0.destination_url", "url_not_absolute"),
                ("offers.0.smart_link.rules.0.destination_url", "url_not_absolute"),
            ],
            id="destinations",
        ),
        pytest.param(
            {
                "offers": [{"slug": "a", "name": "A", "destination_url": "https://a.test"}],
                "links": [{"slug": "a", "offer": "a"}],
            },
            [("links.0.slug", "slug_taken")],
            id="a link with an offer's slug",
        ),
        pytest.param(
            {"domains": [{"host": "a.test", "root_url": "b"}]}, [("domains.0.root_url", "url_not_absolute")], id="root"
        ),
    ],
)
def test_faults_are_told_before_anything_is_done(
    api: Api, document: dict[str, Any], errors: list[tuple[str, str]]
) -> None:
    assert refused(api, {"partners": [{"slug": "first", "name": "First"}], **document}) == errors
    assert api.got("/partners")["items"] == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"a: [", "malformed_yaml"),
        (b"a: &x [1]\nb: *x", "yaml_alias"),
        (b"[&x [1],*x]", "yaml_alias"),
        (b"{a: &x [1], ? *x : 1}", "yaml_alias"),
        (b"\xff\xfe\x00", "malformed_yaml"),
        (b"!!python/object:os.system {}", "malformed_yaml"),
        (b"[" * 5000, "malformed_yaml"),
        (b"- 1", "not_an_object"),
        (b"", "not_an_object"),
    ],
)
def test_yaml_that_is_no_document_is_refused(api: Api, text: bytes, code: str) -> None:
    response = api.call("POST", "/import", content=text, headers={"Content-Type": "application/yaml"})

    assert errors_of(response) == [("", code)]


def test_thousands_of_links_are_imported_in_transactions_the_edges_can_take(api: Api, client: Client) -> None:
    links = [{"slug": f"l{number}", "offer": "saas"} for number in range(1200)]
    document = {"offers": [{"slug": "saas", "name": "S", "destination_url": "https://a.test"}], "links": links}

    result = imported(api, orjson.dumps(document), media_type="application/json")

    assert (result["created"], len(result["changes"])) == (1201, 1000)
    assert len(orjson.loads(api.get("/export").content)["links"]) == 1200
