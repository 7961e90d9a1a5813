"""wrk at a pace: never faster than it was asked for, however quick the answers are."""

import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from loadtests.bench.visits import HOT, write_guesses, write_script
from loadtests.bench.wrk import Wrk

RATE = 200


class _Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def port() -> Iterator[int]:
    """A server that answers at once."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("guesses", [False, True])
def test_all_connections_and_threads_together_keep_the_pace(
    port: int, tmp_path: Path, threads: int, *, guesses: bool
) -> None:
    if shutil.which("wrk") is None:
        pytest.skip("wrk is not installed")
    script = tmp_path / "clicks.lua"
    if guesses:
        write_guesses(script)
    else:
        write_script(script, HOT._replace(requests=50))
    run = Wrk(port, script, seconds=1, connections=16, rate=RATE, cpus="0", threads=threads).wait()
    assert 0 < run.rate < 1.1 * RATE
    assert run.errors == 0
