"""Custom domains behind a real Caddy with the Caddyfile that comes with Turnout: certificates, and who is believed.

The file is taken as it is; what Caddy makes of it then gets ports of this machine, and an authority of its own in place
of a public one.
"""

import contextlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.deploy.files import COMPOSE
from tests.installation import Installation, wait_until
from tests.servers import RedisServer, free_port

ADMIN, PUBLIC, CUSTOM, STRANGER = "turnout.test", "go.test", "go.brand.test", "go.stranger.test"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
GOOGLE = "8.8.8.8"


class Answer(NamedTuple):
    status: int
    location: str
    headers: dict[str, str]


class Caddy:
    """Caddy on a port of its own, in front of an installation."""

    def __init__(self, folder: Path, installation: Installation) -> None:
        self.program = shutil.which("caddy") or pytest.skip("needs caddy")
        self.folder = folder
        self.installation = installation
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Caddy":
        self.folder.mkdir()
        config = self.folder / "caddy.json"
        config.write_text(json.dumps(self._config()))
        with (self.folder / "caddy.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.program, "run", "--config", config],
                env={"HOME": str(self.folder), "PATH": os.environ["PATH"]},
                stdout=log,
                stderr=log,
            )
        wait_until(self._listens, (self.folder / "caddy.log").read_text)
        return self

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(30)

    def _config(self) -> dict[str, Any]:
        """Return what Caddy makes of the Caddyfile, for this machine."""
        names = {"ADMIN_HOST": ADMIN, "PUBLIC_HOST": PUBLIC, "ACME_EMAIL": "ops@example.com"}
        command = [self.program, "adapt", "--config", COMPOSE.parent / "Caddyfile"]
        adapted = subprocess.run(command, env=os.environ | names, capture_output=True, text=True, check=True).stdout
        here = self.installation
        places = {
            "edge-1:8080": f"127.0.0.1:{here.edge_port}",
            "edge-2:8080": f"127.0.0.1:{here.edge_port}",
            "control:8081": f"127.0.0.1:{here.control_port}",
            '"port":8082': f'"port":{here.environment["TURNOUT_EDGE_ADMIN_PORT"]}',
            '":443"': f'"127.0.0.1:{self.port}"',
        }
        for there, place in places.items():
            assert there in adapted
            adapted = adapted.replace(there, place)
        config: dict[str, Any] = json.loads(adapted)
        for policy in config["apps"]["tls"]["automation"]["policies"]:
            policy["issuers"] = [{"module": "internal"}]
        config["apps"]["http"] |= {"https_port": self.port, "http_port": free_port()}
        config["apps"]["pki"] = {"certificate_authorities": {"local": {"install_trust": False}}}
        return config | {"admin": {"disabled": True}, "storage": {"module": "file_system", "root": str(self.folder)}}

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def get(self, host: str, path: str, **headers: str) -> Answer:
        """Ask as a browser does that trusts every authority. Raises ssl.SSLError where there is no certificate."""
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.connect()
        with context.wrap_socket(connection.sock, server_hostname=host) as connection.sock:
            certificate = connection.sock.getpeercert(binary_form=True)
            assert certificate is not None
            assert host.encode() in certificate
            connection.request("GET", path, headers={"Host": host, "User-Agent": IPHONE, **headers})
            response = connection.getresponse()
            response.read()
            return Answer(response.status, response.getheader("Location", ""), dict(response.getheaders()))


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
