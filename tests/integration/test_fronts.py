"""Behind a real nginx and a real HAProxy: what the front saw and what the edge saw agree, or one of them refuses.

Every case is sent on one connection to the front, which keeps its own connections to the edge and uses them for
everybody. If front and edge disagreed on where a request ends, a victim's request would get the attacker's answer, or
the edge would count requests that the front never sent.
"""

import asyncio
import contextlib
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests import builders
from tests.edge.roads import Edge
from tests.fakes import FakeLinks
from tests.integration.test_uvicorn import run, serving, until
from tests.servers import free_port

INNER = b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ANSWER_S = 1.5

NGINX = """
daemon off; master_process off; worker_processes 1; pid {dir}/nginx.pid; error_log {dir}/error.log;
events {{ worker_connections 256; }}
http {{
  log_format asked '$upstream_status $request_method $uri';
  access_log {dir}/access.log asked;
  client_body_temp_path {dir}/a; proxy_temp_path {dir}/b; fastcgi_temp_path {dir}/c; uwsgi_temp_path {dir}/d;
  scgi_temp_path {dir}/e;
  upstream edge {{ server 127.0.0.1:{edge}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://edge; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $remote_addr;
    }}
  }}
}}
"""
HAPROXY = """
global
  log stdout format raw local0
  maxconn 256
defaults
  mode http
  log global
  log-format "asked %ST %b/%s %HM %HU"
  option http-keep-alive
  option forwardfor
  http-reuse always
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend front
  bind 127.0.0.1:{port}
  default_backend edge
backend edge
  server edge 127.0.0.1:{edge}
"""


def chunked(data: bytes) -> bytes:
    """One chunk and the last one."""
    return b"%x\r\n%b\r\n0\r\n\r\n" % (len(data), data)


def post(fields: bytes, body: bytes, line: bytes = b"GET /saas?n=attacker HTTP/1.1\r\n") -> bytes:
    """A request with a body, its framing fields as given."""
    return line + b"Host: a\r\n" + fields + b"\r\n" + body


CASES = {
    "get with a body": post(b"Content-Length: %d\r\n" % len(INNER), INNER),
    "get with chunks": post(CHUNKED, chunked(INNER)),
    "post with a body": post(b"Content-Length: %d\r\n" % len(INNER), INNER, b"POST /saas HTTP/1.1\r\n"),
    "length shorter than the body": post(b"Content-Length: 4\r\n", b"abcd" + INNER),
    "length 0 and a body": post(b"Content-Length: 0\r\n", INNER),
    "length and chunks": post(b"Content-Length: %d\r\n" % (len(INNER) + 5) + CHUNKED, b"0\r\n\r\n" + INNER),
    "chunks and length": post(b"Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", chunked(INNER)),
    "two lengths": post(b"Content-Length: 0\r\nContent-Length: %d\r\n" % len(INNER), INNER),
    "a list of lengths": post(b"Content-Length: 0, %d\r\n" % len(INNER), INNER),
    "signed length": post(b"Content-Length: +%d\r\n" % len(INNER), INNER),
    "length in hexadecimal": post(b"Content-Length: 0x10\r\n", INNER),
    "obscured chunked": post(b"Transfer-Encoding: xchunked\r\nContent-Length: 4\r\n", chunked(INNER)),
    "chunked twice": post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", chunked(INNER)),
    "space before the colon": post(b"Transfer-Encoding : chunked\r\nContent-Length: 4\r\n", chunked(INNER)),
    "tab after the colon": post(b"Transfer-Encoding:\tchunked\r\n", chunked(INNER)),
    "folded": post(b"Transfer-Encoding:\r\n chunked\r\nContent-Length: 4\r\n", chunked(INNER)),
    "bare line feed": post(b"X: y\nTransfer-Encoding: chunked\r\n", chunked(INNER)),
    "carriage return in a value": post(b"X: y\rTransfer-Encoding: chunked\r\n", chunked(INNER)),
    "nul in a name": post(b"Transfer-\x00Encoding: chunked\r\n", chunked(INNER)),
    "chunks over http/1.0": post(CHUNKED, chunked(INNER), b"GET /saas HTTP/1.0\r\n"),
    "chunk size with an extension": post(CHUNKED, b"5;a=\"b\r\n\"\r\nabcde\r\n0\r\n\r\n" + INNER),
    "chunk size that overflows": post(CHUNKED, b"100000000000000005\r\nabcde\r\n0\r\n\r\n" + INNER),
    "trailers": post(CHUNKED, b"0\r\nContent-Length: 50\r\n\r\n" + INNER),
    "two hosts": b"GET /saas HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "absolute target of another host": b"GET http://b/saas HTTP/1.1\r\nHost: a\r\n\r\n",
    "offer of h2c": post(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", INNER),
    "offer of a websocket": post(b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n", INNER),
    "expecting": post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(INNER), INNER),
    "hidden by connection": post(b"Connection: close, Content-Length\r\nContent-Length: %d\r\n" % len(INNER), INNER),
    "line break in the target": b"GET /saas%0d%0aX:%20y HTTP/1.1\r\nHost: a\r\n\r\n",
    "pipelined": b"".join(b"GET /saas?n=%d HTTP/1.1\r\nHost: a\r\n\r\n" % number for number in range(5)),
    "connect": b"CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n" + INNER,
    "trace": b"TRACE /saas HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n\r\n",
}  # fmt: skip


class Front:
    """A proxy before the edge; `forwarded` counts the requests it says it sent on."""

    def __init__(self, name: str, folder: Path, edge_port: int) -> None:
        self.name = name
        self.port = free_port()
        self._folder = folder
        self._config = folder / f"{name}.conf"
        text = NGINX if name == "nginx" else HAPROXY
        self._config.write_text(text.format(dir=folder, port=self.port, edge=edge_port))

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Front"]:
        """The proxy's process, until left."""
        flag = "-c" if self.name == "nginx" else "-f"
        with (self._folder / "out.log").open("wb") as out:
            process = await asyncio.create_subprocess_exec(self.name, flag, str(self._config), stdout=out, stderr=out)
        try:
            await until(self._listens)
            yield self
        finally:
            process.terminate()
            await process.wait()

    def _listens(self) -> bool:
        with socket.socket() as sock:
            return sock.connect_ex(("127.0.0.1", self.port)) == 0

    def forwarded(self) -> int:
        """How many requests the front says the edge answered."""
        log = self._folder / ("access.log" if self.name == "nginx" else "out.log")
        pattern = r"^(\d{3}) " if self.name == "nginx" else r"^asked \d+ edge/edge "
        return len(re.findall(pattern, log.read_text(), re.MULTILINE)) if log.exists() else 0

    async def send(self, data: bytes) -> bytes:
        """Send bytes on a new connection; return what comes until it ends or nothing more does."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(data)
        received = b""
        with contextlib.suppress(TimeoutError, ConnectionError):
            while piece := await asyncio.wait_for(reader.read(65_536), ANSWER_S if not received else 0.2):
                received += piece
        writer.close()
        return received


def answered(edge: Edge) -> int:
    """How many requests the edge answered."""
    return sum(edge.counters.clicks) + sum(edge.counters.responses.values())


@pytest.mark.parametrize("name", ["nginx", "haproxy"])
def test_front_and_edge_agree_on_every_request(name: str, tmp_path: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")

    async def test() -> None:
        edge = Edge(links=FakeLinks([builders.entry()]))
        async with serving(edge) as (_, port), Front(name, tmp_path, port).running() as front:
            disagreements = []
            for case, data in CASES.items():
                await front.send(data)
                for victim in (f"victim-{case.replace(' ', '-')}-{number}" for number in range(2)):
                    request = builders.head(f"/saas?n={victim}", forwarded_for=None)
                    answer = await front.send(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
                    if not answer.startswith(b"HTTP/1.1 302") or f"n={victim}&".encode() not in answer:
                        disagreements.append((case, answer[:200]))
                if case == "pipelined":
                    assert answered(edge) >= 5
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(until(lambda: front.forwarded() == answered(edge)), 5)
            assert disagreements == []
            assert front.forwarded() == answered(edge) > 2 * len(CASES)

    run("uvloop", test)
