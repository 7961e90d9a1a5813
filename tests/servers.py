"""Real servers for tests: a Redis that can be killed, frozen, flushed and started again, and a web server."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import pytest
from redis import Redis
from redis.exceptions import RedisError

from tests.certificates import Certificate

_HANG_S = 30.0


class RedisServer:
    """One Redis server of the test's own; nothing is kept on disk unless `appendonly`.

    It keeps its port for life, so that what was connected finds it again after `restart`. With a `certificate` it
    speaks TLS alone, and its `url` says by whose authority; a `password` belongs to the only user, `turnout`.
    """

    def __init__(
        self,
        folder: Path,
        *options: str,
        appendonly: bool = False,
        certificate: Certificate | None = None,
        password: str = "",
    ) -> None:
        self.folder = folder
        self.port = free_port()
        user = f"turnout:{quote(password, safe='')}@" if password else ""
        self.url = f"redis://{user}127.0.0.1:{self.port}/0"
        self._listen: tuple[str, ...] = ("--port", str(self.port))
        self._programs: tuple[str, ...] = ("redis-server", "valkey-server")
        if certificate:
            self.url = f"rediss://{user}127.0.0.1:{self.port}/0?ssl_ca_certs={certificate.authority}"
            self._listen = ("--port", "0", "--tls-port", str(self.port), *certificate.redis_options())
            self._programs = ("/usr/bin/redis-server", *self._programs)  # the embedded one is built without TLS
        if password:
            options += ("--user", "turnout", "on", f">{password}", "~*", "&*", "+@all", "--user", "default", "off")
        self._options = ("--save", "", "--appendonly", "yes" if appendonly else "no", *options)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "RedisServer":
        """Start the server and wait until it answers; skips the test where no Redis is installed."""
        binary = next(filter(None, map(shutil.which, self._programs)), None)
        if binary is None:
            pytest.skip("needs a redis-server or valkey-server on PATH")
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [binary, *self._listen, "--bind", "127.0.0.1", "--dir", str(self.folder), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + _HANG_S
        while not self._answers():
            assert self._process.poll() is None, "redis-server ended at start"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)
        return self

    def client(self) -> Redis:
        """Return a connection of the test's own."""
        return Redis.from_url(self.url, decode_responses=False)

    def stop(self) -> None:
        """End the server as an operator would."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End the server without giving it a say."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop the server's clock: connections stay open and nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        os.kill(self.pid, signal.SIGCONT)

    def restart(self) -> None:
        """Kill the server and start it again, empty unless it is `appendonly`."""
        self.kill()
        self.start()

    def flush(self) -> None:
        """Delete everything."""
        with self.client() as client:
            client.flushall()

    def _answers(self) -> bool:
        with Redis.from_url(self.url, socket_timeout=1) as client, contextlib.suppress(RedisError, OSError):
            return bool(client.ping())
        return False

    def _end(self, signal_number: int) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGCONT)
        process.send_signal(signal_number)
        process.wait(_HANG_S)


class Site:
    """A web server on loopback: `pages` is path -> (status, headers, body), `asked` every (path, Authorization).

    Paths that are no pages' get `elsewhere`.
    """

    def __init__(self) -> None:
        self.pages: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.elsewhere: tuple[int, dict[str, str], bytes] = (404, {}, b"")
        self.asked: list[tuple[str, str | None]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"] or 0))
                site.asked.append((self.path, self.headers["Authorization"]))
                status, headers, body = site.pages.get(self.path, site.elsewhere)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_port
        self.url = f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> "Site":
        self._thread = threading.Thread(target=self.server.serve_forever)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def let_children_heed_signals() -> None:
    """Have what this process starts be ended by the signals that end one, though `nohup` or a shell's `&` started it.

    A signal that is ignored stays ignored in a child; one that is handled is back at its default there.
    """
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, lambda _number, _frame: None)


def free_port() -> int:
    """Return a port on loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
