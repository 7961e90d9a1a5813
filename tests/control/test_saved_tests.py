"""Saved tests over the API: kept, run, held against every save, overridden on the record, copied and imported."""

from typing import Any

import pytest

from tests.control.api import IPHONE, Api, errors_of, rule

APP, LANDING = "https://apps.apple.com/us/app/your-app", "https://yourbrand.com/landing"
US_IPHONE = {"country": "US", "device": "mobile", "os": "ios"}
PHONES = rule(APP, name="Phones", when={"country": ["US"], "device": ["mobile"]})
DESKTOPS = rule(LANDING, when={"country": ["US"], "device": ["desktop"]})


def path(offer: Any, *more: str) -> str:
    return "/".join((f"/offers/{offer['id']}/smart-link/tests", *more))


def saved(name: str = "US iPhone", visitor: Any = None, **expected: str) -> dict[str, Any]:
    return {"name": name, "visitor": US_IPHONE if visitor is None else visitor, "expected": expected}


@pytest.fixture
def offer(api: Api) -> Any:
    """An offer with two rules, and their ids."""
    made = api.offer()
    rules = api.save(made["id"], [PHONES, DESKTOPS]).json()["rules"]
    return made | {"rules": rules}


def test_a_test_is_kept_as_it_was_written_and_can_be_changed_and_deleted(api: Api, offer: Any) -> None:
    made = api.made(path(offer), saved(visitor={"country": "us", "device": "mobile"}, destination_url=APP))

    assert made["visitor"] == {"country": "US", "device": "mobile"}
    assert made["expected"] == {"destination_url": APP}
    assert api.got(path(offer))["items"] == [made]
    assert api.got(path(offer, made["id"])) == made

    changed = api.patch(path(offer, made["id"]), {"name": "iPhone", "expected": {"rule_id": "fallback"}}).json()
    assert changed == made | {"name": "iPhone", "expected": {"rule_id": "fallback"}}
    assert api.delete(path(offer, made["id"])).json() == changed
    assert api.got(path(offer))["items"] == []
    actions = [entry["action"] for entry in api.got("/audit", params={"target": made["id"]})["items"]]
    assert actions == ["saved_test.delete", "saved_test.update", "saved_test.create"]


@pytest.mark.parametrize(
    ("body", "error"),
    [
        pytest.param(saved(rule_id="r_none"), ("expected.rule_id", "unknown_rule"), id="a rule of nobody's"),
        pytest.param(saved(), ("expected", "value_error"), id="nothing expected"),
        pytest.param(saved(rule_id="off", destination_url=APP), ("expected", "value_error"), id="both expected"),
        pytest.param(
            saved(destination_url="javascript:alert(1)"), ("expected.destination_url", "url_scheme"), id="a script"
        ),
        pytest.param(
            saved(visitor={"country": "XX"}, rule_id="off"), ("visitor.country", "unknown_country"), id="no country"
        ),
        pytest.param(saved(name=" ", rule_id="off"), ("name", "string_too_short"), id="no name"),
        pytest.param(saved(rule_id="off") | {"x": 1}, ("x", "extra_forbidden"), id="unknown field"),
    ],
)
def test_faults_are_told(api: Api, offer: Any, body: dict[str, Any], error: tuple[str, str]) -> None:
    response = api.post(path(offer), body)

    assert response.status_code == 422
    assert errors_of(response) == [error]


def test_names_are_taken_within_an_offer(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id="off"))
    other = api.made(path(offer), saved("Other", rule_id="off"))

    assert errors_of(api.post(path(offer), saved(rule_id="fallback"))) == [("name", "name_taken")]
    assert api.patch(path(offer, other["id"]), {"name": "US iPhone"}).status_code == 409
    assert api.made(path(api.offer("two")), saved(rule_id="off"))["name"] == "US iPhone"


def test_an_offer_has_at_most_fifty(api: Api, offer: Any) -> None:
    for number in range(50):
        api.made(path(offer), saved(f"test {number}", rule_id="off"))

    assert errors_of(api.post(path(offer), saved(rule_id="off"))) == [("", "too_many_tests")]


def test_viewers_look_and_run_and_editors_write(api: Api, editor: Api, viewer: Api, offer: Any) -> None:
    made = editor.made(path(offer), saved(destination_url=APP))

    assert viewer.got(path(offer))["items"] == [made]
    assert viewer.post(path(offer, "run"), {}).json()["passed"] == 1
    for refused in (
        viewer.post(path(offer), saved("b", rule_id="off")),
        viewer.patch(path(offer, made["id"]), {"name": "c"}),
        viewer.delete(path(offer, made["id"])),
    ):
        assert refused.status_code == 403
    assert api.get(path(api.offer("two"), made["id"])).status_code == 404


@pytest.mark.parametrize(
    ("visitor", "place"),
    [
        pytest.param(US_IPHONE, 0, id="by attributes"),
        pytest.param({"ip": "8.8.8.8", "user_agent": IPHONE}, 0, id="by address and User-Agent"),
        pytest.param({"country": "US", "device": "desktop"}, 1, id="desktop"),
        pytest.param({"country": "FR"}, None, id="everyone else"),
    ],
)
def test_a_test_passes_where_its_rule_decides(api: Api, offer: Any, visitor: Any, place: int | None) -> None:
    expected = "fallback" if place is None else offer["rules"][place]["id"]
    api.made(path(offer), saved(visitor=visitor, rule_id=expected))

    (outcome,) = api.post(path(offer, "run"), {}).json()["tests"]

    assert (outcome["passed"], outcome["rule_id"], outcome["trace"]) == (True, expected, [])


@pytest.mark.parametrize(("asked", "told"), [({}, []), ({"trace": True}, ["failed", "matched"])], ids=["short", "why"])
def test_a_run_says_why_where_that_is_asked_for(api: Api, offer: Any, asked: Any, told: list[str]) -> None:
    api.made(path(offer), saved(visitor={"country": "US", "device": "desktop"}, rule_id="fallback"))

    (outcome,) = api.post(path(offer, "run"), asked).json()["tests"]

    assert not outcome["passed"]
    assert [step["outcome"] for step in outcome["trace"]] == told


def test_a_destination_is_expected_as_a_browser_reads_it_whichever_rule_sends_there(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(destination_url="HTTPS://Apps.Apple.com/us/app/your-app"))
    moved = {"enabled": True, "rules": [rule(APP, when={"country": ["US"]}), *offer["rules"]]}

    report = api.post(path(offer, "run"), {"draft": moved}).json()

    assert (report["passed"], report["failed"]) == (1, 0)
    assert report["tests"][0]["rule_id"] == "new-1"


def test_a_save_that_fails_a_test_is_refused_with_what_was_expected_what_came_and_why(api: Api, offer: Any) -> None:
    phones, desktops = offer["rules"]
    test = api.made(path(offer), saved(rule_id=phones["id"]))
    api.made(path(offer), saved("US desktop", {"country": "US", "device": "desktop"}, destination_url=LANDING))
    api.made(path(offer), saved("French", {"country": "FR"}, rule_id="fallback"))
    everybody = rule("https://all.test/", when={"country": ["US"], "device": {"not": ["desktop"]}})

    response = api.save(offer["id"], [everybody, phones, desktops], fields={"fallback_url": "https://else.test"})

    assert response.status_code == 409
    assert response.json()["code"] == "tests_failed"
    assert errors_of(response) == [(f"tests.{test['id']}", "test_failed")]
    words = "“US iPhone” should go to rule 2 (“Phones”) and would go to rule 1."
    assert response.json()["errors"][0]["message"] == words
    assert response.json()["detail"] == f"1 of 3 saved tests fails: {words}"
    (failed,) = response.json()["tests"]
    assert (failed["rule_id"], failed["destination_url"]) == ("new-1", "https://all.test/")
    assert failed["visitor"]["country"] == "US"
    assert [(step["rule_id"], step["outcome"]) for step in failed["trace"]] == [
        ("new-1", "matched"),
        (phones["id"], "not_reached"),
    ]
    assert api.got(f"/offers/{offer['id']}")["revision"] == 2


@pytest.mark.parametrize(
    ("rules", "fields", "found"),
    [
        pytest.param([DESKTOPS], {}, "everyone else", id="its rule is deleted"),
        pytest.param(
            [PHONES, DESKTOPS], {"enabled": False}, "the main destination, with the smart link off", id="switched off"
        ),
        pytest.param([PHONES | {"enabled": False}, DESKTOPS], {}, "everyone else", id="its rule is off"),
    ],
)
def test_every_way_to_lose_a_rule_is_told(api: Api, offer: Any, rules: Any, fields: Any, found: str) -> None:
    ids = {given["destination_url"]: given["id"] for given in offer["rules"]}
    api.made(path(offer), saved(rule_id=ids[APP]))

    response = api.save(offer["id"], [given | {"id": ids[given["destination_url"]]} for given in rules], fields=fields)

    assert response.status_code == 409
    assert response.json()["errors"][0]["message"].endswith(f" and would go to {found}.")


def test_an_admin_overrides_on_the_record(api: Api, editor: Api, offer: Any) -> None:
    test = api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))
    params = {"override_tests": "true"}

    assert editor.put(f"/offers/{offer['id']}/smart-link", {"rules": []}, params=params).status_code == 403
    saved_anyway = api.save(offer["id"], [], params=params)

    assert saved_anyway.status_code == 200
    words = "“US iPhone” should go to a rule that is not in the list and would go to everyone else."
    overridden = [{"id": test["id"], "name": "US iPhone", "message": words}]
    newest, before, _ = api.got(f"/offers/{offer['id']}/revisions")["items"]
    assert (newest["overridden_tests"], before["overridden_tests"]) == (overridden, [])
    (entry,) = api.got("/audit", params={"action": "saved_test.override"})["items"]
    assert entry["actor"]["name"] == "admin key"
    assert (entry["target"], entry["after"]) == (offer["id"], {"revision": 3, "tests": overridden})


def test_nothing_is_on_record_where_an_override_was_not_needed(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))

    assert api.save(offer["id"], offer["rules"], params={"override_tests": "true"}).status_code == 200
    assert api.got("/audit", params={"action": "saved_test.override"})["items"] == []


def test_a_restore_is_held_against_the_tests_too(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))

    refused = api.post(f"/offers/{offer['id']}/revisions/1/restore")
    done = api.post(f"/offers/{offer['id']}/revisions/1/restore", params={"override_tests": "true"})

    assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
    assert done.status_code == 200
    assert len(api.got(f"/offers/{offer['id']}/revisions/3")["overridden_tests"]) == 1


FRENCH = {"country": "FR"}
MOVED = {"destination_url": "https://moved.test"}


def test_another_main_destination_is_held_against_the_tests_and_nothing_else_is(api: Api, offer: Any) -> None:
    api.made(path(offer), saved("French", FRENCH, destination_url="https://yourbrand.com"))
    here = f"/offers/{offer['id']}"

    refused = api.patch(here, MOVED | {"name": "Renamed"})

    assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
    words = "“French” should go to https://yourbrand.com and would go to https://moved.test/, by everyone else."
    assert refused.json()["errors"][0]["message"] == words
    assert (api.got(here)["destination_url"], api.got(here)["name"]) == ("https://yourbrand.com", "SaaS")
    assert api.patch(here, {"name": "Renamed", "destination_url": "https://YourBrand.com/"}).status_code == 200
    api.save(offer["id"], offer["rules"], fields={"fallback_url": "https://yourbrand.com"})
    assert api.patch(here, MOVED).status_code == 200


def test_an_admin_overrides_the_tests_of_a_main_destination_on_the_record(api: Api, editor: Api, offer: Any) -> None:
    test = api.made(path(offer), saved("French", FRENCH, destination_url="https://yourbrand.com"))
    params = {"override_tests": "true"}

    assert editor.patch(f"/offers/{offer['id']}", MOVED, params=params).status_code == 403
    assert api.patch(f"/offers/{offer['id']}", MOVED, params=params).json()["destination_url"] == "https://moved.test"

    (entry,) = api.got("/audit", params={"action": "saved_test.override"})["items"]
    assert entry["target"] == offer["id"]
    assert (entry["after"]["revision"], [told["id"] for told in entry["after"]["tests"]]) == (2, [test["id"]])


def test_a_conflict_is_told_before_failing_tests(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))

    assert api.save(offer["id"], [], headers={"If-Match": '"1"'}).status_code == 412


def test_a_paused_offer_is_tested_by_its_rules(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))
    api.post(f"/offers/{offer['id']}/pause")

    assert api.save(offer["id"], offer["rules"]).status_code == 200


def test_a_clone_takes_its_tests_along_for_its_own_rules(api: Api, offer: Any) -> None:
    phones, desktops = offer["rules"]
    api.made(path(offer), saved(rule_id=phones["id"]))
    api.made(path(offer), saved("By address", {"ip": "8.8.8.8", "user_agent": IPHONE}, destination_url=APP))
    api.made(path(offer), saved("Gone", rule_id=desktops["id"]))
    api.save(offer["id"], [phones], params={"override_tests": "true"})

    clone = api.made(f"/offers/{offer['id']}/clone")

    tests = api.got(path(clone))["items"]
    assert [test["name"] for test in tests] == ["US iPhone", "By address"]
    assert tests[0]["expected"] == {"rule_id": clone["smart_link"]["rules"][0]["id"]}
    assert api.post(path(clone, "run"), {}).json()["passed"] == 2


# -- export and import


def imported(api: Api, document: Any, **params: str) -> Any:
    return api.call("POST", "/import", json=document, params=params)


def exported(api: Api) -> Any:
    return api.got("/export")


def test_what_is_exported_imports_as_no_change(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))
    api.made(path(offer), saved("By address", {"ip": "8.8.8.8", "user_agent": IPHONE}, destination_url=APP))

    document = exported(api)

    assert [test["name"] for test in document["offers"][0]["tests"]] == ["US iPhone", "By address"]
    assert imported(api, document).json()["changes"] == []


def test_tests_are_imported_by_name_and_others_stay(api: Api, offer: Any) -> None:
    phones = offer["rules"][0]
    api.made(path(offer), saved(rule_id=phones["id"]))
    api.made(path(offer), saved("Stays", rule_id=phones["id"]))
    document = exported(api)
    document["offers"][0]["tests"] = [
        saved(visitor={"country": "us", "device": "mobile"}, destination_url=APP),
        saved("New", rule_id="fallback", visitor={"country": "FR"}),
    ]

    (change,) = imported(api, document).json()["changes"]

    assert [given["field"] for given in change["fields"]] == ["tests"]
    tests = {test["name"]: test["expected"] for test in api.got(path(offer))["items"]}
    assert tests == {
        "US iPhone": {"destination_url": APP},
        "Stays": {"rule_id": phones["id"]},
        "New": {"rule_id": "fallback"},
    }
    assert imported(api, document).json()["changes"] == []


@pytest.mark.parametrize("plan", ["true", "false"])
def test_an_import_that_fails_tests_is_refused_before_anything_is_done(api: Api, offer: Any, plan: str) -> None:
    api.made(path(offer), saved(rule_id=offer["rules"][0]["id"]))
    document = exported(api)
    document["offers"][0] |= {"name": "Renamed", "smart_link": {"enabled": True, "rules": [DESKTOPS]}}

    refused = imported(api, document, plan=plan)

    assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
    assert refused.json()["detail"].startswith("saas: 1 of 1 saved test fails: “US iPhone” should go to a rule that")
    assert api.got(f"/offers/{offer['id']}")["name"] == "SaaS"


def test_an_import_may_override(api: Api, offer: Any) -> None:
    api.made(path(offer), saved(destination_url=APP))
    document = exported(api)
    document["offers"][0]["smart_link"] = {"enabled": True, "rules": [DESKTOPS]}

    assert imported(api, document, override_tests="true").status_code == 200

    assert len(api.got(f"/offers/{offer['id']}/revisions")["items"][0]["overridden_tests"]) == 1


def test_an_import_of_another_main_destination_is_held_against_the_tests_too(api: Api, offer: Any) -> None:
    api.made(path(offer), saved("French", FRENCH, destination_url="https://yourbrand.com"))
    document = exported(api)
    document["offers"][0] |= MOVED

    refused = imported(api, document)
    done = imported(api, document, override_tests="true")

    assert (refused.status_code, refused.json()["code"]) == (409, "tests_failed")
    assert done.status_code == 200
    assert api.got(f"/offers/{offer['id']}")["destination_url"] == "https://moved.test"
    assert len(api.got("/audit", params={"action": "saved_test.override"})["items"]) == 1


@pytest.mark.parametrize("moved", ["with its tests", "with its tests and its smart link"])
def test_a_main_destination_may_be_imported_with_the_tests_that_expect_it(api: Api, offer: Any, moved: str) -> None:
    api.made(path(offer), saved("French", FRENCH, destination_url="https://yourbrand.com"))
    document = exported(api)
    document["offers"][0] |= MOVED | {"tests": [saved("French", FRENCH, **MOVED)]}
    if "smart link" in moved:
        document["offers"][0]["smart_link"] = {"enabled": True, "rules": [DESKTOPS]}
        document["offers"][0]["tests"].append(saved("Phone", **MOVED))

    assert imported(api, document).status_code == 200

    assert api.post(path(offer, "run"), {}).json()["failed"] == 0
    assert imported(api, document).json()["changes"] == []


def test_a_new_offer_comes_with_its_tests(api: Api) -> None:
    phones = PHONES | {"id": "phones"}
    document = {
        "offers": [
            {"slug": "saas", "name": "SaaS", "destination_url": "https://yourbrand.com"}
            | {"smart_link": {"rules": [phones]}, "tests": [saved(rule_id="phones")]}
        ]
    }

    assert imported(api, document).status_code == 200

    made = api.got("/offers")["items"][0]
    assert api.post(path(made, "run"), {}).json()["passed"] == 1
    assert imported(api, document).json()["changes"] == []


@pytest.mark.parametrize(
    ("tests", "error"),
    [
        pytest.param([saved(rule_id="r_none")], ("offers.0.tests.0.expected.rule_id", "unknown_rule"), id="rule"),
        pytest.param(
            [saved(visitor={"os": "dos"}, rule_id="off")], ("offers.0.tests.0.visitor.os", "unknown_os"), id="visitor"
        ),
        pytest.param(
            [saved(destination_url="x")], ("offers.0.tests.0.expected.destination_url", "url_not_absolute"), id="URL"
        ),
        pytest.param(
            [saved(rule_id="off"), saved(rule_id="off")], ("offers.0.tests.1.name", "duplicate"), id="same name twice"
        ),
    ],
)
def test_faults_of_a_document_are_told_with_their_place(api: Api, tests: Any, error: tuple[str, str]) -> None:
    document = {
        "offers": [{"slug": "saas", "name": "SaaS", "destination_url": "https://yourbrand.com", "tests": tests}]
    }

    response = imported(api, document)

    assert response.status_code == 422
    assert errors_of(response) == [error]
