"""Calls to control: what goes wrong is one sentence."""

import json

import pytest

from deploy.api import Api, ApiError
from deploy.refusal import Refusal
from tests.servers import Site


def problem(status: int, **members: object) -> tuple[int, dict[str, str], bytes]:
    body = {"title": "The request is not valid", "status": status, "code": "invalid", "errors": [], **members}
    return status, {"Content-Type": "application/problem+json"}, json.dumps(body).encode()


def test_a_call_carries_the_key_and_returns_the_answer(site: Site) -> None:
    site.pages["/api/v1/offers"] = (200, {}, b'{"items": []}')

    assert Api(site.url, "tn_secret").get("/offers") == {"items": []}
    assert site.asked == [("/api/v1/offers", "Bearer tn_secret")]


def test_faults_are_named_by_field(site: Site) -> None:
    fault = {"path": "slug", "code": "bad_slug", "message": "Only letters."}
    site.pages["/api/v1/offers"] = problem(422, errors=[fault])

    with pytest.raises(ApiError, match=r"(?s)The request is not valid \(status 422\).*slug: Only letters\.") as caught:
        Api(site.url, "").post("/offers", {})

    assert (caught.value.status, caught.value.code) == (422, "invalid")


def test_a_wrong_key_says_where_to_name_another(site: Site) -> None:
    site.pages["/api/v1/offers"] = problem(401)

    with pytest.raises(ApiError, match="TURNOUT_API_KEY"):
        Api(site.url, "tn_wrong").get("/offers")


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b'{"title": 1}'])
def test_an_answer_that_is_not_controls_is_told_by_status(site: Site, body: bytes) -> None:
    site.pages["/api/v1/offers"] = (502, {}, body)

    with pytest.raises(ApiError, match="answered with status 502"):
        Api(site.url, "").get("/offers")


def test_a_control_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(Refusal, match=r"Control does not answer at http://127.0.0.1:1 .*is `turnout up` running"):
        Api("http://127.0.0.1:1", "").get("/offers")


@pytest.mark.parametrize("base", ["file:///etc/passwd", "127.0.0.1:8081", ""])
def test_an_address_that_is_none_is_refused(base: str) -> None:
    with pytest.raises(Refusal, match="is not the address of control"):
        Api(base, "")


def test_a_sale_is_reported_at_the_offers_own_address(site: Site) -> None:
    path = "/postback/saas?secret=pb_1&click_id=abc"
    site.pages[path] = (201, {}, b"{}")

    Api(site.url, "").report("saas", secret="pb_1", click_id="abc")

    assert site.asked == [(path, None)]
