"""Postbacks: who may report, in what form, what is refused and why, and what the log keeps of it."""

import dataclasses
import json
from typing import Any

import pytest
from sqlalchemy import text

from control.access.roles import Role
from control.db import now_ms
from control.parts import Parts
from control.postbacks import store
from control.postbacks.guard import Guard
from control.postbacks.reading import MAX_BODY_BYTES
from tests.control.api import TOKENS, Api, errors_of
from tests.control.conftest import running
from tests.control.postbacks import Shop

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def shop(api: Api, parts: Parts) -> Shop:
    return Shop(api, parts)


def send(shop: Shop, method: str = "POST", *, to: str = "/postback/saas", **options: Any) -> Any:
    """The answer to a request as it is given, without the secret."""
    return shop.api.client.request(method, to, **options)


@pytest.mark.parametrize("root", ["", "/api/v1"])
@pytest.mark.parametrize(
    ("method", "options", "status"),
    [
        pytest.param("GET", {"params": {"coupon": "X"}}, 200, id="query of a GET"),
        pytest.param("POST", {"params": {"coupon": "X"}}, 201, id="query of a POST"),
        pytest.param("POST", {"data": {"coupon": "X"}}, 201, id="form"),
        pytest.param("POST", {"json": {"coupon": "X"}}, 201, id="JSON"),
        pytest.param("POST", {"json": {"coupon_code": "X", "other": [1]}}, 201, id="alias, and what nobody asked for"),
    ],
)
def test_parameters_come_in_any_usual_form(
    shop: Shop, root: str, method: str, options: dict[str, Any], status: int
) -> None:
    response = send(shop, method, to=f"{root}/postback/saas", headers={"X-Turnout-Secret": shop.secret}, **options)

    assert response.status_code == status, response.text
    assert (response.json()["coupon"], response.json()["event"]) == ("X", "sale")
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("place", ["query", "header", "bearer", "form", "json"])
def test_secret_may_be_in_query_header_or_body(shop: Shop, place: str) -> None:
    options: dict[str, dict[str, Any]] = {
        "query": {"params": {"secret": shop.secret, "coupon": "X"}},
        "header": {"params": {"coupon": "X"}, "headers": {"X-Turnout-Secret": shop.secret}},
        "bearer": {"params": {"coupon": "X"}, "headers": {"Authorization": f"Bearer {shop.secret}"}},
        "form": {"data": {"secret": shop.secret, "coupon": "X"}},
        "json": {"json": {"secret": shop.secret, "coupon": "X"}},
    }

    assert send(shop, **options[place]).status_code == 201


@pytest.mark.parametrize("secret", [None, "", "wrong", "pb_\u00e9", "pb_" + "a" * 10_000])
def test_without_the_secret_it_is_401(shop: Shop, secret: str | None) -> None:
    response = send(shop, params={"coupon": "X"} | ({} if secret is None else {"secret": secret}))

    assert (response.status_code, response.json()["code"]) == (401, "unauthorized")
    assert shop.conversions() == []
    assert [(entry["status"], entry["outcome"]) for entry in shop.log()] == [(401, "refused")]


def test_secret_of_another_offer_is_a_wrong_one(shop: Shop, api: Api, parts: Parts) -> None:
    other = Shop(api, parts, slug="other")

    assert send(shop, params={"coupon": "X", "secret": other.secret}).status_code == 401


def test_rotated_secret_works_and_the_old_one_does_not(shop: Shop, api: Api) -> None:
    new = api.post(f"/offers/{shop.id}/postback-secret/rotate").json()["postback_secret"]

    assert shop.report(coupon="X").status_code == 401
    assert shop.report(coupon="X", secret=new).status_code == 201


def test_guessing_is_slowed_down_and_the_right_secret_never(parts: Parts) -> None:
    still = dataclasses.replace(parts, postbacks=Guard(clock=lambda: 0.0))
    with running(still) as client:
        shop = Shop(Api(client, TOKENS[Role.ADMIN]), still)
        answers = [send(shop, params={"coupon": "X", "secret": str(guess)}).status_code for guess in range(70)]

        assert answers[0] == 401
        assert answers[-1] == 429
        assert shop.report(coupon="X").status_code == 201


def test_guesses_do_not_push_real_attempts_out_of_the_log() -> None:
    guard = Guard()

    logged = sum(guard.may_log("o_1") for _ in range(1_000))

    assert 0 < logged < 100
    assert guard.may_log("o_2")


@pytest.mark.parametrize("slug", ["nothing", "SAAS2", "a" * 300, "%00", "a%2Fb", "%ff"])
def test_unknown_offer_is_404(shop: Shop, slug: str) -> None:
    response = send(shop, to=f"/postback/{slug}", params={"secret": shop.secret, "coupon": "X"})

    assert response.status_code == 404
    assert response.headers["Content-Type"] == "application/problem+json"


def test_slug_is_found_in_any_case(shop: Shop) -> None:
    assert send(shop, to="/postback/SaaS", params={"secret": shop.secret, "coupon": "X"}).status_code == 201


@pytest.mark.parametrize("status", ["pause", "archive"])
def test_sales_of_an_offer_that_is_over_still_count(shop: Shop, api: Api, status: str) -> None:
    api.post(f"/offers/{shop.id}/{status}")

    assert shop.report(coupon="X").status_code == 201


@pytest.mark.parametrize(
    ("params", "faults"),
    [
        ({}, [("click_id", "nothing_named")]),
        ({"click_id": " ", "coupon": ""}, [("click_id", "nothing_named")]),
        ({"click_id": "c 1"}, [("click_id", "malformed_click_id")]),
        ({"click_id": "c" * 65}, [("click_id", "malformed_click_id")]),
        ({"click_id": "{click_id}"}, [("click_id", "macro_not_filled")]),
        ({"coupon": "X", "amount": "{{amount}}"}, [("amount", "macro_not_filled")]),
        ({"coupon": "X", "amount": "--5"}, [("amount", "malformed_amount")]),
        ({"event": "refund", "amount": "5"}, [("txn_id", "nothing_named")]),
        ({"coupon": "X", "refund_id": "1"}, [("refund_id", "no_refund")]),
        ({"event": "refund", "txn_id": "1", "amount": "5"}, [("txn_id", "unknown_sale")]),
        ({"event": "refund", "txn_id": "1", "coupon": "X"}, [("amount", "amount_missing")]),
        ({"coupon": "X", "amount": "1e5"}, [("amount", "malformed_amount")]),
        ({"coupon": "X", "amount": "1,50"}, [("amount", "malformed_amount")]),
        ({"coupon": "X", "amount": "NaN"}, [("amount", "malformed_amount")]),
        ({"coupon": "X", "currency": "EUR"}, [("currency", "currency_mismatch")]),
        ({"coupon": "X", "currency": "dollars"}, [("currency", "malformed_currency")]),
        ({"coupon": "X", "event": "a sale"}, [("event", "malformed_event")]),
        ({"coupon": "X" * 201}, [("coupon", "too_long")]),
        ({"coupon": "X", "txn_id": "1" * 201}, [("txn_id", "too_long")]),
        ({"coupon": "X", "txn_id": "1\x002"}, [("txn_id", "control_character")]),
        ({"coupon": "X", "coupon_code": "Y"}, [("coupon", "ambiguous")]),
        ({"amount": "x", "currency": "EUR"}, [
            ("amount", "malformed_amount"), ("click_id", "nothing_named"), ("currency", "currency_mismatch"),
        ]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_logged(shop: Shop, params: dict[str, str], faults: list[tuple[str, str]]) -> None:
    response = shop.report(**params)

    assert response.status_code == 422
    assert errors_of(response) == faults
    assert shop.conversions() == []
    [entry] = shop.log(outcome="refused")
    assert [(error["path"], error["code"]) for error in entry["errors"]] == faults
    assert (entry["status"], entry["conversion_id"]) == (422, None)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "code"),
    [
        pytest.param(b"{", "application/json", 422, "malformed_body", id="torn JSON"),
        pytest.param(b"[]", "application/json", 422, "malformed_body", id="JSON that is no object"),
        pytest.param(b"[" * 60_000, "application/json", 422, "malformed_body", id="deep JSON"),
        pytest.param(b'{"coupon": ["X"]}', "application/json", 422, "not_a_text", id="a list"),
        pytest.param(b'{"coupon": true}', "application/json", 422, "not_a_text", id="a truth"),
        pytest.param(b'{"coupon": "X", "amount": NaN}', "application/json", 422, "malformed_amount", id="not a number"),
        pytest.param(b'{"coupon":"\xff"}', "application/json", 422, "malformed_body", id="not UTF-8"),
        pytest.param(b"coupon=%ff", FORM, 422, "malformed_body", id="form that is not UTF-8"),
        pytest.param(b"a=1&" * 200, FORM, 422, "malformed_body", id="a form of hundreds"),
        pytest.param(b"coupon=X&coupon=Y", FORM, 422, "ambiguous", id="said twice"),
        pytest.param(b"coupon=X", "text/plain", 415, "unsupported_media_type", id="plain text"),
        pytest.param(b"x" * (MAX_BODY_BYTES + 1), "application/json", 413, "too_large", id="too large"),
    ],
)
def test_body_that_cannot_be_read_is_refused_and_logged(
    shop: Shop, body: bytes, content_type: str, status: int, code: str
) -> None:
    headers = {"X-Turnout-Secret": shop.secret, "Content-Type": content_type}

    response = send(shop, content=body, headers=headers)

    assert response.status_code == status, response.text
    codes = {error["code"] for error in response.json()["errors"]} | {response.json()["code"]}
    assert code in codes
    assert [entry["status"] for entry in shop.log()] == [status]


def test_body_that_cannot_be_read_tells_strangers_nothing(shop: Shop) -> None:
    response = send(shop, content=b"coupon=X", headers={"Content-Type": "text/plain"})

    assert response.status_code == 401


@pytest.mark.parametrize(
    ("written", "amount"),
    [("0.1", "0.10"), ("1234567.8901", "1234567.8901"), ("19.90", "19.90"), ("5", "5.00"), ('"7.5"', "7.50")],
)
def test_number_in_json_is_taken_as_it_is_written(shop: Shop, written: str, amount: str) -> None:
    body = (
        f'{{"coupon": "X", "amount": {written}, "txn_id": 12345678901234567890, "secret": {json.dumps(shop.secret)}}}'
    )

    made = send(shop, content=body, headers={"Content-Type": "application/json"}).json()

    assert (made["amount"], made["txn_id"]) == (amount, "12345678901234567890")


def test_half_a_character_in_json_is_no_error_of_ours(shop: Shop) -> None:
    body = f'{{"coupon": "\\ud800", "secret": "{shop.secret}", "\\udfff": 1}}'

    assert send(shop, content=body, headers={"Content-Type": "application/json"}).status_code == 201


def test_click_of_another_offer_is_refused(shop: Shop, api: Api, parts: Parts) -> None:
    Shop(api, parts, slug="other").click("c1")

    assert errors_of(shop.report(click_id="c1")) == [("click_id", "other_offer")]


def test_sale_is_taken_while_the_clicks_cannot_be_asked(shop: Shop, parts: Parts) -> None:
    async def rename(old: str, new: str) -> None:
        async with parts.clicks_db.write() as session:
            await session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    shop.click("c1")
    shop.api.client.portal.call(rename, "clicks", "clicks_gone")
    made = shop.reported(click_id="c1", amount="5")
    shop.api.client.portal.call(rename, "clicks_gone", "clicks")
    shop.settle()

    assert made["click_status"] == "waiting"
    assert shop.api.got(f"/conversions/{made['id']}")["click_status"] == "found"


def test_log_keeps_what_was_said_but_no_secret_and_no_whole_address(shop: Shop) -> None:
    shop.report(click_id="c1", txn_id="1", amount="5", ip="203.0.113.77", email="a@b.example")
    shop.report(click_id="c1", txn_id=f"x{shop.secret}")
    shop.report(click_id="c1", txn_id="1", secret="pb_guess")

    log = shop.log()

    assert log[-1]["params"] == {"click_id": "c1", "txn_id": "1", "amount": "5"}
    assert log[-1]["ignored"] == ["ip", "email"]
    assert {entry["source"] for entry in log} == {"192.0.2.0"}
    for hidden in (shop.secret, "pb_guess", "192.0.2.1", "203.0.113.77", "a@b.example"):
        assert hidden not in json.dumps(log)


def test_log_is_paged_and_filtered(shop: Shop, api: Api) -> None:
    for number in range(3):
        shop.report(coupon="X", txn_id=str(number))
    shop.report(coupon="X", txn_id="1")
    shop.report()

    assert [entry["outcome"] for entry in shop.log()] == ["refused", "repeated", "created", "created", "created"]
    assert len(shop.log(outcome="created")) == 3
    page = api.got(f"/offers/{shop.id}/postbacks", params={"limit": 2})
    assert (len(page["items"]), page["next_cursor"] is None) == (2, False)


def test_log_forgets_what_is_old_and_what_is_too_much(
    shop: Shop, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        shop.report(coupon="X", txn_id=str(number))
    monkeypatch.setattr(store, "KEPT_PER_OFFER", 4)

    async def prune(later_ms: int) -> None:
        async with parts.db.write() as session:
            await store.prune(session, now_ms() + later_ms)

    shop.api.client.portal.call(prune, 0)
    assert [entry["params"]["txn_id"] for entry in shop.log()] == ["5", "4", "3", "2"]

    shop.api.client.portal.call(prune, 91 * 24 * 3600 * 1000)
    assert shop.log() == []
    assert len(shop.conversions()) == 6


def test_test_runs_the_whole_path_and_counts_nothing(shop: Shop, api: Api) -> None:
    mara = api.partner("mara")
    shop.coupon("MARA20", mara["id"])
    shop.click("c1", via="mara")

    tested = api.post(f"/offers/{shop.id}/postback/test", {"coupon": "mara20", "amount": 49.9}).json()

    assert (tested["outcome"], tested["status"]) == ("created", 201)
    assert (tested["conversion"]["partner_id"], tested["conversion"]["amount"]) == (mara["id"], "49.90")
    assert shop.conversions() == []
    [entry] = shop.log()
    assert (entry["test"], entry["outcome"], entry["conversion_id"]) == (True, "created", None)


def test_test_without_a_click_takes_the_newest(shop: Shop, api: Api) -> None:
    shop.click("c1", kind="prefetch")
    shop.click("c2", time_ms=1_795_262_400_001)

    tested = api.post(f"/offers/{shop.id}/postback/test", {}).json()

    assert tested["params"] == {"click_id": "c2"}
    assert tested["conversion"]["click_status"] == "found"
    shop.settle()
    assert api.got("/clicks/c1")["kind"] == "prefetch"


def test_test_tells_what_would_be_refused(shop: Shop, api: Api) -> None:
    tested = api.post(f"/offers/{shop.id}/postback/test", {"currency": "EUR"}).json()

    assert (tested["outcome"], tested["status"], tested["conversion"]) == ("refused", 422, None)
    assert {error["code"] for error in tested["errors"]} == {"nothing_named", "currency_mismatch"}


def test_test_tells_of_a_refund_what_it_would_take_back(shop: Shop, api: Api) -> None:
    sale = shop.reported(coupon="X", txn_id="1", amount="10")
    path = f"/offers/{shop.id}/postback/test"

    good = api.post(path, {"event": "refund", "txn_id": "1"}).json()
    bad = api.post(path, {"event": "refund", "txn_id": "2", "click_id": "c9"}).json()

    assert (good["conversion"]["amount"], good["conversion"]["refund_of"]) == ("-10.00", sale["id"])
    assert (bad["outcome"], bad["conversion"], bad["errors"][0]["code"]) == ("refused", None, "amount_missing")
    assert shop.conversions() == [sale]


def test_test_tells_what_would_be_a_repeat(shop: Shop, api: Api) -> None:
    first = shop.reported(coupon="X", txn_id="1", amount="5")

    tested = api.post(f"/offers/{shop.id}/postback/test", {"coupon": "X", "txn_id": "1", "amount": "6"}).json()

    assert (tested["outcome"], tested["conversion"]["id"]) == ("differs", first["id"])
    assert len(shop.conversions()) == 1


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH"])
def test_other_methods_are_405(shop: Shop, method: str) -> None:
    response = send(shop, method)

    assert response.status_code == 405
    assert response.headers["Allow"] == "GET, POST"
