"""Smart links over the API: saving, revisions, conflicts, warnings, what is refused."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select

from control.parts import Parts
from control.publishing.acks import Propagation
from control.publishing.fleet import Refusal
from control.publishing.models import OutboxRow
from tests.control.api import Api, Client, errors_of, rule
from tests.control.fakes import FakeLive

US_MOBILE = {"country": ["US"], "device": ["mobile"]}


def test_a_new_offer_has_a_smart_link_that_is_off(api: Api) -> None:
    offer = api.offer()

    link = api.get(f"/offers/{offer['id']}/smart-link")

    assert link.json() == {"enabled": False, "fallback_url": None, "rules": [], "revision": 1, "canary": None}
    assert link.headers["ETag"] == '"1"'


def test_what_is_put_is_what_is_got_and_rules_get_ids(api: Api) -> None:
    offer = api.offer()

    saved = api.save(offer["id"], [rule(name="Phones", when=US_MOBILE), rule(when={"country": ["uk"]}, enabled=False)])

    assert saved.status_code == 200
    assert saved.headers["ETag"] == '"2"'
    link = api.got(f"/offers/{offer['id']}/smart-link")
    assert {name: saved.json()[name] for name in link} == link
    assert [given["when"] for given in link["rules"]] == [US_MOBILE, {"country": ["GB"]}]
    assert [given["enabled"] for given in link["rules"]] == [True, False]
    assert all(given["id"].startswith("r_") for given in link["rules"])


def test_ids_stay_through_reorder_rename_and_edit(api: Api) -> None:
    offer = api.offer()
    first, second = api.save(offer["id"], [rule(name="a"), rule("https://b.test/", when=US_MOBILE)]).json()["rules"]

    renamed = {**first, "name": "z", "destination_url": "https://z.test/"}
    saved = api.save(offer["id"], [second, renamed]).json()

    assert saved["rules"] == [second, renamed]


def test_an_id_that_was_deleted_may_come_back(api: Api) -> None:
    offer = api.offer()
    (first,) = api.save(offer["id"], [rule()]).json()["rules"]
    api.save(offer["id"], [])

    assert api.save(offer["id"], [first]).json()["rules"] == [first]


def test_a_new_id_of_the_callers_own_is_kept(api: Api) -> None:
    offer = api.offer()

    assert api.save(offer["id"], [rule(id="us-mobile")]).json()["rules"][0]["id"] == "us-mobile"


def test_another_offers_rule_id_is_refused(api: Api) -> None:
    one, other = api.offer("one"), api.offer("other")
    (taken,) = api.save(one["id"], [rule()]).json()["rules"]

    response = api.save(other["id"], [rule(), taken])

    assert response.status_code == 422
    assert errors_of(response) == [("rules.1.id", "rule_id_taken")]


@pytest.mark.parametrize("word", ["fallback", "off", "inactive", "offer"])
def test_words_that_statistics_use_are_no_rule_ids(api: Api, word: str) -> None:
    assert errors_of(api.save(api.offer()["id"], [rule(id=word)])) == [("rules.0.id", "reserved_id")]


@pytest.mark.parametrize(
    ("rules", "errors"),
    [
        pytest.param([rule("nonsense")], [("rules.0.destination_url", "url_not_absolute")], id="no URL"),
        pytest.param([rule("javascript:alert(1)")], [("rules.0.destination_url", "url_scheme")], id="script"),
        pytest.param([rule(), rule("https://a.b/{x}")], [("rules.1.destination_url", "unknown_macro")], id="macro"),
        pytest.param([rule(when={"country": ["XX"]})], [("rules.0.when.country.0", "unknown_country")], id="country"),
        pytest.param([rule(when={"os": {"not": ["dos"]}})], [("rules.0.when.os.not.0", "unknown_os")], id="os"),
        pytest.param([rule(when={"moon": ["full"]})], [("rules.0.when.moon", "unknown_kind")], id="kind"),
        pytest.param([rule(when={"device": []})], [("rules.0.when.device", "empty_list")], id="empty list"),
        pytest.param([rule(id="a"), rule(id="a")], [("rules.1.id", "duplicate_id")], id="same id twice"),
        pytest.param([rule(weight=3)], [("rules.0.weight", "extra_forbidden")], id="unknown field"),
        pytest.param([rule(enabled="yes")], [("rules.0.enabled", "bool_type")], id="text for a switch"),
        pytest.param([rule(name="x" * 201)], [("rules.0.name", "string_too_long")], id="long name"),
        pytest.param([rule()] * 301, [("rules", "too_long")], id="too many rules"),
        pytest.param(
            [rule("nonsense", when={"country": []})],
            [("rules.0.when.country", "empty_list"), ("rules.0.destination_url", "url_not_absolute")],
            id="two faults at once",
        ),
    ],
)
def test_faults_are_told_with_path_and_code(api: Api, rules: list[Any], errors: list[tuple[str, str]]) -> None:
    response = api.save(api.offer()["id"], rules)

    assert response.status_code == 422
    assert response.json()["code"] == "invalid"
    assert errors_of(response) == errors


def test_what_is_refused_changes_nothing(api: Api, live: FakeLive) -> None:
    offer = api.offer()
    published = live.published

    api.save(offer["id"], [rule("nonsense")])

    assert api.got(f"/offers/{offer['id']}/smart-link")["revision"] == 1
    assert live.published == published


def test_rules_too_large_for_the_edges_are_refused(api: Api) -> None:
    response = api.save(api.offer()["id"], [rule(f"https://a.test/{'x' * 1800}{n}") for n in range(200)])

    assert errors_of(response) == [("rules", "too_large")]


@pytest.mark.parametrize("tag", ['"2"', 'W/"2"', '"7", "2"', "*"])
def test_if_match_with_the_current_revision_saves(api: Api, tag: str) -> None:
    offer = api.offer()
    api.save(offer["id"], [rule()])

    assert api.save(offer["id"], [], headers={"If-Match": tag}).status_code == 200


def test_if_match_with_an_older_revision_gets_the_current_state(api: Api) -> None:
    offer = api.offer()
    api.save(offer["id"], [rule(name="theirs")])
    theirs = api.got(f"/offers/{offer['id']}/smart-link")

    response = api.save(offer["id"], [rule(name="mine")], headers={"If-Match": '"1"'})

    assert response.status_code == 412
    assert response.json()["code"] == "edit_conflict"
    assert response.json()["current"] == theirs
    assert response.headers["ETag"] == '"2"'
    assert api.got(f"/offers/{offer['id']}/smart-link") == theirs


def test_of_two_who_edit_the_same_revision_at_once_one_wins(api: Api) -> None:
    offer = api.offer()
    both = [partial(api.save, offer["id"], [rule(name=name)], headers={"If-Match": '"1"'}) for name in ("a", "b")]

    with ThreadPoolExecutor(2) as pool:
        answers = [pending.result() for pending in [pool.submit(save) for save in both]]

    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert api.got(f"/offers/{offer['id']}/smart-link")["revision"] == 2


def test_a_save_publishes_one_table_however_many_links_there_are(api: Api, client: Client, parts: Parts) -> None:
    offer = api.offer()
    for number in range(20):
        api.made("/links", {"offer_id": offer["id"], "slug": f"l{number}"})

    sequence = api.save(offer["id"], [rule()]).json()["sequence"]

    assert client.portal.call(keys_of, parts, sequence) == [f"o:{offer['id']}"]


async def keys_of(parts: Parts, sequence: int) -> list[str]:
    async with parts.db.read() as session:
        query = select(OutboxRow.key).where(OutboxRow.sequence == sequence)
        return list(await session.scalars(query))


def test_a_save_writes_each_row_once(api: Api, parts: Parts) -> None:
    written: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith(("INSERT", "UPDATE", "DELETE")):
            written.append(" ".join(statement.split()[:3]).replace("INSERT INTO", "INSERT").replace(" SET", ""))

    offer = api.offer()
    event.listen(parts.db.writer.sync_engine, "before_cursor_execute", note)
    assert api.save(offer["id"], []).status_code == 200

    assert sorted(written) == [
        "INSERT audit_log",
        "INSERT publishing_outbox",
        "INSERT publishing_transactions",
        "INSERT smart_link_revisions",
        "UPDATE offers",
        "UPDATE publishing_lineage",
    ]


def test_an_etag_that_is_none_is_refused(api: Api) -> None:
    response = api.save(api.offer()["id"], [], headers={"If-Match": "yesterday"})

    assert errors_of(response) == [("If-Match", "invalid_etag")]


def test_a_save_says_how_far_it_got(api: Api, live: FakeLive) -> None:
    offer = api.offer()

    saved = api.save(offer["id"], [rule()], params={"wait": 2.5}).json()

    propagation = {"live": 3, "of": 3, "unknown": 0, "refused": 0, "ms": 41, "complete": True, "refusals": []}
    assert saved["propagation"] == propagation
    assert live.waited == [(saved["sequence"], 2.5)]


def test_a_wait_that_ends_incomplete_is_200_all_the_same(api: Api, live: FakeLive) -> None:
    refusal = Refusal("edge-1", "o:1", "schema 9")
    live.answer = Propagation(live=1, of=3, unknown=1, refused=(refusal,), ms=5000, complete=False)

    response = api.save(api.offer()["id"], [rule()], params={"wait": 5})

    assert response.status_code == 200
    assert response.json()["propagation"]["refused"] == 1
    assert response.json()["propagation"]["refusals"] == [{"edge": "edge-1", "key": "o:1", "reason": "schema 9"}]


@pytest.mark.parametrize("wait", ["-1", "61", "soon", "nan"])
def test_a_wait_that_is_no_short_time_is_refused(api: Api, wait: str) -> None:
    assert api.save(api.offer()["id"], [], params={"wait": wait}).status_code == 422


def warnings(api: Api, rules: list[Any], offer: dict[str, Any] | None = None, **fields: Any) -> list[tuple[Any, ...]]:
    saved = api.save(api.offer(**(offer or {}))["id"], rules, fields=fields).json()
    places = {given["id"]: place for place, given in enumerate(saved["rules"])}
    return [
        (warning["code"], places.get(warning["rule_id"], warning["rule_id"]), [places[by] for by in warning["by"]])
        for warning in saved["warnings"]
    ]


def test_a_rule_that_earlier_ones_cover_is_warned_of(api: Api) -> None:
    rules = [rule(when={"country": ["US"]}), rule(when={"country": ["CA"]}), rule(when={"country": ["CA", "US"]})]

    assert warnings(api, rules) == [("never", 2, [0, 1])]


def test_order_that_decides_is_warned_of(api: Api) -> None:
    rules = [rule(when={"country": ["US"]}), rule("https://b.test/", when={"device": ["mobile"]})]

    assert warnings(api, rules) == [("overlaps", 1, [0])]


def test_a_fallback_that_nobody_reaches_is_warned_of(api: Api) -> None:
    assert warnings(api, [rule()]) == [("never", "fallback", [0])]


def test_destinations_that_lose_something_are_warned_of(api: Api) -> None:
    rules = [rule("http://a.test/", when=US_MOBILE)]

    found = warnings(api, rules, fallback_url="https://go.test/saas")

    assert found == [("not_https", 0, []), ("loop", "fallback", [])]


def test_a_disabled_rule_is_not_warned_of(api: Api) -> None:
    assert warnings(api, [rule("http://a.test/", enabled=False), rule("https://b.test/", when=US_MOBILE)]) == []


def test_a_destination_on_a_registered_domain_is_a_loop(api: Api) -> None:
    api.made("/domains", {"host": "Links.Example.COM."})

    found = warnings(api, [rule("https://links.example.com/other", when=US_MOBILE)])

    assert found == [("loop", 0, [])]


def test_without_click_id_on_the_way_every_destination_is_warned_of(api: Api) -> None:
    rules = [rule(when=US_MOBILE), rule("https://a.test/?c={click_id}", when={"country": ["CA"]})]

    found = warnings(api, rules, offer={"append_click_id": False})

    assert found == [("no_click_id", 0, []), ("no_click_id", "offer", [])]


def test_history_has_author_time_and_what_changed(api: Api, editor: Api) -> None:
    offer = api.offer()
    first, second = editor.save(offer["id"], [rule(name="a"), rule(name="b")]).json()["rules"]
    api.save(offer["id"], [second, {**first, "name": "c"}], fields={"enabled": False})

    newest, middle, oldest = api.got(f"/offers/{offer['id']}/revisions")["items"]

    assert [newest["revision"], middle["revision"], oldest["revision"]] == [3, 2, 1]
    assert middle["author"]["name"] == "editor key"
    assert newest["created_at"] >= middle["created_at"]
    assert [(found["kind"], found["field"]) for found in newest["diff"]] == [
        ("enabled", None),
        ("rule_moved", None),
        ("rule_changed", "name"),
    ]
    assert [found["kind"] for found in middle["diff"]] == ["enabled", "rule_added", "rule_added"]
    assert oldest["diff"] == []


def test_history_is_paged(api: Api) -> None:
    offer = api.offer()
    for number in range(4):
        api.save(offer["id"], [rule(name=str(number))])

    page = api.got(f"/offers/{offer['id']}/revisions", params={"limit": 3})
    rest = api.got(f"/offers/{offer['id']}/revisions", params={"cursor": page["next_cursor"]})

    assert [entry["revision"] for entry in page["items"] + rest["items"]] == [5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None


def test_a_restore_is_a_new_revision_with_the_old_ids(api: Api) -> None:
    offer = api.offer()
    old = api.save(offer["id"], [rule(name="a", when=US_MOBILE)]).json()
    api.save(offer["id"], [])

    restored = api.post(f"/offers/{offer['id']}/revisions/2/restore")

    assert restored.status_code == 200
    assert restored.json()["revision"] == 4
    assert restored.json()["rules"] == old["rules"]
    assert api.got(f"/offers/{offer['id']}/revisions/4")["restored_from"] == 2
    assert api.got(f"/offers/{offer['id']}/revisions/2")["smart_link"]["rules"] == old["rules"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/offers/o_none/smart-link"),
        ("GET", "/offers/o_none/revisions"),
        ("GET", "/offers/{id}/revisions/9"),
        ("POST", "/offers/{id}/revisions/9/restore"),
    ],
)
def test_what_is_not_there_is_404(api: Api, method: str, path: str) -> None:
    offer = api.offer()

    assert api.call(method, path.format(id=offer["id"])).status_code == 404


def test_viewers_look_and_editors_save(api: Api, editor: Api, viewer: Api, stranger: Api) -> None:
    offer = api.offer()

    assert viewer.get(f"/offers/{offer['id']}/smart-link").status_code == 200
    assert viewer.save(offer["id"], []).status_code == 403
    assert editor.save(offer["id"], []).status_code == 200
    assert stranger.save(offer["id"], []).status_code == 401
