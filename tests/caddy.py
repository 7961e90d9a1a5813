"""A real Caddy with the Caddyfile that comes with Turnout.

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
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.deploy.files import COMPOSE
from tests.installation import Installation, wait_until
from tests.servers import free_port

ADMIN, PUBLIC = "turnout.test", "go.test"
IPHONE: Final = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X)"
LOOPBACK: Final = "127.0.0.1"


class Answer(NamedTuple):
    status: int
    location: str
    headers: dict[str, str]


class Caddy:
    """Caddy on a port of its own, in front of control and of two edges: ports of one installation, hosts as given."""

    def __init__(self, folder: Path, installation: Installation, hosts: tuple[str, str] = (LOOPBACK, LOOPBACK)) -> None:
        self.program = shutil.which("caddy") or pytest.skip("needs caddy")
        self.folder = folder
        self.installation = installation
        self.hosts = hosts
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
            "edge-1:8080": f"{self.hosts[0]}:{here.edge_port}",
            "edge-2:8080": f"{self.hosts[1]}:{here.edge_port}",
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
