"""Control's log lines are for machines or for people, and the same as an edge's."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from control import logs
from edge.process import logs as edge_logs

log = logging.getLogger("control.part")


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def said(configure: Any, log_format: str = "json") -> str:
    """Return what two calls log, without the time."""
    stream = io.StringIO()
    configure(log_format, "info", stream)
    log.info("an edge %s", "differs", extra={"edge": "fra-1", "slots": [1, 2]})
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("auditing failed")
    log.debug("not said")
    return stream.getvalue()


def lines(text: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in json.loads(line).items() if name != "time"} for line in text.splitlines()]


def test_a_line_is_one_json_object_with_its_fields() -> None:
    first, second = lines(said(logs.configure))

    assert first == {
        "level": "info",
        "part": "control.part",
        "message": "an edge differs",
        "edge": "fra-1",
        "slots": [1, 2],
    }
    assert (second["level"], second["message"]) == ("error", "auditing failed")
    assert second["traceback"].endswith("ValueError: broken")


def test_edges_and_control_write_the_same_lines() -> None:
    assert lines(said(logs.configure)) == lines(said(edge_logs.configure))


def test_a_person_at_a_terminal_gets_text() -> None:
    stream = Terminal()
    logs.configure("auto", "info", stream)

    log.warning("an edge differs", extra={"edge": "fra-1"})

    assert stream.getvalue().endswith(" warning control.part: an edge differs edge=fra-1\n")


def test_text_keeps_a_traceback_readable() -> None:
    assert "auditing failed\nTraceback (most recent call last):" in said(logs.configure, "text")


def test_what_is_below_the_level_or_said_in_passing_is_not_written() -> None:
    stream = io.StringIO()
    logs.configure("json", "warning", stream)

    log.info("not said")
    logging.getLogger("alembic.runtime.migration").info("not said")

    assert stream.getvalue() == ""
