"""Everything there is to look at: each page of the router, and the states of pages that it takes an action to see."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi.routing import APIRoute
from playwright.sync_api import Page, expect

from control.web.router import _ROUTERS
from deploy.demo import SLUG
from tests.turnout import wait_for

Ids = dict[str, str]
"""Ids of things by the name that addresses have for them, such as `offer_id`."""

_UNSETTLED: Final = "[data-edges] .off, #last-day[hidden], [aria-busy=true]"
"""What scripts have yet to fill in after a page has loaded: the line about the edges, yesterday's figures."""
_OUTSIDE: Final = ("/login", "/password/{token}")
_HOST: Final = "go.yourbrand.example"


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing to look at: `act` is done on the page once it is there; a stranger is nobody who is logged in;
    `covered_by` selects what then lies over the rest of the page."""

    name: str
    path: str
    act: Callable[[Page], None] | None = None
    stranger: bool = False
    phone_only: bool = False
    covered_by: str = ""

    def show(self, page: Page) -> None:
        """Bring the scene onto `page`."""
        page.goto(self.path)
        expect(page.locator(_UNSETTLED)).to_have_count(0)
        if self.act:
            self.act(page)
            expect(page.locator(_UNSETTLED)).to_have_count(0)


def scenes(ids: Ids) -> list[Scene]:
    """Return every scene, for the things that `ids` name."""
    return [*_pages(ids), *_states(ids)]


def _pages(ids: Ids) -> Iterator[Scene]:
    """Yield every address that shows a page. Raises KeyError where `furnish` has nothing for a new one."""
    for path in dict.fromkeys(_addresses()):
        name = re.sub(r"\W+", "-", path.replace("_id", "").replace("{", "").replace("}", "")).strip("-")
        yield Scene(name, re.sub(r"\{(\w+)\}", lambda word: ids[word[1]], path), stranger=path in _OUTSIDE)


def _addresses() -> Iterator[str]:
    routes = [route for router in _ROUTERS for route in router.routes if isinstance(route, APIRoute)]
    for path in (route.path for route in routes if "GET" in route.methods):
        if not path.startswith("/ui/") and not path.endswith(".svg") and path not in ("/", "/setup"):
            yield path


def _states(ids: Ids) -> Iterator[Scene]:
    offer, bare = f"/offers/{ids['offer_id']}", f"/offers/{ids['bare_id']}"
    yield Scene("login-refused", "/login", _wrong_password, stranger=True)
    yield Scene("password-link", f"/access/users/{ids['user_id']}", _press("Make a password link"))
    yield Scene("account-refused", "/account", _press("Change password"))
    yield Scene("nothing-here", "/offers/o_none")
    yield Scene("phone-menu", "/offers", _open_menu, phone_only=True)
    yield Scene("palette", "/offers", _search)
    yield Scene("keys", "/offers", lambda page: page.keyboard.press("?"))
    yield Scene("toast", f"{offer}/links?done=deleted&gone=l_none")
    yield Scene("offers-archived", "/offers?status=archived")
    yield Scene("links-none-found", "/links?q=nothing-begins-so")
    yield Scene("offer-new-refused", "/offers/new", _press("Create offer"))
    yield Scene("link-new-refused", "/links/new", _press("Create link"))
    yield Scene("links-bulk-refused", "/links/bulk", _paste_bad_links)
    for tab in ("", "/smart-link", "/links", "/coupons", "/analytics", "/clicks", "/history", "/conversions"):
        yield Scene(f"bare-offer{tab.replace('/', '-')}", f"{bare}{tab}")
    yield Scene("rule-editor", f"{offer}/smart-link", _edit_a_rule)
    yield Scene("rule-editor-macros", f"{offer}/smart-link", _offer_macros)
    yield Scene("rule-menu", f"{offer}/smart-link", _open_rule_menu, covered_by=".menu")
    yield Scene("draft-tested", f"{offer}/smart-link", _draft)
    yield Scene("save-menu", f"{offer}/smart-link", _open_save_menu, covered_by=".menu")
    yield Scene("trial", f"/offers/{ids['tried_id']}/smart-link")
    yield Scene("trial-history", f"/offers/{ids['tried_id']}/history")
    yield Scene("visitor-by-hand", f"{offer}/smart-link", _describe_visitor("By hand"))
    yield Scene("visitor-by-browser", f"{offer}/smart-link", _describe_visitor("IP and browser"))
    yield Scene("analytics-filtered", f"{offer}/analytics?country=US&device=mobile&period=30d&full=country")
    yield Scene("analytics-bots", f"{offer}/analytics?measure=bots&period=24h")
    yield Scene("analytics-refused", f"{offer}/analytics?from=never")
    yield Scene("analytics-table", f"{offer}/analytics", lambda page: page.get_by_text("Show as a table").click())
    yield Scene("analytics-filter-box", f"{offer}/analytics", lambda page: page.keyboard.press("f"))
    yield Scene("analytics-export", f"{offer}/analytics", lambda page: page.get_by_text("Export", exact=True).click())
    yield Scene("clicks-filtered", f"{offer}/clicks?country=US&device=mobile&kind=person&period=30d")
    yield Scene("clicks-none", f"{offer}/clicks?from=2020-01-01&to=2020-01-31")
    yield Scene("click-unknown", "/clicks/nobody")
    yield Scene("history-old", f"{offer}/history?revision=2")


def furnish(page: Page) -> Ids:
    """Add what the example lacks to show every page, and return what is there; repeating it adds nothing."""
    api = Api(page)
    offer = api.one("/offers", slug=SLUG)
    ids = {"offer_id": offer["id"], "number": "1"}
    for noun in ("partner", "link", "coupon"):
        ids[f"{noun}_id"] = api.call("GET", f"/{noun}s?offer_id={offer['id']}" if noun != "partner" else "/partners")[
            "items"
        ][-1]["id"]
    bare = {"name": "Spring campaign", "slug": "spring", "destination_url": "https://yourbrand.com/spring"}
    ids["bare_id"] = api.one_or_new("/offers", bare, "slug")["id"]
    ids["domain_id"] = api.one_or_new("/domains", {"host": _HOST, "root_url": "https://yourbrand.com"}, "host")["id"]
    ids["user_id"] = api.one_or_new("/users", {"login": "mara@yourbrand.example", "name": "Mara Ito"}, "login")["id"]
    wait_for(lambda: api.call("GET", f"/offers/{offer['id']}/clicks?limit=1")["items"])
    ids["click_id"] = api.call(
        "GET", f"/offers/{offer['id']}/clicks?limit=1&rule={offer['smart_link']['rules'][0]['id']}"
    )["items"][0]["id"]
    ids["token"] = api.password_link(ids["user_id"]).rpartition("/")[2]
    ids["key_id"] = api.one_or_new("/keys", {"name": "Nightly import"}, "name")["id"]
    paused = {"name": "Winter sale", "slug": "winter", "destination_url": "https://yourbrand.com/winter"}
    api.call("POST", f"/offers/{api.one_or_new('/offers', paused, 'slug')['id']}/pause")
    ids["tried_id"] = _try(api)
    if offer["revision"] == 1:
        _revise(api, offer)
    return ids


def _try(api: "Api") -> str:
    """Have an offer's rules tried on a share of the traffic, and return its id; needs an edge with two workers."""
    wanted = {"name": "Autumn launch", "slug": "autumn", "destination_url": "https://yourbrand.com/autumn"}
    offer = api.one_or_new("/offers", wanted, "slug")
    if not offer["canary"]:
        rules = [{"when": {"country": ["DE"]}, "destination_url": "https://yourbrand.de/herbst"}]
        api.call("PUT", f"/offers/{offer['id']}/smart-link?canary=25", {"enabled": True, "rules": rules})
    return str(offer["id"])


def _revise(api: "Api", offer: dict[str, Any]) -> None:
    """Make two more revisions: another destination, then the rules as they were, with their order changed."""
    rules = offer["smart_link"]["rules"]
    elsewhere = [{**rules[0], "destination_url": "https://apps.apple.com/us/app/id{offer}?ct={partner}"}, *rules[1:]]
    for revised in (elsewhere, rules):
        link = {**offer["smart_link"], "rules": revised}
        api.call(
            "PUT", f"/offers/{offer['id']}/smart-link", {key: link[key] for key in ("enabled", "fallback_url", "rules")}
        )


class Api:
    """The API as the person who is logged in on `page`."""

    def __init__(self, page: Page) -> None:
        page.goto("/offers")
        self._page, self._request = page, page.request
        self._csrf = page.locator('meta[name="csrf-token"]').get_attribute("content") or ""

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Return what the API answers; anything but success fails."""
        answer = self._request.fetch(
            f"/api/v1{path}",
            method=method,
            data=body,
            headers={"X-CSRF-Token": self._csrf},  # type: ignore[arg-type]
        )
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()}"
        return answer.json()

    def password_link(self, user_id: str) -> str:
        """Return a new link by which a user sets their password."""
        self._page.goto(f"/access/users/{user_id}")
        self._page.get_by_role("button", name="Make a password link").click()
        return self._page.get_by_role("button", name="Copy the link").get_attribute("data-copy") or ""

    def one(self, path: str, **wanted: str) -> dict[str, Any]:
        """Return the thing whose fields have these values. Raises StopIteration where there is none."""
        items = self.call("GET", path)["items"]
        return next(item for item in items if wanted.items() <= item.items())

    def one_or_new(self, path: str, wanted: dict[str, str], key: str) -> dict[str, Any]:
        """Return the thing with the `key` of `wanted`, made where there is none."""
        found = [item for item in self.call("GET", path)["items"] if item[key] == wanted[key]]
        made: dict[str, Any] = found[0] if found else self.call("POST", path, wanted)
        return made


# -- what is done on a page before it is looked at


def _press(name: str) -> Callable[[Page], None]:
    return lambda page: page.get_by_role("button", name=name).click()


def _wrong_password(page: Page) -> None:
    page.get_by_label("Login").fill("admin")
    page.get_by_label("Password", exact=True).fill("not this one")
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#login-err")).to_be_visible()


def _open_menu(page: Page) -> None:
    page.get_by_role("button", name="Menu").click()


def _search(page: Page) -> None:
    page.keyboard.press("Control+k")
    page.get_by_role("combobox").fill("n")
    expect(page.get_by_role("option").first).to_be_visible()


def _paste_bad_links(page: Page) -> None:
    page.get_by_label("One link a line").fill("offer,slug,partner\nsaas,Not A Slug,nora\nnobody,fine-slug,nobody")
    page.get_by_role("button", name="Create links").click()


def _edit_a_rule(page: Page) -> None:
    page.locator("#rule-1 .when").click()
    page.get_by_label("Add a country or a group", exact=True).fill("united")
    expect(page.get_by_role("option").first).to_be_visible()


def _offer_macros(page: Page) -> None:
    page.locator("#rule-2 .when").click()
    field = page.get_by_label("Send them to")
    field.press("End")
    field.press_sequentially("?sub={")
    expect(page.locator("#edit-destination-macros")).to_be_visible()


def _draft(page: Page) -> None:
    """A rule that nobody reaches, another that is off, and a visitor tested on them."""
    page.get_by_role("button", name="More for rule 1").click()
    page.get_by_role("menuitem", name="Duplicate").click()
    page.get_by_role("switch", name="Rule 3 on").uncheck()
    expect(page.locator("#rule-2 .strip")).to_be_visible()
    _open_panel(page)
    page.get_by_role("button", name="US iPhone").click()
    expect(page.locator(".verdict")).to_be_visible()


def _open_rule_menu(page: Page) -> None:
    page.get_by_label("More for rule 1").click()


def _open_save_menu(page: Page) -> None:
    page.get_by_role("switch", name="Rule 3 on").uncheck()
    page.get_by_label("More ways to save").click()


def _describe_visitor(how: str) -> Callable[[Page], None]:
    def describe(page: Page) -> None:
        _open_panel(page)
        page.get_by_role("tab", name=how).click()

    return describe


def _open_panel(page: Page) -> None:
    """Bring up the test of a visitor, which is a sheet on phones."""
    opener = page.get_by_role("link", name="Test a visitor")
    if opener.is_visible():
        opener.click()
