"""Who may do what: keys, people, sessions, roles, and what guessing costs."""

import dataclasses
from typing import Any

import pytest
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import update

from control.access import tokens
from control.access.limiter import Limiter
from control.access.models import SessionRow
from control.access.roles import SYSTEM, Role
from control.access.tokens import hash_password, password_fits
from control.app import API
from control.audit.service import record
from control.db import now_ms
from control.parts import Parts
from tests.control.api import PASSWORD, TOKENS, Api, Client, errors_of
from tests.control.conftest import running

LOGIN = {"login": "mara@test", "password": PASSWORD}


def log_in(client: Client, **fields: Any) -> Any:
    return client.request("POST", f"{API}/login", json=LOGIN | fields)


def test_a_key_says_who_calls(viewer: Api) -> None:
    me = viewer.got("/me")

    assert (me["name"], me["role"], me["kind"], me["csrf_token"]) == ("viewer key", "viewer", "key", None)


@pytest.mark.parametrize("header", ["Bearer tn_wrong", "Bearer ", "Bearer", "Basic YTpi", "", "Bearer \udcff"])
def test_a_key_that_is_none_is_401(client: Client, header: str) -> None:
    headers = {b"Authorization": header.encode("utf-8", "surrogateescape")}

    response = client.request("GET", f"{API}/offers", headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"] == "Bearer"
    assert response.json()["code"] == "unauthorized"


def test_a_new_key_works_until_it_is_revoked_and_is_shown_once(api: Api, client: Client) -> None:
    key = api.made("/keys", {"name": "Import", "role": "viewer"})
    token = key.pop("token")
    assert token.startswith("tn_")
    assert len(token) >= 3 + 26  # 128 bits and more in base32

    assert Api(client, token).get("/offers").status_code == 200
    assert api.got(f"/keys/{key['id']}") == key
    assert token not in api.get("/keys").text + api.get("/audit").text
    assert api.delete(f"/keys/{key['id']}").json() == key
    assert Api(client, token).get("/offers").status_code == 401


ADMIN_ONLY = [
    ("GET", "/keys"),
    ("POST", "/keys"),
    ("DELETE", "/keys/key_none"),
    ("GET", "/users"),
    ("POST", "/users"),
    ("PATCH", "/users/u_none"),
    ("DELETE", "/users/u_none"),
    ("POST", "/users/u_none/password-link"),
    ("GET", "/audit"),
    ("GET", "/export"),
    ("POST", "/import"),
    ("POST", "/domains"),
    ("DELETE", "/domains/d_none"),
    ("POST", "/offers/o_none/postback-secret/rotate"),
]
EDITORS = [
    ("POST", "/offers"),
    ("PATCH", "/offers/o_none"),
    ("POST", "/offers/o_none/pause"),
    ("POST", "/offers/o_none/clone"),
    ("PUT", "/offers/o_none/smart-link"),
    ("POST", "/offers/o_none/revisions/1/restore"),
    ("POST", "/partners"),
    ("DELETE", "/partners/p_none"),
    ("POST", "/links"),
    ("PATCH", "/links/l_none"),
    ("POST", "/links/bulk"),
    ("POST", "/coupons"),
    ("DELETE", "/coupons/c_none"),
]


@pytest.mark.parametrize(("method", "path"), ADMIN_ONLY)
def test_what_admins_do_is_403_for_editors(editor: Api, method: str, path: str) -> None:
    assert editor.call(method, path, json={}).status_code in (403, 422)
    assert editor.call(method, path, json=VALID.get(path, {})).status_code == 403


@pytest.mark.parametrize(("method", "path"), EDITORS)
def test_what_editors_do_is_403_for_viewers(viewer: Api, method: str, path: str) -> None:
    assert viewer.call(method, path, json=VALID.get(path, {})).status_code == 403


@pytest.mark.parametrize(("method", "path"), [*ADMIN_ONLY, *EDITORS, ("GET", "/offers"), ("GET", "/me")])
def test_without_credentials_everything_is_401(stranger: Api, method: str, path: str) -> None:
    assert stranger.call(method, path, json=VALID.get(path, {})).status_code == 401


VALID: dict[str, Any] = {
    "/keys": {"name": "x"},
    "/users": {"login": "x", "password": "long enough"},
    "/domains": {"host": "a.test"},
    "/offers": {"name": "x", "slug": "x", "destination_url": "https://a.test"},
    "/offers/o_none/smart-link": {"rules": []},
    "/partners": {"name": "x", "slug": "x"},
    "/links": {"offer_id": "o_none"},
    "/coupons": {"code": "x", "offer_id": "o_none", "partner_id": "p_none"},
}


def test_a_login_gives_a_session_that_scripts_cannot_read(client: Client) -> None:
    response = log_in(client)

    assert response.status_code == 200
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    me = client.request("GET", f"{API}/me").json()
    assert (me["name"], me["role"], me["kind"]) == ("Mara", "admin", "user")
    assert me["csrf_token"] == response.json()["csrf_token"]


def test_over_https_the_session_is_for_https_alone(client: Client) -> None:
    response = client.request("POST", f"https://control.test{API}/login", json=LOGIN)

    assert "Secure" in response.headers["Set-Cookie"]


@pytest.mark.parametrize("fields", [{"password": "wrong"}, {"login": "nobody"}, {"login": "mara@test\u200b"}])
def test_a_wrong_login_is_401_and_says_not_what_was_wrong(client: Client, fields: dict[str, str]) -> None:
    response = log_in(client, **fields)

    assert response.status_code == 401
    assert response.json()["detail"] == "Login or password is wrong."
    assert "Set-Cookie" not in response.headers


def test_a_login_is_one_whatever_its_case_and_the_fields_name(client: Client) -> None:
    body = {"email": " MARA@Test ", "password": PASSWORD}

    assert client.request("POST", f"{API}/login", json=body).status_code == 200


def test_a_session_changes_nothing_without_its_csrf_token(client: Client) -> None:
    token = log_in(client).json()["csrf_token"]
    partner = {"name": "x", "slug": "x"}

    def post(headers: dict[str, str]) -> int:
        return client.request("POST", f"{API}/partners", json=partner, headers=headers).status_code

    assert client.request("GET", f"{API}/partners").status_code == 200
    assert post({}) == 403
    assert post({"X-CSRF-Token": "csrf_wrong"}) == 403
    assert post({"Authorization": "Basic YTpi"}) == 403
    assert post({"X-CSRF-Token": token}) == 201


def test_a_logout_ends_the_session_on_the_server(client: Client) -> None:
    token = log_in(client).json()["csrf_token"]
    cookie = client.cookies["turnout_session"]

    response = client.request("POST", f"{API}/logout", headers={"X-CSRF-Token": token})

    assert response.status_code == 200
    headers = {"Cookie": f"turnout_session={cookie}"}
    assert client.request("GET", f"{API}/me", headers=headers).status_code == 401


def test_a_session_ends_by_itself(client: Client, parts: Parts) -> None:
    log_in(client)

    async def let_time_pass() -> None:
        async with parts.db.write() as session:
            await session.execute(update(SessionRow).values(expires_at=now_ms()))

    client.portal.call(let_time_pass)

    assert client.request("GET", f"{API}/me").status_code == 401


def test_guessing_passwords_is_slowed_down_even_for_the_right_one(client: Client) -> None:
    for _ in range(10):
        assert log_in(client, password="wrong").status_code == 401

    response = log_in(client)

    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 30
    assert response.json()["code"] == "too_many_attempts"


def test_guessing_keys_is_slowed_down_but_real_keys_work(parts: Parts) -> None:
    strict = dataclasses.replace(parts, keys=Limiter(burst=3, refill_s=60.0))
    with running(strict) as client:
        wrong = Api(client, "tn_wrong")

        statuses = [wrong.get("/offers").status_code for _ in range(4)]

        assert statuses == [401, 401, 401, 429]
        assert Api(client, TOKENS[Role.VIEWER]).get("/offers").status_code == 200


def test_a_person_is_added_changed_and_removed(api: Api, client: Client) -> None:
    user = api.made("/users", {"login": "Theo@Test", "role": "viewer", "password": "first password"})
    assert (user["login"], user["name"], user["role"]) == ("theo@test", "theo@test", "viewer")
    assert errors_of(api.post("/users", {"login": "THEO@test", "password": "other password"})) == [
        ("login", "login_taken")
    ]
    assert log_in(client, login="theo@test", password="first password").status_code == 200

    changed = api.patch(f"/users/{user['id']}", {"name": "Theo", "role": "editor", "password": "second password"})

    entered = changed.json()["last_login_at"]
    assert entered > user["created_at"]
    assert changed.json() == user | {"name": "Theo", "role": "editor", "last_login_at": entered}
    assert client.request("GET", f"{API}/me").status_code == 401  # another password ends what is open
    assert log_in(client, login="theo@test", password="first password").status_code == 401
    assert log_in(client, login="theo@test", password="second password").status_code == 200
    assert api.delete(f"/users/{user['id']}").status_code == 200
    assert client.request("GET", f"{API}/me").status_code == 401
    assert "password" not in str([entry["after"] for entry in api.got("/audit")["items"]]).replace(
        "password_changed", ""
    )


def test_the_last_admin_stays_admin(api: Api) -> None:
    (mara,) = api.got("/users")["items"]

    assert api.patch(f"/users/{mara['id']}", {"role": "editor"}).json()["code"] == "last_admin"
    assert api.delete(f"/users/{mara['id']}").json()["code"] == "last_admin"
    api.made("/users", {"login": "theo", "role": "admin", "password": "long enough"})
    assert api.patch(f"/users/{mara['id']}", {"role": "editor"}).status_code == 200


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"password": "short"}, ("password", "too_short")),
        ({"login": "two words"}, ("login", "string_pattern_mismatch")),
        ({"role": "owner"}, ("role", "enum")),
        ({"name": " "}, ("name", "string_too_short")),
        ({"name": "a\x1f"}, ("name", "string_pattern_mismatch")),
    ],
)
def test_faults_of_a_new_person_are_told(api: Api, fields: dict[str, str], error: tuple[str, str]) -> None:
    response = api.post("/users", {"login": "theo", "password": "long enough"} | fields)

    assert errors_of(response) == [error]
    assert fields.get("password", "short") not in response.text.replace("too_short", "")


def test_the_audit_log_says_who_did_what_before_and_after(api: Api, editor: Api) -> None:
    offer = api.offer()
    editor.patch(f"/offers/{offer['id']}", {"name": "Renamed"})

    (entry,) = api.got("/audit", params={"action": "offer.update", "target": offer["id"]})["items"]

    assert (entry["actor"]["kind"], entry["actor"]["name"]) == ("key", "editor key")
    assert (entry["before"]["name"], entry["after"]["name"]) == ("SaaS", "Renamed")
    assert entry["at"].endswith("Z")


def test_the_audit_log_leaves_secrets_out_of_whatever_it_is_given(api: Api, parts: Parts) -> None:
    async def change() -> None:
        async with parts.db.write() as session:
            state = {"name": "x", "password": "p", "token": "t", "digest": "d", "postback_secret": "s"}
            await record(session, SYSTEM, "thing.update", "t_1", before=state, after=state)

    api.client.portal.call(change)

    (entry,) = api.got("/audit", params={"action": "thing.update"})["items"]
    assert entry["before"] == entry["after"] == {"name": "x"}


def test_every_kind_of_change_is_in_the_audit_log(api: Api) -> None:
    offer, partner = api.offer(), api.partner()
    api.save(offer["id"], [])
    api.post(f"/offers/{offer['id']}/revisions/1/restore")
    api.post(f"/offers/{offer['id']}/pause")
    coupon = api.made("/coupons", {"code": "a", "offer_id": offer["id"], "partner_id": partner["id"]})
    link = api.made("/links", {"offer_id": offer["id"]})
    api.patch(f"/links/{link['id']}", {"sub1": "x"})
    for path in (f"/coupons/{coupon['id']}", f"/links/{link['id']}", f"/partners/{partner['id']}"):
        api.delete(path)

    actions = [entry["action"] for entry in api.got("/audit")["items"]]

    assert actions[:11] == [
        "partner.delete",
        "link.delete",
        "coupon.delete",
        "link.update",
        "link.create",
        "coupon.create",
        "offer.paused",
        "smart_link.restore",
        "smart_link.update",
        "partner.create",
        "offer.create",
    ]


class TestLimiter:
    """Failures are counted per source and forgotten with time."""

    def test_a_burst_is_allowed_and_then_one_every_refill(self) -> None:
        now = 0.0
        limiter = Limiter(burst=2, refill_s=10.0, clock=lambda: now)
        limiter.fail("a")
        assert limiter.wait_s("a") == 0
        limiter.fail("a")
        assert (limiter.wait_s("a"), limiter.wait_s("b")) == (10, 0)
        now = 10.0
        assert limiter.wait_s("a") == 0
        limiter.fail("a")
        assert limiter.wait_s("a") == 10

    def test_success_forgives(self) -> None:
        limiter = Limiter(burst=1, refill_s=10.0, clock=lambda: 0.0)
        limiter.fail("a")
        limiter.forgive("a")
        assert limiter.wait_s("a") == 0

    def test_sources_are_bounded(self) -> None:
        limiter = Limiter(burst=1, refill_s=10.0, clock=lambda: 0.0)
        for number in range(10_002):
            limiter.fail(str(number))
        assert (limiter.wait_s("0"), limiter.wait_s("10001")) == (0, 10)


def test_an_unknown_login_costs_what_a_wrong_password_costs() -> None:
    assert not tokens._HASHER.check_needs_rehash(tokens._NOBODY)
    with pytest.raises(VerifyMismatchError):
        tokens._HASHER.verify(tokens._NOBODY, PASSWORD)


async def fits(password: str) -> tuple[bool, bool]:
    stored = await hash_password(PASSWORD)
    return await password_fits(stored, password), await password_fits(None, password)


def test_a_password_fits_its_own_hash_alone(client: Client) -> None:
    assert client.portal.call(fits, PASSWORD) == (True, False)
    assert client.portal.call(fits, PASSWORD + " ") == (False, False)
