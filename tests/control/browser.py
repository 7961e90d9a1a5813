"""The admin UI as a browser without scripts uses it: pages, their forms, and what stands in them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

import httpx

from control.access import users
from control.access.roles import SYSTEM, Role
from control.access.schemas import UserIn
from control.parts import Parts
from tests.control.api import PASSWORD, Client

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


@dataclass
class PageForm:
    """A form: where it goes, and what stands in it."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """A page as parsed: its elements, its text and its forms."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.status = response.status_code
        self.url = str(response.request.url)
        self.html = response.text
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.forms: list[PageForm] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.errors: list[str] = []
        self._open: list[tuple[str, dict[str, str]]] = []
        self._select = ""
        self.feed(self.html)

    @property
    def text(self) -> str:
        """What is read, spaces folded."""
        return re.sub(r"\s+", " ", " ".join(self.words)).strip()

    def form(self, action: str) -> PageForm:
        """The form that goes to `action`."""
        found = [form for form in self.forms if form.action == action]
        assert found, f"no form to {action} among {[form.action for form in self.forms]}"
        return found[0]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in VOID:
            self._open.append((tag, given))
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.forms.append(PageForm(given.get("action", ""), given.get("method", "get")))
        self._read_control(tag, given)

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self._open]
        if "textarea" in inside and self.forms:
            name = next(given["name"] for tag, given in self._open if tag == "textarea")
            self.forms[-1].fields[name] += data.removeprefix("\n") if not self.forms[-1].fields[name] else data
        elif not {"script", "style"} & set(inside):
            self.words.append(data)
        if any("err" in given.get("class", "").split() for _, given in self._open) and data.strip():
            self.errors.append(data.strip())
        if inside[-1:] == ["button"] and self.forms and data.strip():
            self.forms[-1].buttons.append(data.strip())

    def _read_control(self, tag: str, given: Mapping[str, str]) -> None:
        name = given.get("name")
        if tag == "option" and self._select and ("selected" in given or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = given.get("value", "")
        if not name or not self.forms or "disabled" in given:
            return
        if tag == "select":
            self._select = name
        elif tag == "textarea":
            self.forms[-1].fields[name] = ""
        elif tag == "input" and (given.get("type") not in ("checkbox", "radio") or "checked" in given):
            self.forms[-1].fields[name] = given.get("value", "")


class Browser:
    """One person's browser: follows redirects, keeps its cookie, sends the forms it is shown."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def get(self, path: str) -> Page:
        """The page at `path`, redirects followed."""
        return self._follow(self.client.request("GET", path, headers={"Accept": "text/html"}))

    def submit(self, page: Page, action: str, **typed: str) -> Page:
        """What comes of sending a page's form with some of its fields typed over; None unticks a box."""
        form = page.form(action)
        fields = form.fields | typed
        return self.post(action, {name: value for name, value in fields.items() if value is not None})

    def post(self, path: str, fields: Mapping[str, str]) -> Page:
        """What comes of posting `fields`."""
        return self._follow(self.client.request("POST", path, data=dict(fields), headers={"Accept": "text/html"}))

    def log_in(self, login: str = "mara@test", password: str = PASSWORD) -> Page:
        """The page after logging in."""
        return self.submit(self.get("/login"), "/login", login=login, password=password)

    def _follow(self, response: httpx.Response) -> Page:
        for _ in range(5):
            if response.status_code != 303:
                return Page(response)
            target = urlsplit(urljoin(str(response.request.url), response.headers["Location"]))
            path = target.path + (f"?{target.query}" if target.query else "")
            response = self.client.request("GET", path, headers={"Accept": "text/html"})
        raise AssertionError("redirects go round in circles")


def add_person(client: Client, parts: Parts, role: Role) -> str:
    """Add a person with a role and return their login."""
    login = f"{role}@test"
    wanted = UserIn.model_validate({"login": login, "name": f"The {role}", "role": role, "password": PASSWORD})

    async def add() -> None:
        await users.create(parts, SYSTEM, wanted)

    client.portal.call(add)
    return login
