"""Coming in: setting up, one's own password, and links by which others set theirs."""

from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import delete, update

from control.access.models import PasswordLinkRow, UserRow
from control.access.roles import Role
from control.db import now_ms
from control.parts import Parts
from tests.control.api import PASSWORD, TOKENS, Api, Client
from tests.control.browser import Browser, Page

SETUP = {"secret": PASSWORD, "name": "Ada", "login": "Ada@Test", "password": "a new password"}


@pytest.fixture
def person(client: Client) -> Browser:
    """Somebody who is not logged in."""
    return Browser(client)


@pytest.fixture
def mara(person: Browser) -> Browser:
    """The admin, logged in."""
    person.log_in()
    return person


def other(client: Client) -> Browser:
    """The same browser for somebody else: without the cookie."""
    client.cookies.clear()
    return Browser(client)


def link_in(page: Page) -> str:
    """The path of the password link that a page shows."""
    links = [given["data-copy"] for _, given in page.elements if "/password/" in given.get("data-copy", "")]
    assert len(links) == 1, page.text
    return urlsplit(links[0]).path


def invite(person: Browser, login: str = "tom@test") -> str:
    """Add somebody and return the link that the answer shows."""
    return link_in(person.submit(person.get("/access/users/new"), "/access/users/new", login=login))


class TestSettingUp:
    """The first admin is whoever has the first password."""

    def test_a_new_installation_says_so_at_the_login(self, person: Browser) -> None:
        page = person.get("/login")

        assert "Nobody has logged in here yet" in page.text
        assert "/setup" in page.links

    def test_the_first_password_makes_one_the_admin(self, person: Browser) -> None:
        page = person.submit(person.get("/setup"), "/setup", **SETUP)

        assert page.url.endswith("/offers?done=set-up")
        assert "Ada" in page.text
        assert other(person.client).log_in().status == 401
        assert other(person.client).log_in("ada@test", "a new password").url.endswith("/offers")

    def test_what_was_typed_stays_but_for_the_new_password(self, person: Browser) -> None:
        page = person.submit(person.get("/setup"), "/setup", **SETUP | {"secret": "guessed"})

        assert page.status == 422
        assert page.errors == ["This is not the password that was printed, or given, at the first start."]
        fields = page.form("/setup").fields
        assert (fields["name"], fields["login"]) == ("Ada", "Ada@Test")
        assert (fields["secret"], fields["password"]) == ("guessed", "")

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ({"secret": ""}, "Type the password that was printed at the first start."),
            ({"name": " "}, "Give it a name."),
            ({"login": "two words"}, "A login has no spaces."),
            ({"password": "short"}, "Use at least 8 characters."),
        ],
    )
    def test_what_is_wrong_is_said(self, person: Browser, typed: dict[str, str], error: str) -> None:
        page = person.submit(person.get("/setup"), "/setup", **SETUP | typed)

        assert (page.status, page.errors) == (422, [error])

    def test_it_is_over_once_somebody_has_logged_in(self, mara: Browser) -> None:
        stranger = other(mara.client)

        assert stranger.get("/setup").url.endswith("/login")
        assert "Nobody has logged in" not in stranger.get("/login").text
        page = stranger.post("/setup", SETUP)
        assert page.status == 409
        assert "This installation was set up already: log in." in page.text

    def test_it_is_over_once_there_is_a_second_person(self, person: Browser) -> None:
        Api(person.client, TOKENS[Role.ADMIN]).made("/users", {"login": "tom", "password": PASSWORD})

        assert person.post("/setup", SETUP).status == 409

    def test_guessing_is_slowed_down_even_for_the_right_one(self, person: Browser) -> None:
        for _ in range(10):
            assert person.post("/setup", SETUP | {"secret": "guess"}).status == 422

        page = person.post("/setup", SETUP)

        assert page.status == 429
        assert "Try again in" in page.text
        assert person.log_in().status == 429

    @pytest.mark.parametrize("path", ["/setup", "/login", "/password/set_x"])
    def test_another_site_cannot_send_the_form(self, client: Client, path: str) -> None:
        response = client.request("POST", path, data=SETUP, headers={"Sec-Fetch-Site": "cross-site"})

        assert response.status_code == 403

    def test_it_is_in_the_audit_log(self, person: Browser) -> None:
        person.post("/setup", SETUP)

        (entry,) = Api(person.client, TOKENS[Role.ADMIN]).got("/audit", params={"action": "user.set_up"})["items"]

        assert (entry["actor"]["name"], entry["after"]["login"]) == ("Ada", "ada@test")
        assert "password" not in str(entry)


class TestPasswordLinks:
    """Whoever has the link sets the password of its person, once, within a day."""

    def test_somebody_new_sets_their_own_password_and_is_in(self, mara: Browser) -> None:
        path = invite(mara)
        tom = other(mara.client)
        assert tom.log_in("tom@test", "").status == 401

        page = tom.submit(tom.get(path), path, password="tom's own password")

        assert page.url.endswith("/offers")
        assert other(mara.client).log_in("tom@test", "tom's own password").url.endswith("/offers")

    def test_it_works_once(self, mara: Browser) -> None:
        path = invite(mara)
        tom = other(mara.client)
        tom.submit(tom.get(path), path, password="tom's own password")

        again = other(mara.client).post(path, {"password": "somebody else's"})

        assert again.status == 410
        assert "used already or is too old" in again.text
        assert tom.get(path).status == 410

    def test_looking_at_it_does_not_use_it_up(self, mara: Browser) -> None:
        path = invite(mara)
        for _ in range(3):
            assert other(mara.client).get(path).form(path).fields["login"] == "tom@test"

    def test_a_short_password_does_not_use_it_up(self, mara: Browser) -> None:
        path = invite(mara)
        page = other(mara.client).post(path, {"password": "short"})

        assert (page.status, page.errors) == (422, ["Use at least 8 characters."])
        assert other(mara.client).post(path, {"password": "long enough"}).status == 200

    def test_a_newer_one_ends_the_one_before(self, mara: Browser) -> None:
        first = invite(mara)
        tom = next(u for u in Api(mara.client, TOKENS[Role.ADMIN]).got("/users")["items"] if u["login"] == "tom@test")
        user = f"/access/users/{tom['id']}"

        second = link_in(mara.submit(mara.get(user), f"{user}/password-link"))

        assert other(mara.client).get(first).status == 410
        assert other(mara.client).get(second).status == 200

    def test_it_ends_after_a_day(self, mara: Browser, parts: Parts) -> None:
        path = invite(mara)

        async def let_time_pass() -> None:
            async with parts.db.write() as session:
                await session.execute(update(PasswordLinkRow).values(expires_at=now_ms()))

        mara.client.portal.call(let_time_pass)

        assert other(mara.client).get(path).status == 410

    def test_it_ends_with_its_person(self, mara: Browser) -> None:
        path = invite(mara)
        admin = Api(mara.client, TOKENS[Role.ADMIN])
        tom = next(user for user in admin.got("/users")["items"] if user["login"] == "tom@test")
        admin.delete(f"/users/{tom['id']}")

        assert other(mara.client).get(path).status == 410

    def test_using_it_ends_sessions_and_making_it_does_not(self, mara: Browser) -> None:
        admin = Api(mara.client, TOKENS[Role.ADMIN])
        me = admin.got("/users")["items"][0]
        path = urlsplit(admin.made(f"/users/{me['id']}/password-link")["url"]).path
        assert mara.get("/offers").status == 200
        cookies = dict(mara.client.cookies)

        other(mara.client).post(path, {"password": "another password"})

        mara.client.cookies.clear()
        mara.client.cookies.update(cookies)
        assert "/login" in mara.get("/offers").url

    def test_the_log_says_who_made_it_and_not_what_it_is(self, mara: Browser) -> None:
        path = invite(mara)
        log = Api(mara.client, TOKENS[Role.ADMIN]).get("/audit").text

        assert "user.make_password_link" in log
        assert path.rpartition("/")[2] not in log


class TestOnesOwnPassword:
    """It takes the present one, and ends one's other sessions."""

    def change(self, person: Browser, **typed: str) -> Page:
        typed = {"present_password": PASSWORD, "new_password": "a better password"} | typed
        return person.submit(person.get("/account"), "/account/password", **typed)

    def test_it_changes_and_this_session_goes_on(self, mara: Browser) -> None:
        page = self.change(mara)

        assert "Password changed" in page.text
        assert mara.get("/offers").url.endswith("/offers")
        assert other(mara.client).log_in().status == 401
        assert other(mara.client).log_in("mara@test", "a better password").url.endswith("/offers")

    def test_other_sessions_end(self, mara: Browser) -> None:
        elsewhere = dict(mara.client.cookies)
        here = other(mara.client)
        here.log_in()
        self.change(here)

        here.client.cookies.clear()
        here.client.cookies.update(elsewhere)

        assert "/login" in here.get("/offers").url

    @pytest.mark.parametrize(
        ("typed", "error"),
        [
            ({"present_password": "wrong"}, "This is not your present password."),
            ({"present_password": ""}, "Type your present password."),
            ({"new_password": "short"}, "Use at least 8 characters."),
        ],
    )
    def test_what_is_wrong_is_said_and_nothing_changes(self, mara: Browser, typed: dict[str, str], error: str) -> None:
        page = self.change(mara, **typed)

        assert (page.status, page.errors) == (422, [error])
        assert other(mara.client).log_in().status == 200

    def test_guessing_it_is_slowed_down(self, mara: Browser) -> None:
        statuses = [self.change(mara, present_password="wrong").status for _ in range(11)]

        assert statuses == [422] * 10 + [429]

    def test_a_key_has_none(self, api: Api) -> None:
        body = {"present_password": PASSWORD, "new_password": "a better password"}

        assert api.post("/me/password", body).status_code == 403

    def test_the_api_changes_it_as_well(self, client: Client) -> None:
        login: Any = client.request("POST", "/api/v1/login", json={"login": "mara@test", "password": PASSWORD}).json()
        body = {"present_password": PASSWORD, "new_password": "a better password"}
        headers = {"X-CSRF-Token": login["csrf_token"]}

        assert client.request("POST", "/api/v1/me/password", json=body, headers=headers).status_code == 200
        assert client.request("GET", "/api/v1/me").status_code == 200


def test_without_any_person_nobody_sets_up(client: Client, parts: Parts) -> None:
    async def remove() -> None:
        async with parts.db.write() as session:
            await session.execute(delete(UserRow))

    client.portal.call(remove)

    assert Browser(client).post("/setup", SETUP).status == 409
