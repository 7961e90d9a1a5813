"""The control API as tests call it: the real app over a database of its own, with keys of every role."""

import dataclasses
from collections.abc import Sequence
from functools import partial
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal
from argon2 import PasswordHasher
from fastapi import FastAPI

from control.access import keys, users
from control.access.roles import SYSTEM, Role
from control.access.schemas import UserIn
from control.app import API, open_parts, prepare
from control.insight.classifier import Classifier
from control.parts import Parts
from control.settings import ControlSettings
from tests.control.fakes import FakeLive

TOKENS = {role: f"tn_{role}_for_tests" for role in Role}
PASSWORD = "correct horse battery"
_CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
"""Hundreds of tests log in; a hash says itself how dear its check is."""

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 Version/18.1 Mobile/15E148 Safari/604"
)


def settings_for(database_url: str, **fields: Any) -> ControlSettings:
    """Settings with nothing taken from the environment."""
    return ControlSettings(database_url=database_url, public_url="https://go.test", **fields)


def parts_for(settings: ControlSettings, live: FakeLive) -> Parts:
    """The real parts but for the edges and the files that visitors are classified by."""
    places = {"8.8.8.8": "US", "5.9.0.1": "DE"}
    classifier = Classifier(lambda: places.get, lambda: lambda _user_agent: ("", ""))
    return dataclasses.replace(open_parts(settings), live=live, classifier=classifier)


async def fill(parts: Parts) -> None:
    """Prepare an empty database: the newest schema, a key of every role, a person who is an admin."""
    await prepare(parts)
    async with parts.db.write() as session:
        for role, token in TOKENS.items():
            await keys.add(session, SYSTEM, f"{role} key", role, token)
        admin = UserIn.model_validate({"login": "mara@test", "name": "Mara", "role": "admin", "password": PASSWORD})
        await users.add(session, SYSTEM, admin, _CHEAP.hash(PASSWORD))


class Client:
    """A browser: keeps cookies, has no key; calls the app in the event loop behind `portal`, without a socket."""

    def __init__(self, app: FastAPI, portal: BlockingPortal) -> None:
        self.portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=("192.0.2.1", 4711))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://control.test")

    @property
    def cookies(self) -> httpx.Cookies:
        """What the app has set."""
        return self._client.cookies

    def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        """Make one request and wait for its whole answer."""
        return self.portal.call(partial(self._client.request, method, url, **options))

    def close(self) -> None:
        """End."""
        self.portal.call(self._client.aclose)


class Api:
    """Calls under /api/v1 with one key; `call` and its verbs return the response, `made` and `got` its JSON."""

    def __init__(self, client: Client, token: str | None = None) -> None:
        self.client = client
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        headers = self.headers | options.pop("headers", {})
        return self.client.request(method, API + path, headers=headers, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        return self.call("GET", path, **options)

    def post(self, path: str, json: Any = None, **options: Any) -> httpx.Response:
        return self.call("POST", path, json=json, **options)

    def put(self, path: str, json: Any, **options: Any) -> httpx.Response:
        return self.call("PUT", path, json=json, **options)

    def patch(self, path: str, json: Any, **options: Any) -> httpx.Response:
        return self.call("PATCH", path, json=json, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        return self.call("DELETE", path, **options)

    def got(self, path: str, **options: Any) -> Any:
        """What a GET finds."""
        response = self.get(path, **options)
        assert response.status_code == 200, response.text
        return response.json()

    def made(self, path: str, json: Any = None) -> Any:
        """What a POST creates."""
        response = self.post(path, json)
        assert response.status_code == 201, response.text
        return response.json()

    def offer(self, slug: str = "saas", **fields: Any) -> Any:
        """A new offer."""
        return self.made("/offers", {"name": "SaaS", "slug": slug, "destination_url": "https://yourbrand.com"} | fields)

    def partner(self, slug: str = "mara") -> Any:
        """A new partner."""
        return self.made("/partners", {"name": slug.title(), "slug": slug})

    def save(self, offer_id: str, rules: Sequence[Any], **options: Any) -> httpx.Response:
        """The answer to putting a smart link that is on."""
        fields = {"enabled": True, "fallback_url": None, "rules": list(rules)} | options.pop("fields", {})
        return self.put(f"/offers/{offer_id}/smart-link", fields, **options)


def rule(to: str = "https://yourbrand.com/landing", **fields: Any) -> dict[str, Any]:
    """A rule as the API takes it."""
    return {"destination_url": to, **fields}


def errors_of(response: httpx.Response) -> list[tuple[str, str]]:
    """Path and code of every fault of a refusal."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    return [(error["path"], error["code"]) for error in response.json()["errors"]]
