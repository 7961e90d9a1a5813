"""Log lines on stderr: one JSON object each for machines, one readable line for a terminal; the same as the edge's.

A line has `time`, `level`, `part` (who says it), `message`, what the call passed as `extra`, and `traceback`.
"""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final, TextIO

import orjson
from structlog.stdlib import ExtraAdder, ProcessorFormatter
from structlog.typing import EventDict

_MAX_CHARS: Final = 4_000
_QUIET: Final = ("alembic", "uvicorn", "uvicorn.error", "uvicorn.access")
"""They tell in passing what the process says better itself."""


def configure(log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send what every part logs to `stream` (stderr); `log_format` is json, text or auto (text on a terminal)."""
    stream = stream or sys.stderr
    as_text = log_format == "text" or (log_format == "auto" and stream.isatty())
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=[ExtraAdder(), _line],
            processors=[ProcessorFormatter.remove_processors_meta, _text if as_text else _json],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _line(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Return the fields of a line in their order."""
    record: logging.LogRecord = event["_record"]
    line = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "part": record.name,
        "message": str(event.pop("event"))[:_MAX_CHARS],
    }
    if exc_info := event.pop("exc_info", None):
        event["traceback"] = logging.Formatter().formatException(exc_info)[-_MAX_CHARS:]
    return {**line, **event}


def _json(_logger: Any, _method: str, event: EventDict) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _text(_logger: Any, _method: str, event: EventDict) -> str:
    time = datetime.fromisoformat(event.pop("time")).astimezone().strftime("%H:%M:%S")
    head = f"{time} {event.pop('level'):7} {event.pop('part')}: {event.pop('message')}"
    traceback = event.pop("traceback", None)
    line = head + "".join(f" {name}={value}" for name, value in event.items())
    return f"{line}\n{traceback}" if traceback else line
