"""Custom domains behind a real Caddy with the Caddyfile that comes with Turnout: certificates, and who is believed."""

import contextlib
import ssl
from collections.abc import Iterator

import pytest

from tests.caddy import ADMIN, PUBLIC, Caddy
from tests.installation import Installation, wait_until
from tests.servers import RedisServer

CUSTOM, STRANGER = "go.brand.test", "go.stranger.test"
GOOGLE = "8.8.8.8"


@pytest.fixture(scope="module")
def caddy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caddy]:
    """An installation with a link on a custom domain, behind Caddy."""
    folder = tmp_path_factory.mktemp("domains")
    redis = RedisServer(folder / "redis").start()
    installation = Installation(folder / "turnout", redis, workers=1, TURNOUT_TRUSTED_PROXIES="127.0.0.1/32")
    proxy = Caddy(folder / "caddy", installation)
    try:
        fill(installation.start())
        proxy.start()
        yield proxy
        proxy.stop()
    finally:
        installation.stop()
        redis.kill()


def fill(installation: Installation) -> None:
    domain = installation.api("POST", "/domains", {"host": CUSTOM})
    offer = installation.add_offer("saas", "https://yourbrand.com")
    rules = [{"when": {"country": ["US"]}, "destination_url": "https://yourbrand.com/us"}]
    installation.api("POST", "/links", {"slug": "spring", "offer_id": offer, "domain_id": domain["id"]})
    link = {"enabled": True, "fallback_url": "https://yourbrand.com/spring", "rules": rules}
    installation.api("PUT", f"/offers/{offer}/smart-link?wait=30", link)


def test_a_registered_domain_gets_its_certificate_at_the_first_visit(caddy: Caddy) -> None:
    answer = caddy.get(CUSTOM, "/spring")

    assert (answer.status, answer.location.partition("?")[0]) == (302, "https://yourbrand.com/spring")


def test_a_domain_that_nobody_registered_gets_none(caddy: Caddy) -> None:
    with pytest.raises(ssl.SSLError):
        caddy.get(STRANGER, "/spring")


def test_a_domain_registered_later_gets_one(caddy: Caddy) -> None:
    host = "later.brand.test"
    with pytest.raises(ssl.SSLError):
        caddy.get(host, "/saas")
    caddy.installation.api("POST", "/domains", {"host": host})

    wait_until(lambda: certified(caddy, host))
    assert caddy.get(host, "/spring").status == 404


def certified(caddy: Caddy, host: str) -> bool:
    with contextlib.suppress(ssl.SSLError):
        caddy.get(host, "/")
        return True
    return False


def test_links_of_the_public_host_are_answered(caddy: Caddy) -> None:
    assert caddy.get(PUBLIC, "/saas").location.startswith("https://yourbrand.com/spring?click_id=")


def test_a_visitor_cannot_choose_an_address(caddy: Caddy) -> None:
    """The proxy is believed, and so it must not pass on what a visitor claims."""
    answer = caddy.get(CUSTOM, "/spring", **{"X-Forwarded-For": GOOGLE})

    assert answer.location.startswith("https://yourbrand.com/spring?")


def test_visitors_are_not_told_which_edge_answered(caddy: Caddy) -> None:
    assert "X-Turnout-Edge" not in caddy.get(PUBLIC, "/saas").headers


def test_admin_pages_are_at_the_admin_host(caddy: Caddy) -> None:
    assert caddy.get(ADMIN, "/openapi.json").status == 200
    assert caddy.get(PUBLIC, "/openapi.json").status == 404


@pytest.mark.parametrize(
    "path",
    ["/metrics", f"/internal/domains/ask?domain={CUSTOM}", "/%69nternal/domains/ask?domain=x", "//metrics", "/Metrics"],
)
def test_figures_and_questions_of_programs_stay_inside(caddy: Caddy, path: str) -> None:
    assert caddy.get(ADMIN, path).status == 404
