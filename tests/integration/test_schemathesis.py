"""The running API against its own OpenAPI document: every operation, with requests that nobody thought of.

This is a quick look. For hours of it, with every boundary value (coverage) and with sequences of calls (stateful), say
how many requests an operation is worth:

    TURNOUT_TEST_REQUESTS=200 .venv/bin/pytest -o faulthandler_timeout=0 tests/integration/test_schemathesis.py
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.integration.control_process import KEY, ControlProcess
from tests.servers import RedisServer

# What a schema cannot say (a slug is taken, a browser opens another host) is refused all the same; and to a GET,
# /links/bulk is a /links/{link_id} that does not exist, so that `Allow` names what both paths have.
_NOT_CHECKED = "positive_data_acceptance,allow_header_conformance"
# These would end the key that asks, or slow it down on purpose.
_NOT_ASKED = r"/(keys|users)/|/log(in|out)$"
_DEEP = os.environ.get("TURNOUT_TEST_REQUESTS", "")
_QUICK = ("--phases", "examples,fuzzing", "--max-examples", "15")
_HANG_S = 1800


@pytest.fixture
def control(tmp_path: Path, redis_server: RedisServer) -> Iterator[ControlProcess]:
    process = ControlProcess(tmp_path / "control", redis_server.url)
    try:
        yield process.start()
    finally:
        process.close()


def test_no_request_gets_a_500_or_an_answer_outside_the_schema(control: ControlProcess, tmp_path: Path) -> None:
    program = shutil.which("schemathesis", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs schemathesis")
    schema = tmp_path / "openapi.json"
    schema.write_bytes(httpx.get(f"{control.url}/openapi.json", timeout=_HANG_S).content)

    ended = subprocess.run(
        [
            program,
            "run",
            str(schema),
            "--url",
            control.url,
            "--header",
            f"Authorization: Bearer {KEY}",
            "--exclude-checks",
            _NOT_CHECKED,
            "--exclude-path-regex",
            _NOT_ASKED,
            *(("--max-examples", _DEEP) if _DEEP else _QUICK),
            "--workers",
            "2",
            "--continue-on-failure",
            "--request-timeout",
            "120",
            "--seed",
            "4711",
            "--no-color",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=None if _DEEP else _HANG_S,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout[-8000:]
    assert "Traceback" not in control.log(), control.log()[-4000:]
