"""Switching an offer or a whole domain off and on again, as visitors of a running edge see it."""

from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from tests.installation import HANG_S, Installation, wait_until
from tests.servers import RedisServer

HOME = "https://yourbrand.com/"
SAFE = "https://yourbrand.com/sorry"
HOST = "go.brand.test"


@pytest.fixture
def turnout(tmp_path: Path, redis_server: RedisServer) -> Iterator[Installation]:
    installation = Installation(tmp_path / "turnout", redis_server)
    try:
        yield installation.start()
    finally:
        installation.stop()


def asked(turnout: Installation, path: str, host: str) -> set[tuple[int, str]]:
    """Return every answer of some connections, which go to all workers."""
    answers = set()
    for _ in range(12):
        connection = HTTPConnection("127.0.0.1", turnout.edge_port, timeout=HANG_S)
        connection.request("GET", path, headers={"Host": host})
        response = connection.getresponse()
        response.read()
        connection.close()
        answers.add((response.status, (response.getheader("Location") or "").partition("?")[0]))
    return answers


def live(turnout: Installation, saved: Any) -> Any:
    """Wait until a publish is live everywhere; return what was saved."""
    path = f"/propagation?sequence={saved['sequence']}"
    wait_until(lambda: turnout.api("GET", path)["complete"], turnout.output)
    return saved


def test_a_paused_domain_is_off_on_every_worker_and_on_again(turnout: Installation) -> None:
    domain = turnout.api("POST", "/domains", {"host": HOST, "root_url": HOME})
    fields = {"name": "saas", "slug": "saas", "destination_url": HOME, "domain_ids": [domain["id"]]}
    offer = live(turnout, turnout.api("POST", "/offers", fields))
    turnout.api("POST", "/links", {"slug": "jane", "offer_id": offer["id"], "domain_id": domain["id"]})
    for path in ("/saas", "/jane", "/"):
        assert asked(turnout, path, HOST) == {(302, HOME)}

    live(turnout, turnout.api("POST", f"/domains/{domain['id']}/pause"))
    for path in ("/saas", "/jane", "/never-heard-of", "/"):
        assert asked(turnout, path, HOST) == {(410, "")}
    assert asked(turnout, "/saas", "other.test") == {(302, HOME)}

    turnout.api("PATCH", f"/domains/{domain['id']}", {"inactive_url": SAFE})
    live(turnout, turnout.api("POST", f"/domains/{domain['id']}/pause"))
    for path in ("/saas", "/jane", "/never-heard-of", "/"):
        assert asked(turnout, path, HOST) == {(302, SAFE)}

    live(turnout, turnout.api("POST", f"/domains/{domain['id']}/activate"))
    for path in ("/saas", "/jane", "/"):
        assert asked(turnout, path, HOST) == {(302, HOME)}


def test_a_paused_offer_is_off_with_all_its_links_and_on_again(turnout: Installation) -> None:
    fields = {"name": "saas", "slug": "saas", "destination_url": HOME, "inactive_url": SAFE}
    offer = turnout.api("POST", "/offers", fields)
    turnout.api("POST", "/links", {"slug": "jane", "offer_id": offer["id"]})
    turnout.add_offer("other", HOME)

    live(turnout, turnout.api("POST", f"/offers/{offer['id']}/pause"))
    assert asked(turnout, "/saas", "x.test") == asked(turnout, "/jane", "x.test") == {(302, SAFE)}
    assert asked(turnout, "/other", "x.test") == {(302, HOME)}

    live(turnout, turnout.api("POST", f"/offers/{offer['id']}/activate"))
    assert asked(turnout, "/saas", "x.test") == asked(turnout, "/jane", "x.test") == {(302, HOME)}
