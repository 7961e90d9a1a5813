"""Names, codes, referrers and agents of anybody: shown as they are, run by nothing."""

import asyncio
import time
from urllib.parse import quote

import pytest

from control.access.roles import Role
from tests.control.api import TOKENS, Api, Client, rule
from tests.control.browser import Browser, Page
from tests.control.clicks import Clicks, Ingester, batch, clicks_database

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "</title><svg onload=alert(1)>",
    "\u202eevil\u2066 \u05d0\u05d1",
    "--><!--",
    "</script><script>alert(1)</script>",
]


def assert_harmless(page: Page) -> None:
    """Nothing of the page runs but our modules, and nothing is styled but by our classes."""
    assert page.status == 200, page.url
    for tag, given in page.elements:
        assert not [name for name in given if name.startswith("on") or name == "style"], (page.url, tag, given)
        assert not given.get("href", "").lower().startswith(("javascript:", "data:")), (page.url, given)
        if tag == "script":
            own = given.get("src", "").startswith("/static/") and given["type"] == "module"
            assert own or given == {"type": "application/json"} | {k: v for k, v in given.items() if k != "type"}, given
        if tag == "img":
            assert given["src"].startswith("/"), given
        assert tag not in ("iframe", "object", "embed", "style"), page.url


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_text_on_every_page(client: Client, database_url: str, name: str) -> None:
    api = Api(client, TOKENS[Role.ADMIN])
    offer = api.offer(name=name)
    first = api.save(offer["id"], [rule(name=name, when={"country": ["US"]})]).json()
    api.save(offer["id"], [{**first["rules"][0], "name": f"{name}2", "enabled": False}])
    partner = api.made("/partners", {"name": name, "slug": "mara"})
    link = api.made("/links", {"offer_id": offer["id"], "partner_id": partner["id"], "coupon": name, "sub1": name})
    coupon = api.made("/coupons", {"offer_id": offer["id"], "partner_id": partner["id"], "code": name[:64]})
    api.made("/keys", {"name": name})
    user = api.made("/users", {"login": "u@test", "name": name, "password": "correct horse"})
    asyncio.run(_click(database_url, offer["id"], first["rules"][0]["id"], name))
    person = Browser(client)
    person.log_in()
    paths = ["/offers", "/links", "/partners", "/coupons", "/access", f"/partners/{partner['id']}"]
    paths += [f"/links/{link['id']}", f"/coupons/{coupon['id']}", f"/access/users/{user['id']}"]
    sent = quote(name[:64])
    paths += [f"/links/new?offer={sent}&partner={sent}", f"/links?q={sent}", f"/links/bulk?offer={sent}"]
    tabs = ("", "/smart-link", "/links", "/coupons", "/analytics", "/history", "/settings")
    paths += [f"/offers/{offer['id']}{tab}" for tab in (*tabs, f"/analytics?referrer={quote(name)}")]
    for path in paths:
        assert_harmless(person.get(path))


def test_a_hostile_name_is_shown_whole(client: Client) -> None:
    Api(client, TOKENS[Role.ADMIN]).made("/partners", {"name": HOSTILE[0], "slug": "mara"})
    person = Browser(client)
    person.log_in()
    assert HOSTILE[0] in person.get("/partners").text


async def _click(database_url: str, offer_id: str, rule_id: str, text: str) -> None:
    db = clicks_database(database_url)
    try:
        made = Clicks()
        sent = {"via": text, "coupon": text, "sub1": text, "referrer": text, "browser": text}
        now = int(time.time() * 1000)
        event = made.event(offer=offer_id, rule=rule_id, time_ms=now, link="l_gone", **sent)
        lost = made.event(offer=offer_id, rule="fallback", time_ms=now, **sent)
        gone = made.event(offer=offer_id, rule=text[:100], time_ms=now)
        await Ingester(db).record(batch(1, [event, lost, gone]))
    finally:
        await db.close()
