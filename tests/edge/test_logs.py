"""Log lines are for machines or for people, and never more than somebody can read."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from edge.process import logs

log = logging.getLogger("edge.part")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_its_fields() -> None:
    stream = io.StringIO()
    logs.configure("auto", "info", stream)

    log.info("worker %d died", 3, extra={"slot": 3, "cause": ValueError("x")})

    (line,) = lines(stream)
    assert line.pop("time").endswith("+00:00")
    assert line == {"level": "info", "part": "edge.part", "message": "worker 3 died", "slot": 3, "cause": "x"}


def test_a_person_at_a_terminal_gets_text() -> None:
    stream = Terminal()
    logs.configure("auto", "info", stream)

    log.warning("no country database", extra={"source": "x.mmdb"})

    assert stream.getvalue().endswith("warning edge.part: no country database source=x.mmdb\n")


def test_a_traceback_stays_on_its_line() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)

    try:
        raise ValueError("broken on purpose")
    except ValueError:
        log.exception("failed")

    (line,) = lines(stream)
    assert line["traceback"].endswith("ValueError: broken on purpose")


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()
    logs.configure("json", "error", stream)

    log.warning("quiet")

    assert stream.getvalue() == ""


def complain(at: float) -> None:
    record = logging.LogRecord("edge.part", logging.WARNING, "", 0, "no answer", (), None)
    record.created = at
    log.handle(record)


def test_a_complaint_that_comes_again_and_again_is_counted_and_told_once_in_ten_seconds() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)

    for at in (100.0, 100.1, 109.9, 110.0, 120.0):
        complain(at)

    assert [line.get("repeated") for line in lines(stream)] == [None, 2, None]


def test_the_same_complaint_about_something_else_is_another() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)

    for pid in (1, 2, 2):
        log.error("worker died", extra={"pid": pid})

    assert [line["pid"] for line in lines(stream)] == [1, 2]


def test_a_process_can_say_who_it_is_on_every_line() -> None:
    stream = io.StringIO()
    logs.configure("json", "info", stream)
    logs.always_say(slot=1)

    log.info("one")
    log.info("two", extra={"slot": 7})

    assert [line["slot"] for line in lines(stream)] == [1, 7]
