"""Who sees which page, who may send which form, and what every page tells the person to refuse."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.routing import APIRoute

from control.access.roles import Role
from control.parts import Parts
from control.web import guard
from control.web.router import _ROUTERS
from tests.control.api import PASSWORD, TOKENS, Api, Client, rule
from tests.control.browser import Browser, add_person
from tests.control.test_web_insight import come

_OPEN = {"/login", "/setup", "/password/{token}"}
_OWN = ("/logout", "/account")  # of everybody, whatever their role
_FOR_ADMINS = ("/access", "/domains/", "/offers/{offer_id}/postback-secret")


def _routes(method: str) -> list[str]:
    routes = [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    return [route.path for route in routes if method in (route.methods or ()) and not route.path.startswith("/ui/")]


PAGES = [path for path in _routes("GET") if path not in _OPEN]
ACTIONS = [path for path in _routes("POST") if path not in _OPEN]


@pytest.fixture
def things(client: Client, database_url: str) -> dict[str, str]:
    """One of everything, by the name that addresses have for its id."""
    api = Api(client, TOKENS[Role.ADMIN])
    offer = api.offer()
    api.save(offer["id"], [rule(name="First", when={"country": ["US"]})])
    partner = api.partner()
    come(database_url, {"offer": offer["id"], "click_id": "first"})
    return {
        "offer_id": offer["id"],
        "click_id": "first",
        "partner_id": partner["id"],
        "link_id": api.made("/links", {"offer_id": offer["id"], "partner_id": partner["id"], "slug": "mara-x"})["id"],
        "coupon_id": api.made("/coupons", {"offer_id": offer["id"], "partner_id": partner["id"], "code": "M20"})["id"],
        "domain_id": api.made("/domains", {"host": "go.own.example"})["id"],
        "key_id": api.made("/keys", {"name": "a key"})["id"],
        "user_id": api.made("/users", {"login": "u@test", "password": PASSWORD})["id"],
        "number": "1",
    }


@pytest.fixture
def person(client: Client) -> Browser:
    """Somebody who is not logged in."""
    return Browser(client)


def at(path: str, things: dict[str, str]) -> str:
    """The address of a route for the things there are."""
    return re.sub(r"\{(\w+)\}", lambda name: things[name[1]], path)


def people(person: Browser, parts: Parts) -> Iterator[tuple[Role, Any]]:
    """Everyone below an admin, each logged in."""
    for role in (Role.VIEWER, Role.EDITOR):
        login = add_person(person.client, parts, role)
        person.client.cookies.clear()
        yield role, person.log_in(login)


def test_pages_send_strangers_to_the_login_and_back(person: Browser, things: dict[str, str]) -> None:
    for path in PAGES:
        wanted = at(path, things)
        page = person.get(wanted)
        assert urlsplit(page.url).path == "/login", path
        assert page.form("/login").fields["next"] == wanted, path
    wanted = at("/offers/{offer_id}/settings", things)
    back = person.submit(person.get(wanted), "/login", login="mara@test", password=PASSWORD)
    assert urlsplit(back.url).path == wanted


def test_pages_let_nothing_run_but_our_own_modules(person: Browser, things: dict[str, str]) -> None:
    person.log_in()
    for path in PAGES:
        answer = person.client.request("GET", at(path, things), headers={"Accept": "text/html"}, follow_redirects=True)
        assert answer.status_code == 200, path
        policy = answer.headers["Content-Security-Policy"]
        for directive in ("default-src 'none'", "script-src 'self';", "style-src 'self';", "frame-ancestors 'none'"):
            assert directive in policy, path
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
        assert answer.headers["Cache-Control"] == "private, no-store", path


def test_forms_without_the_sessions_token_do_nothing(person: Browser, things: dict[str, str]) -> None:
    person.log_in()
    for path in ACTIONS:
        for token in ("", "csrf_of_somebody_else"):
            assert person.post(at(path, things), {"csrf": token, "name": "Taken over"}).status == 403, path
    assert person.get("/offers").status == 200


def test_a_viewer_is_refused_whatever_they_send(person: Browser, parts: Parts, things: dict[str, str]) -> None:
    role, page = next(people(person, parts))
    assert role == Role.VIEWER
    csrf = page.form("/logout").fields["csrf"]
    for path in ACTIONS:
        if not path.startswith(_OWN):
            refused = person.post(at(path, things), {"csrf": csrf, "lines": "slug\nx", "status": "paused"})
            assert refused.status == 403, path
            assert "This is not yours to change" in refused.text, path


def test_a_viewer_sees_no_control_that_changes_something(person: Browser, parts: Parts, things: dict[str, str]) -> None:
    next(people(person, parts))
    for path in PAGES:
        if path.endswith(("/new", "/bulk", ".svg")) or path.startswith(("/access", "/account")):
            continue
        page = person.get(at(path, things))
        assert page.status == 200, path
        sent = [form for form in page.forms if form.method == "post" and form.action != "/logout" and form.buttons]
        assert not sent, (path, sent)
        assert not [link for link in page.links if "/new" in link or "/bulk" in link], path


def test_an_editor_cannot_reach_what_is_for_admins(person: Browser, parts: Parts, things: dict[str, str]) -> None:
    *_, (role, page) = people(person, parts)
    assert role == Role.EDITOR
    csrf = page.form("/logout").fields["csrf"]
    for path in [path for path in ACTIONS if path.startswith(_FOR_ADMINS)]:
        assert person.post(at(path, things), {"csrf": csrf}).status == 403, path
    for path in [path for path in PAGES if path.startswith("/access")]:
        assert person.get(at(path, things)).status == 403, path
    assert "/access" not in person.get("/offers").links
    assert "pb_" not in person.get(f"/offers/{things['offer_id']}/settings").html


def test_logging_out_ends_the_session(person: Browser) -> None:
    page = person.log_in()
    cookies = dict(person.client.cookies)
    assert person.submit(page, "/logout").url.endswith("/login")
    person.client.cookies.update(cookies)
    assert "/login" in person.get("/offers").url


def test_a_wrong_password_keeps_the_login_and_says_so(person: Browser) -> None:
    page = person.log_in(password="wrong")
    assert page.status == 401
    assert page.form("/login").fields["login"] == "mara@test"
    assert page.form("/login").fields["password"] == ""
    assert page.errors == ["Login or password is wrong."]


@pytest.mark.parametrize(
    "target", ["//evil.example", "/\\evil.example", "https://evil.example", "/a\nb", "javascript:alert(1)", ""]
)
def test_the_login_leads_nowhere_else(target: str) -> None:
    assert guard.safe_next(target) == "/"


def test_a_browser_gets_a_page_and_a_program_gets_problem_details(person: Browser) -> None:
    person.log_in()
    page = person.get("/offers/o_none/settings")
    assert page.status == 404
    assert "There is nothing here" in page.text
    for path in ("/offers/o_none/settings", "/api/v1/offers/o_none"):
        answer = person.client.request("GET", path, headers={"Accept": "application/json"})
        assert answer.headers["Content-Type"] == "application/problem+json"
    through_api = person.client.request("GET", "/api/v1/offers/o_none", headers={"Accept": "text/html"})
    assert through_api.headers["Content-Type"] == "application/problem+json"


def test_static_files_are_asked_for_anew_and_not_sent_twice(person: Browser) -> None:
    first = person.client.request("GET", "/static/shell.js")
    assert first.headers["Cache-Control"] == "no-cache"
    again = person.client.request("GET", "/static/shell.js", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert person.client.request("GET", "/static/../guard.py").status_code == 404


def test_every_page_says_how_long_it_took(person: Browser) -> None:
    response = person.client.request("GET", "/login")
    assert re.fullmatch(r"app;dur=\d+\.\d", response.headers["Server-Timing"])
